//! `/ws?since=`: nothing is missed and nothing comes twice, or the client is told to start over.

use crate::harness::macros::on_both;
use crate::harness::raw::Raw;
use crate::harness::wait::eventually;
use crate::harness::ws::{Refusal, Ws};
use crate::harness::{Client, Server, Value, json};

/// Publishes one event for each name, with so many letters each.
async fn publish(client: &Client, names: impl IntoIterator<Item = i64>, letters: usize) {
    let letters = "x".repeat(letters);
    let event = |name| json!({ "type": "order.paid", "payload": { "name": name, "letters": letters } });
    let events: Vec<Value> = names.into_iter().map(event).collect();
    client.post("/api/v1/events", events).await.expect(202);
}

async fn open(server: &Server, client: &Client, query: &str) -> Result<Ws, Refusal> {
    let bearer = format!("Bearer {}", client.token());
    Ws::open(server, &format!("/ws{query}"), &[("authorization", &bearer)]).await
}

/// Connects; with the payload of the first frame.
async fn resume(server: &Server, client: &Client, query: &str) -> (Ws, Value) {
    let mut ws = open(server, client, query).await.expect("a connection");
    let ready = ws.expect_type("connection.ready").await;
    (ws, ready["payload"].clone())
}

/// The next events are these, which were published under their numbers.
async fn comes(ws: &mut Ws, numbers: std::ops::RangeInclusive<i64>) {
    for number in numbers {
        let event = ws.next_event().await;
        assert_eq!((&event["seq"], &event["payload"]["name"]), (&json!(number), &json!(number)));
    }
}

on_both! {
    async fn everything_after_a_number_comes_once_and_in_order_while_more_is_published(server) {
        let admin = server.admin().await;
        publish(&admin, 1..=100, 10).await;
        let write = async {
            for number in 101..=140 {
                publish(&admin, [number], 10).await;
            }
        };
        let read = async |since: i64| {
            let (mut ws, ready) = resume(&server, &admin, &format!("?since={since}")).await;
            assert!(ready["seq"].as_i64().unwrap() >= since, "{ready}");
            comes(&mut ws, since + 1..=140).await;
        };
        let many = futures_util::future::join_all([0, 1, 50, 99, 100].map(read));
        tokio::join!(write, many);
    }

    async fn only_what_the_user_may_see_comes_again(server) {
        let admin = server.admin().await;
        let (kim, kim_id) = server.user("kim@example.com", "agent").await;
        for users in [json!([]), json!([kim_id]), json!(["user-456"]), json!([kim_id])] {
            let event = json!({ "type": "order.paid", "payload": {}, "audience": { "users": users } });
            admin.post("/api/v1/events", event).await.expect(202);
        }
        let (mut ws, _) = resume(&server, &kim, "?since=0").await;
        assert_eq!((&ws.next_event().await["seq"], &ws.next_event().await["seq"]), (&json!(2), &json!(4)));
    }

    async fn a_pong_tells_how_far_a_client_has_come_that_sees_little(server) {
        let admin = server.admin().await;
        let (kim, _) = server.user("kim@example.com", "agent").await;
        let hidden = json!({ "type": "order.paid", "payload": {}, "audience": { "users": [] } });
        admin.post("/api/v1/events", vec![hidden.clone(); 3]).await.expect(202);
        let (mut live, _) = resume(&server, &kim, "").await;
        let (mut resumed, _) = resume(&server, &kim, "?since=1").await;
        for head in [3, 4] {
            for ws in [&mut live, &mut resumed] {
                eventually("the answer", async || {
                    ws.send(&json!({ "type": "ping", "ref": head })).await;
                    let pong = ws.wait_for("pong").await;
                    (pong == json!({ "type": "pong", "payload": { "seq": head }, "ref": head })).then_some(())
                })
                .await;
            }
            admin.post("/api/v1/events", hidden.clone()).await.expect(202);
        }
    }

    async fn what_cannot_be_gone_on_with_is_reset_and_goes_on_live(server) {
        let admin = server.admin().await;
        publish(&admin, 1..=3, 10).await;
        let (_, ready) = resume(&server, &admin, "").await;
        let epoch = ready["epoch"].as_str().unwrap();
        for (head, query) in (3..).zip(["since=9", "since=9000000000", "since=2&epoch=another", &format!("since=7&epoch={epoch}")]) {
            let (mut ws, _) = resume(&server, &admin, &format!("?{query}")).await;
            let reset = ws.expect_type("connection.reset").await;
            assert_eq!(reset["payload"], json!({ "oldest_seq": 1, "seq": head, "epoch": epoch }), "{query}");
            publish(&admin, [head + 1], 10).await;
            comes(&mut ws, head + 1..=head + 1).await;
        }
        for query in ["?since=0&epoch=another", &format!("?since=0&epoch={epoch}"), "?since=0"] {
            comes(&mut resume(&server, &admin, query).await.0, 1..=7).await;
        }
        comes(&mut resume(&server, &admin, &format!("?since=2&epoch={epoch}")).await.0, 3..=7).await;
    }

    async fn what_is_no_number_is_400(server) {
        let admin = server.admin().await;
        for bad in ["x", "-1", "1.5", "1e3", "0x1", "99999999999999999999"] {
            let refusal = open(&server, &admin, &format!("?since={bad}")).await.err().expect("a refusal");
            assert_eq!((refusal.status, &refusal.body["success"]), (400, &json!(false)), "{bad}");
        }
    }

    async fn a_client_that_reads_nothing_for_a_while_misses_nothing_and_holds_up_nobody(server) {
        let admin = server.admin().await;
        let (mut slow, _) = resume(&server, &admin, "").await;
        let (mut quick, _) = resume(&server, &admin, "").await;
        for batch in 0..10 {
            let names = batch * 100 + 1..=batch * 100 + 100;
            publish(&admin, names.clone(), 20_000).await;
            comes(&mut quick, names).await;
        }
        comes(&mut slow, 1..=1000).await;
        publish(&admin, [1001], 10).await;
        comes(&mut slow, 1001..=1001).await;
    }
}

#[tokio::test]
async fn what_another_server_has_just_committed_is_not_beyond_the_log() {
    let here = Server::builder().mariadb().start().await;
    let there = here.elsewhere().start().await;
    let admin = here.admin().await;
    // So that the other server follows the log, and is behind it.
    let (_listener, _) = resume(&there, &admin, "").await;
    for number in 1..=10 {
        publish(&admin, [number], 10).await;
        let (mut ws, _) = resume(&there, &admin, &format!("?since={number}")).await;
        ws.send(&json!({ "type": "ping" })).await;
        assert_eq!(ws.wait_for_any(&["connection.reset", "pong"]).await["type"], "pong");
    }
}

#[tokio::test]
async fn a_server_that_wrote_nothing_resets_and_resumes_as_the_one_that_did() {
    let here = Server::builder().mariadb().redis().start().await;
    let there = here.elsewhere().start().await;
    let admin = here.admin().await;
    publish(&admin, 1..=3, 10).await;
    let (_own, ready) = resume(&here, &admin, "").await;
    let (mut live, same) = resume(&there, &admin, "").await;
    let epoch = ready["epoch"].as_str().expect("a text");
    assert_eq!(same["epoch"], epoch);
    for (head, query) in (3..).zip(["since=9", "since=2&epoch=another", &format!("since=7&epoch={epoch}")]) {
        let (mut ws, _) = resume(&there, &admin, &format!("?{query}")).await;
        let reset = ws.expect_type("connection.reset").await;
        assert_eq!(reset["payload"], json!({ "oldest_seq": 1, "seq": head, "epoch": epoch }), "{query}");
        publish(&admin, [head + 1], 10).await;
        comes(&mut ws, head + 1..=head + 1).await;
    }
    comes(&mut live, 4..=6).await;
    comes(&mut resume(&there, &admin, &format!("?since=2&epoch={epoch}")).await.0, 3..=6).await;
    comes(&mut resume(&there, &admin, "?since=0&epoch=another").await.0, 1..=6).await;
}

#[tokio::test]
async fn a_client_too_slow_for_what_another_server_publishes_gets_it_all_in_order() {
    let here = Server::builder().mariadb().redis().start().await;
    let there = here.elsewhere().start().await;
    let admin = here.admin().await;
    let mut slow = Raw::connect_narrow(&there, &admin).await;
    let (mut quick, _) = resume(&there, &admin, "").await;
    for batch in 0..10 {
        let names = batch * 100 + 1..=batch * 100 + 100;
        publish(&admin, names.clone(), 20_000).await;
        comes(&mut quick, names).await;
    }
    eventually("the slow one to be stuck", async || {
        let metrics = there.anonymous().get("/metrics").await.expect(200);
        metrics.text.contains("callcenter_realtime_connections_stuck 1\n").then_some(())
    })
    .await;
    for number in 1..=1000 {
        let event = slow.expect_document("order.paid").await;
        assert_eq!((&event["seq"], &event["payload"]["name"]), (&json!(number), &json!(number)));
    }
    publish(&admin, [1001], 10).await;
    assert_eq!(slow.expect_document("order.paid").await["seq"], 1001);
}
