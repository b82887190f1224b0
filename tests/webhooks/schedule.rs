//! `WEBHOOK_RETRY_SCHEDULE`, the whole of it.

use std::collections::BTreeSet;
use std::time::Duration;

use super::{newest, path, webhook};
use crate::harness::macros::on_both;
use crate::harness::sink::{Reply, Sink};
use crate::harness::wait::eventually;
use crate::harness::{Client, Server, Value, json};

async fn publish(admin: &Client, name: &str, count: usize) {
    let one = json!({ "type": name, "payload": {} });
    admin.post("/api/v1/events", Value::Array(vec![one; count])).await.expect(202);
}

/// Another endpoint. It is sent something that it fails once, so that its retry tells that what was due has been sent.
struct Witness {
    sink: Sink,
    id: Value,
}

impl Witness {
    async fn start(admin: &Client) -> Self {
        let sink = Sink::start().await;
        let id = webhook(admin, json!({ "url": sink.url(), "events": ["other.*"] })).await;
        Self { sink, id }
    }

    /// Moves the clock by more than the first delay takes.
    async fn pass(&self, server: &Server, admin: &Client, by: Duration) {
        let before = self.sink.count();
        self.sink.reply_next([Reply::status(500)]);
        publish(admin, "other.thing", 1).await;
        newest(admin, &self.id, "the witness to fail", |entry| {
            entry["status"] == "pending" && entry["attempts"] == 1
        })
        .await;
        server.advance(by).await;
        self.sink.wait_for(before + 2).await;
        publish(admin, "other.thing", 1).await;
        self.sink.wait_for(before + 3).await;
    }
}

/// A delivery that always fails is tried again after each of these delays, give or take a fifth, and then no more.
async fn assert_delays(server: &Server, settings: Value, delays: &[u64]) {
    let sink = Sink::start().await;
    sink.reply_always(Reply::status(500));
    let admin = server.admin().await;
    let witness = Witness::start(&admin).await;
    let mut body = json!({ "url": sink.url(), "events": ["order.*"] });
    body.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
    let id = webhook(&admin, body).await;
    publish(&admin, "order.paid", 1).await;
    for (attempts, delay) in (1..).zip(delays) {
        let entry = newest(&admin, &id, "the attempt", |entry| entry["attempts"] == attempts).await;
        assert_eq!(entry["status"], "pending", "{entry}");
        // What the test itself takes counts, too: of a short delay nothing would be left.
        let early = (delay * 8 / 10).saturating_sub(120);
        let passed = if early > delays[0] * 12 / 10 { early } else { 0 };
        if passed > 0 {
            witness.pass(server, &admin, Duration::from_secs(passed)).await;
            assert_eq!(sink.count(), attempts, "not before {} s", delay * 8 / 10);
        }
        server.advance(Duration::from_secs(delay * 12 / 10 + 1 - passed)).await;
    }
    let end = newest(&admin, &id, "the end", |entry| entry["status"] == "failed").await;
    let attempts = delays.len() + 1;
    assert_eq!((&end["attempts"], &end["retries"]), (&json!(attempts), &json!(delays.len())));
    witness.pass(server, &admin, Duration::from_secs(24 * 3600)).await;
    assert_eq!(sink.count(), attempts, "nothing more");
}

on_both! {
    async fn seven_retries_over_eighteen_hours_unless_told_otherwise(server, JWT_ACCESS_TTL = "7d") {
        assert_delays(&server, json!({}), &[5, 30, 300, 1800, 7200, 18_000, 36_000]).await;
    }

    async fn the_last_delay_repeats(server, JWT_ACCESS_TTL = "7d", WEBHOOK_RETRY_SCHEDULE = "10m,1h") {
        assert_delays(&server, json!({ "retry_count": 4 }), &[600, 3600, 3600, 3600]).await;
    }

    async fn retries_of_many_are_spread_by_a_fifth_each_way(server, JWT_ACCESS_TTL = "7d", WEBHOOK_RETRY_SCHEDULE = "1h") {
        let sink = Sink::start().await;
        sink.reply_always(Reply::status(500));
        let admin = server.admin().await;
        let id = webhook(&admin, json!({ "url": sink.url(), "events": ["order.*"] })).await;
        publish(&admin, "order.paid", 20).await;
        let logs = format!("{}/logs", path(&id));
        let entries = eventually("all attempts", async || {
            let logs = admin.get(&logs).await.expect(200).data().as_array().unwrap().clone();
            logs.iter().all(|entry| entry["attempts"] == 1).then_some(logs)
        })
        .await;
        // 24 minutes are open to each: that 20 of them choose two cannot be chance.
        let minutes: BTreeSet<&str> =
            entries.iter().map(|entry| &entry["next_attempt_at"].as_str().unwrap()[..16]).collect();
        assert!(minutes.len() > 2, "{minutes:?}");
        server.advance(Duration::from_secs(72 * 60 + 1)).await;
        sink.wait_for(40).await;
    }
}
