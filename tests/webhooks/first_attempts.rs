//! `ordering: none`: first attempts start in the order of the events.

use super::{newest, webhook};
use crate::harness::macros::on_both;
use crate::harness::sink::{Reply, Sink};
use crate::harness::wait::eventually;
use crate::harness::{Client, Server, Value, json};

async fn publish(admin: &Client, count: usize) {
    let one = json!({ "type": "order.paid", "payload": {} });
    admin.post("/api/v1/events", Value::Array(vec![one; count])).await.expect(202);
}

fn seqs(sink: &Sink) -> Vec<i64> {
    sink.received().iter().map(|request| request.json()["seq"].as_i64().unwrap()).collect()
}

on_both! {
    async fn an_endpoint_that_fails_is_asked_about_each_in_turn(server, WEBHOOK_RETRY_SCHEDULE = "1h") {
        let (sink, admin) = (Sink::start().await, server.admin().await);
        sink.reply_always(Reply::status(500));
        webhook(&admin, json!({ "url": sink.url(), "events": ["order.*"] })).await;
        for count in [1, 20, 1, 38] {
            publish(&admin, count).await;
        }
        sink.wait_for(60).await;
        assert_eq!(seqs(&sink), (1..=60).collect::<Vec<_>>());
    }

    async fn those_that_are_on_their_way_together_are_the_oldest(server) {
        let (sink, admin) = (Sink::start().await, server.admin().await);
        let id = webhook(&admin, json!({ "url": sink.url(), "events": ["order.*"], "timeout": 60 })).await;
        publish(&admin, 1).await;
        // An endpoint that is known to answer has several requests at a time.
        newest(&admin, &id, "the success", |entry| entry["status"] == "success").await;
        sink.reply_always(Reply::stall());
        publish(&admin, 100).await;
        // They go over connections of their own, on which one may pass another.
        eventually("several without a gap", async || {
            let mut seqs = seqs(&sink);
            seqs.sort_unstable();
            let is_whole = seqs.iter().copied().eq((1..).take(seqs.len()));
            (seqs.len() > 8 && is_whole).then_some(())
        })
        .await;
        assert!(sink.count() < 100, "that would say nothing");
    }
}
