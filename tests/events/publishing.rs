//! What is published is in the log, numbered without a gap, and goes out as it came in.

use futures_util::future::join_all;

use super::{EVENTS, event, log, log_lines, names, numbers, publish, published};
use crate::harness::macros::on_both;
use crate::harness::sink::Sink;
use crate::harness::ws::Ws;
use crate::harness::{Client, Server, Value, json};

/// A payload that a careless program changes on its way, and what is to become of it.
const ODD: &str = r#"{ "z" : 1.0 , "a" :	1e400,
  "big": 123456789012345678901234567890, "small": -0.0, "e": 1E+2, "precise": 0.1000000000000000055511151231257827,
  "escaped" : "\u00e9\u0000\/\ud83d\ude00\n \" } \\" , "lone": "\ud800", "plain": "é 😀 ,  : ", "": null,
  "twice":1, "twice":2, "10": [ [ ] , { } , true ], "2":  {"b" : 1, "a":2} }"#;
const COMPACT: &str = concat!(
    r#""z":1.0,"a":1e400,"#,
    r#""big":123456789012345678901234567890,"small":-0.0,"e":1E+2,"precise":0.1000000000000000055511151231257827,"#,
    r#""escaped":"\u00e9\u0000\/\ud83d\ude00\n \" } \\","lone":"\ud800","plain":"é 😀 ,  : ","":null,"#,
    r#""twice":1,"twice":2,"10":[[],{},true],"2":{"b":1,"a":2}"#,
);

async fn publish_raw(client: &Client, payload: &str) {
    let body = format!(r#"{{"type":"order.odd","payload":{payload}}}"#);
    published(&client.post(EVENTS, json!({})).raw("application/json", body).await);
}

/// The payload's fields are all there, letter by letter, with the tenant's id beside them.
#[track_caller]
fn assert_kept(text: &str, fields: &str) {
    assert!(text.contains(fields), "{text}");
    assert!(text.contains(r#""tenant_id":"tenant-123""#), "{text}");
}

/// Publishes ten times, every third time a batch; each call's numbers.
async fn publish_ten(client: &Client, publisher: usize) -> Vec<Vec<i64>> {
    let mut calls = Vec::new();
    for number in 0..10 {
        let name = |part: &str| event(&format!("{publisher} {number} {part}"));
        let body = if number % 3 == 0 { json!([name("a"), name("b"), name("c")]) } else { name("") };
        calls.push(numbers(&publish(client, body).await));
    }
    calls
}

/// Each call's events follow one another, each publisher's calls too, and all together are 1, 2, 3 …
fn assert_gapless(publishers: &[Vec<Vec<i64>>]) {
    for calls in publishers {
        for call in calls {
            assert_eq!(*call, (call[0]..).take(call.len()).collect::<Vec<_>>(), "a batch is in one piece");
        }
        assert!(calls.concat().is_sorted(), "{calls:?}");
    }
    let mut all = publishers.concat().concat();
    all.sort_unstable();
    assert_eq!(all, (1..).take(all.len()).collect::<Vec<_>>());
}

fn is_numbered_in_order(log: &[Value]) -> bool {
    (1_i64..).zip(log).all(|(seq, event)| event["seq"] == seq)
}

on_both! {
    async fn an_event_is_answered_with_its_id_and_number(server) {
        let admin = server.admin().await;
        let body = json!({ "type": "order.paid", "payload": { "order": 7 }, "subject": "order:7" });
        let answer = admin.post(EVENTS, body).await.expect(202);
        let id = answer.data()["events"][0]["id"].clone();
        assert!(id.as_str().is_some_and(|id| !id.is_empty()), "{}", answer.text);
        assert_eq!(*answer.data(), json!({ "accepted": 1, "events": [{ "id": id, "seq": 1 }] }));

        let log = log(&server).await;
        assert_eq!(log.len(), 1, "{log:?}");
        assert_eq!(log[0]["id"], id);
        assert_eq!(log[0]["type"], "order.paid");
        assert_eq!(log[0]["subject"], "order:7");
        assert_eq!(log[0]["payload"], json!({ "order": 7, "tenant_id": "tenant-123" }));
    }

    async fn a_batch_is_numbered_in_its_order(server) {
        let admin = server.admin().await;
        let batch = |count: usize| (0..count).map(|number| event(&number.to_string())).collect::<Vec<_>>();
        assert_eq!(numbers(&publish(&admin, batch(1)).await), [1]);
        let many = publish(&admin, batch(500)).await;
        assert_eq!(numbers(&many), (2..=501).collect::<Vec<_>>());
        let log = log(&server).await;
        assert_eq!(log.len(), 501);
        for ((number, event), logged) in many.iter().enumerate().zip(&log[1..]) {
            assert_eq!(logged["id"], event.id);
            assert_eq!(logged["payload"]["name"], number.to_string());
        }
    }

    async fn thirty_two_publishers_at_once_leave_no_gap(server) {
        let admin = server.admin().await;
        let (program, _) = server.program(&admin, &["events:write"]).await;
        let publish = async |publisher| {
            let client = if publisher % 2 == 0 { &admin } else { &program };
            publish_ten(client, publisher).await
        };
        let publishers = join_all((0..32).map(publish)).await;
        assert_gapless(&publishers);
        let log = log(&server).await;
        assert_eq!(log.len(), publishers.concat().concat().len());
        assert!(is_numbered_in_order(&log));
    }

    async fn an_event_goes_to_webhooks_and_sockets_with_its_tenant(server) {
        let (sink, other) = tokio::join!(Sink::start(), Sink::start());
        let admin = server.admin().await;
        let webhook = json!({ "url": sink.url(), "events": ["order.*"], "secret": "s3cret" });
        admin.post("/api/v1/webhooks", webhook).await.expect(201);
        let webhook = json!({ "url": other.url(), "events": ["order.sent"] });
        admin.post("/api/v1/webhooks", webhook).await.expect(201);
        let (program, _) = server.program(&admin, &["events:write"]).await;
        let (mut ws, _) = Ws::connect(&server, &admin).await;

        let first = publish(&program, json!({ "type": "order.paid", "payload": { "order": 7 } })).await;
        let second = publish(&program, json!({ "type": "order.sent", "payload": {} })).await;
        let expected = json!({ "order": 7, "tenant_id": "tenant-123" });
        let frame = ws.wait_for("order.paid").await;
        assert_eq!(frame["payload"], expected);
        assert_eq!((&frame["id"], &frame["seq"]), (&json!(first[0].id), &json!(1)));
        assert!(frame["timestamp"].is_number(), "{frame}");
        let received = sink.wait_for_event("order.paid").await;
        assert!(received.is_signed_by("s3cret"));
        let body = received.json();
        assert_eq!((&body["data"], &body["tenant_id"]), (&expected, &json!("tenant-123")));
        assert_eq!((&body["id"], &body["seq"]), (&json!(first[0].id), &json!(1)));
        assert_eq!(received.header("webhook-id"), first[0].id);
        // The other one gets only what it asked for.
        assert_eq!(other.wait_for(1).await[0].json()["id"], second[0].id);
    }

    async fn a_payload_is_kept_byte_for_byte_apart_from_white_space(server) {
        let sink = Sink::start().await;
        let admin = server.admin().await;
        admin.post("/api/v1/webhooks", json!({ "url": sink.url() })).await.expect(201);
        let (mut ws, _) = Ws::connect(&server, &admin).await;
        publish_raw(&admin, ODD).await;

        let frame = loop {
            let frame = ws.next_text().await;
            if frame.contains("order.odd") {
                break frame;
            }
        };
        assert_kept(&frame, COMPACT);
        let body = sink.wait_for(1).await[0].body.clone();
        assert_kept(std::str::from_utf8(&body).unwrap(), COMPACT);
        assert_kept(&log_lines(&server, "tenant-123").await[0], COMPACT);
    }

    async fn a_payload_that_names_its_own_tenant_is_kept_as_it_is(server) {
        let admin = server.admin().await;
        let own = json!({ "tenant_id": "tenant-123", "a": 1 });
        publish(&admin, json!({ "type": "order.paid", "payload": own.clone() })).await;
        publish(&admin, json!({ "type": "order.paid", "payload": { "inner": { "tenant_id": "any" } } })).await;
        let log = log(&server).await;
        assert_eq!(log[0]["payload"], own);
        assert_eq!(log[1]["payload"], json!({ "tenant_id": "tenant-123", "inner": { "tenant_id": "any" } }));
    }

    async fn each_tenant_counts_for_itself(server) {
        let admin = server.admin().await;
        let stranger = server.other_tenant("other").await;
        let (program, _) = server.program(&stranger, &["events:write"]).await;
        assert_eq!(numbers(&publish(&admin, event("ours")).await), [1]);
        assert_eq!(numbers(&publish(&stranger, event("theirs")).await), [1]);
        assert_eq!(numbers(&publish(&program, event("theirs")).await), [2]);
        assert_eq!(names(&log(&server).await), ["ours"]);
        let theirs = log_lines(&server, "other").await;
        assert_eq!(theirs.len(), 2);
        assert!(theirs.iter().all(|line| line.contains(r#""tenant_id":"other""#)), "{theirs:?}");
    }
}

#[tokio::test]
async fn publishers_at_two_servers_leave_no_gap() {
    let here = Server::builder().mariadb().redis().start().await;
    let there = here.elsewhere().start().await;
    let admin = here.admin().await;
    let elsewhere = there.with_token(admin.token());
    let (mut ws, _) = Ws::connect(&there, &admin).await;
    let publish = async |publisher| {
        let client = if publisher % 2 == 0 { &admin } else { &elsewhere };
        publish_ten(client, publisher).await
    };
    let publishers = join_all((0..32).map(publish)).await;
    assert_gapless(&publishers);
    assert!(is_numbered_in_order(&log(&here).await));
    for number in 1..=publishers.concat().concat().len() {
        assert_eq!(ws.wait_for("order.paid").await["seq"], number, "in order on the other server's socket");
    }
}
