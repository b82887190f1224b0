//! What no event is. One bad event refuses its whole batch, naming it, and nothing is stored.

use super::{CONTROL_FRAMES, EVENTS, event, log, numbers, publish};
use crate::harness::macros::on_both;
use crate::harness::{Client, Server, Value, json};

const MALFORMED: &[&str] = &[
    "",
    ".",
    "Order.paid",
    "order..paid",
    ".order",
    "order.",
    "order paid",
    "order-paid",
    "ordér.paid",
    "order.*",
    "*",
    "order.paid\n",
    "order/paid",
    " order.paid",
    "order\u{0}",
];

const RESERVED: &[&str] = &["agent.", "call.", "queue.", "chat.", "user.", "webhook.", "connector."];

/// An event with one field changed.
fn with(field: &str, value: Value) -> Value {
    let mut changed = event("bad");
    changed[field] = value;
    changed
}

/// Bad events, each with the field that is to blame.
fn bad_events() -> Vec<(&'static str, Value)> {
    let mut bad = Vec::new();
    let long = format!("order.{}", "x".repeat(95));
    bad.extend(MALFORMED.iter().chain([&long.as_str()]).map(|name| ("type", with("type", json!(name)))));
    for prefix in RESERVED {
        bad.push(("type", with("type", json!(format!("{prefix}custom")))));
        bad.push(("type", with("type", json!(format!("{prefix}state.changed")))));
    }
    for name in CONTROL_FRAMES.iter().chain(&["notification", "alert", "csat.submitted"]) {
        bad.push(("type", with("type", json!(name))));
    }
    for value in [json!(7), json!(null), json!(["order.paid"]), json!({})] {
        bad.push(("type", with("type", value)));
    }
    for value in [json!([]), json!([{}]), json!("text"), json!(7), json!(null), json!(true)] {
        bad.push(("payload", with("payload", value)));
    }
    for tenant in [json!("other"), json!("TENANT-123"), json!(null), json!(7), json!({})] {
        bad.push(("payload", with("payload", json!({ "tenant_id": tenant }))));
    }
    for subject in [json!(""), json!("s".repeat(201)), json!("a\u{0}b"), json!("a\nb"), json!(7), json!({})] {
        bad.push(("subject", with("subject", subject)));
    }
    bad.extend(bad_audiences().into_iter().map(|(field, value)| (field, with("audience", value))));
    bad.push(("surprise", with("surprise", json!(1))));
    bad.push(("type", json!({ "payload": {} })));
    bad.push(("payload", json!({ "type": "order.paid" })));
    bad
}

fn bad_audiences() -> Vec<(&'static str, Value)> {
    vec![
        ("audience.queues[0]", json!({ "queues": ["queue-1"] })),
        ("audience.queues[1]", json!({ "users": ["user-456"], "queues": ["queue-1", "queue-2"] })),
        ("audience.queues", json!({ "queues": "queue-1" })),
        ("audience.roles[0]", json!({ "roles": ["owner"] })),
        ("audience.roles[1]", json!({ "roles": ["agent", "service"] })),
        ("audience.roles", json!({ "roles": "agent" })),
        ("audience.users[0]", json!({ "users": [""] })),
        ("audience.users[1]", json!({ "users": ["user-456", 7] })),
        ("audience.users", json!({ "users": null })),
        ("audience.everyone", json!({ "everyone": true })),
        ("audience", json!([["user-456"], [], []])),
        ("audience", json!("agents")),
        ("audience", json!(7)),
    ]
}

async fn raw(client: &Client, body: impl Into<Vec<u8>>) -> crate::harness::Answer {
    client.post(EVENTS, json!({})).raw("application/json", body.into()).await
}

/// The log ends where it did, and the next event gets the next number.
async fn assert_unchanged(server: &Server, client: &Client, before: &[Value]) {
    assert_eq!(log(server).await, before);
    let next = i64::try_from(before.len()).unwrap() + 1;
    assert_eq!(numbers(&publish(client, event("next")).await), [next]);
}

on_both! {
    async fn a_bad_event_is_422_and_its_field_is_named(server) {
        let admin = server.admin().await;
        publish(&admin, event("first")).await;
        let before = log(&server).await;
        for (field, bad) in bad_events() {
            let answer = admin.post(EVENTS, bad.clone()).await;
            assert_eq!(answer.status, 422, "{bad}: {}", answer.text);
            answer.names(field);
        }
        assert_unchanged(&server, &admin, &before).await;
    }

    async fn one_bad_event_refuses_its_batch_and_is_named_by_its_index(server) {
        let admin = server.admin().await;
        publish(&admin, event("first")).await;
        let before = log(&server).await;
        for (number, (field, bad)) in bad_events().into_iter().enumerate() {
            let mut batch = vec![event("good"); 4];
            let at = number % 5;
            batch.insert(at, bad);
            admin.post(EVENTS, batch).await.assert_error(422).names(&format!("[{at}].{field}"));
        }
        assert_unchanged(&server, &admin, &before).await;
    }

    async fn all_bad_events_are_told_at_once(server) {
        let admin = server.admin().await;
        let batch = json!([with("type", json!("Bad")), event("good"), with("payload", json!([]))]);
        admin.post(EVENTS, batch).await.assert_error(422).names("[0].type").names("[2].payload");
        assert_unchanged(&server, &admin, &[]).await;
    }

    async fn a_tenant_hidden_behind_a_second_field_or_an_escape_is_seen(server) {
        let admin = server.admin().await;
        for payload in [
            r#"{"tenant_id":"other","tenant_id":"tenant-123"}"#,
            r#"{"tenant_id":"tenant-123","tenant_id":"other"}"#,
            r#"{"tenant\u005fid":"other"}"#,
            r#"{"\u0074enant_id":"tenant-123","tenant_id":"other"}"#,
        ] {
            let answer = raw(&admin, format!(r#"{{"type":"order.paid","payload":{payload}}}"#)).await;
            assert_eq!(answer.status, 422, "{payload}: {}", answer.text);
            answer.names("payload");
        }
        assert_unchanged(&server, &admin, &[]).await;
    }

    async fn a_field_given_twice_is_refused(server) {
        let admin = server.admin().await;
        for (field, body) in [
            ("type", r#"{"type":"order.paid","type":"order.sent","payload":{}}"#),
            ("payload", r#"{"type":"order.paid","payload":{},"payload":{"a":1}}"#),
            ("subject", r#"{"type":"order.paid","payload":{},"subject":"a","subject":"b"}"#),
        ] {
            raw(&admin, body).await.assert_error(422).names(field);
            raw(&admin, format!("[{body}]")).await.assert_error(422).names(&format!("[0].{field}"));
        }
        assert_unchanged(&server, &admin, &[]).await;
    }

    async fn names_beside_the_reserved_ones_are_free(server) {
        let admin = server.admin().await;
        for name in ["agents.all", "callback.requested", "queued", "x", "a_1.b_2.3", "order.agent.call", "userland.x",
                     "errors", "ping.pong", "connection.lost", "auth.failed"] {
            publish(&admin, with("type", json!(name))).await;
        }
        let longest = format!("order.{}", "x".repeat(94));
        publish(&admin, with("type", json!(longest))).await;
        publish(&admin, with("subject", json!("ü".repeat(200)))).await;
        assert_eq!(log(&server).await.len(), 13);
    }

    async fn a_body_that_is_not_json_is_400(server) {
        let admin = server.admin().await;
        let good = event("good").to_string();
        for bad in ["", "{", "[", "[{}", "nonsense", "\u{feff}{}", &format!("{good}{good}"), &format!("[{good},]")] {
            let answer = raw(&admin, bad).await;
            assert_eq!(answer.status, 400, "{bad}: {}", answer.text);
        }
        // Broken inside a payload, which is not taken apart otherwise.
        for payload in ["{\"a\":01}", "{\"a\":1.}", "{\"a\":\"\n\"}", "{a:1}", "{\"a\":NaN}", "{\"a\":\"\\x\"}", "{,}"] {
            let answer = raw(&admin, format!(r#"{{"type":"order.paid","payload":{payload}}}"#)).await;
            assert_eq!(answer.status, 400, "{payload}: {}", answer.text);
        }
        raw(&admin, b"{\"type\":\"order.paid\",\"payload\":{\"a\":\"\xff\"}}".to_vec()).await.assert_error(400);
        assert_unchanged(&server, &admin, &[]).await;
    }

    async fn a_body_that_is_neither_object_nor_list_is_422(server) {
        let admin = server.admin().await;
        for bad in ["null", "1", "\"text\"", "true", " null "] {
            raw(&admin, bad).await.assert_error(422).names("body");
        }
        // The last one is an event's values without their names.
        let no_events = [json!(1), json!(null), json!([]), json!("text"), json!([event("x")]), json!(["order.paid", {}, null, null])];
        for bad in no_events {
            admin.post(EVENTS, json!([event("good"), bad])).await.assert_error(422).names("[1]");
            admin.post(EVENTS, json!([bad])).await.assert_error(422).names("[0]");
        }
        raw(&admin, "{}").await.assert_error(422).names("type");
        let answer = raw(&admin, "[".repeat(20_000)).await;
        assert!(matches!(answer.status, 400 | 422), "{}", answer.text);
        assert_unchanged(&server, &admin, &[]).await;
    }

    async fn a_foreign_content_type_is_415(server) {
        let admin = server.admin().await;
        for foreign in ["text/plain", "application/x-www-form-urlencoded", "application/cloudevents"] {
            admin.post(EVENTS, json!({})).raw(foreign, event("x").to_string()).await.assert_error(415);
        }
        assert_unchanged(&server, &admin, &[]).await;
    }
}
