//! How much a call may hold: what just fits is taken, what is larger by one is not.

use super::{EVENTS, event, log, numbers, publish, published};
use crate::harness::macros::on_both;
use crate::harness::raw::Raw;
use crate::harness::sink::Sink;
use crate::harness::wait::eventually;
use crate::harness::{Client, Server, Value, json};

const MEBIBYTE: usize = 1 << 20;

/// A payload of that many bytes.
fn payload_of(size: usize) -> Value {
    json!({ "a": "x".repeat(size - r#"{"a":""}"#.len()) })
}

fn body_of(size: usize, filler: &str) -> String {
    let body = r#"{"type":"order.paid","payload":{}}"#;
    format!("{body}{}", filler.repeat(size - body.len()))
}

async fn publish_body(client: &Client, body: String) -> crate::harness::Answer {
    client.post(EVENTS, json!({})).raw("application/json", body).await
}

on_both! {
    async fn a_payload_of_64_kib_is_taken_and_not_a_byte_more(server) {
        let sink = Sink::start().await;
        let admin = server.admin().await;
        admin.post("/api/v1/webhooks", json!({ "url": sink.url() })).await.expect(201);
        let one = |size| json!({ "type": "order.paid", "payload": payload_of(size) });
        publish(&admin, one(64 << 10)).await;
        let received = sink.wait_for(1).await[0].json();
        assert_eq!(received["data"]["a"], payload_of(64 << 10)["a"]);
        admin.post(EVENTS, one((64 << 10) + 1)).await.assert_error(422).names("payload");
        let batch = json!([event("good"), one((64 << 10) + 1)]);
        admin.post(EVENTS, batch).await.assert_error(422).names("[1].payload");
        assert_eq!(log(&server).await.len(), 1);
    }

    async fn a_body_of_four_mebibytes_is_taken_and_one_over_it_is_413(server) {
        let admin = server.admin().await;
        // White space counts here, and nowhere else.
        published(&publish_body(&admin, body_of(4 * MEBIBYTE, " ")).await);
        publish_body(&admin, body_of(4 * MEBIBYTE + 1, " ")).await.assert_error(413);
        publish_body(&admin, body_of(5 * MEBIBYTE, "x")).await.assert_error(413);
        assert_eq!(log(&server).await.len(), 1);
    }

    async fn a_batch_that_fills_the_body_is_delivered_whole(server) {
        let sink = Sink::start().await;
        let admin = server.admin().await;
        admin.post("/api/v1/webhooks", json!({ "url": sink.url() })).await.expect(201);
        let large = json!({ "type": "order.paid", "payload": payload_of(63 << 10) });
        let batch = vec![large; 64];
        assert_eq!(numbers(&publish(&admin, batch).await), (1..=64).collect::<Vec<_>>());
        let mut numbers: Vec<i64> =
            sink.wait_for(64).await.iter().map(|request| request.json()["seq"].as_i64().unwrap()).collect();
        numbers.sort_unstable();
        assert_eq!(numbers, (1..=64).collect::<Vec<_>>());
    }

    async fn a_batch_holds_1_to_500_events(server) {
        let admin = server.admin().await;
        for count in [0, 501, 5000] {
            let batch = vec![event("x"); count];
            let answer = admin.post(EVENTS, batch).await;
            assert_eq!(answer.status, 422, "{count}: {}", answer.text);
            assert!(answer.text.contains("500"), "{}", answer.text);
        }
        assert_eq!(numbers(&publish(&admin, event("first")).await), [1]);
    }

    async fn a_call_that_would_cause_too_many_deliveries_is_refused_whole(server) {
        let admin = server.admin().await;
        let webhook = json!({ "url": "http://127.0.0.1:9/", "events": ["order.paid"] });
        for _ in 0..101 {
            admin.post("/api/v1/webhooks", webhook.clone()).await.expect(201);
        }
        let batch = vec![event("x"); 500];
        let refused = admin.post(EVENTS, batch).await;
        assert_eq!(refused.status, 422, "{}", refused.text);
        assert!(refused.text.contains("50500 webhook deliveries"), "{}", refused.text);
        assert_eq!(log(&server).await.len(), 0);
        assert_eq!(numbers(&publish(&admin, event("one")).await), [1]);
    }

    async fn a_payload_may_be_nested_deeply(server) {
        let sink = Sink::start().await;
        let admin = server.admin().await;
        admin.post("/api/v1/webhooks", json!({ "url": sink.url() })).await.expect(201);
        let deep = format!("{}{}", "[".repeat(20_000), "]".repeat(20_000));
        let body = format!(r#"{{"type":"order.paid","payload":{{"deep":{deep}}}}}"#);
        published(&publish_body(&admin, body).await);
        let received = sink.wait_for(1).await[0].body.clone();
        assert!(std::str::from_utf8(&received).unwrap().contains(&deep));
    }
}

/// Sends a little more than half of the largest body, which has the server keep room for all of it, and then waits.
async fn half_a_body(server: &Server, client: &Client) -> Raw {
    let mut half = Raw::open(server).await;
    let head = format!(
        "POST {EVENTS} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\nContent-Length: {}\r\n\r\n",
        client.token(),
        4 * MEBIBYTE
    );
    half.send(head.as_bytes()).await;
    half.send(&vec![b' '; 2 * MEBIBYTE + MEBIBYTE / 4]).await;
    half
}

#[tokio::test]
async fn large_bodies_share_room_and_small_ones_need_none() {
    let server = Server::builder().sqlite().start().await;
    let admin = server.admin().await;
    let mut halves = Vec::new();
    for _ in 0..64 {
        halves.push(half_a_body(&server, &admin).await);
    }
    let large = async || publish_body(&admin, body_of(4 * MEBIBYTE, " ")).await;
    let refused = eventually("the room to be full", async || {
        let answer = large().await;
        // It may have taken the room of a half, which was refused then.
        halves.push(half_a_body(&server, &admin).await);
        (answer.status != 202).then_some(answer)
    })
    .await;
    refused.assert_error(503);
    assert_eq!((&refused.body["error"]["code"], refused.header("retry-after")), (&json!("busy"), "2"));
    published(&publish_body(&admin, body_of(64 << 10, " ")).await);
    drop(halves);
    eventually("room", async || (large().await.status == 202).then_some(())).await;
}
