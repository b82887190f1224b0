//! `webhook.failing`, `webhook.disabled`

use std::time::Duration;

use super::{happen, path, webhook};
use crate::harness::macros::on_both;
use crate::harness::sink::{Reply, Sink};
use crate::harness::wait::eventually;
use crate::harness::{Client, Server, Value, json};

const HOUR: Duration = Duration::from_secs(3600);

/// Waits until that many attempts at the webhook's deliveries were written down.
async fn attempts(admin: &Client, id: &Value, count: i64) {
    eventually("the attempts", async || {
        let logs = admin.get(&format!("{}/logs", path(id))).await.expect(200);
        let made: i64 =
            logs.data().as_array().unwrap().iter().map(|entry| entry["attempts"].as_i64().unwrap()).sum();
        (made == count).then_some(())
    })
    .await;
}

async fn fail(admin: &Client, id: &Value, from: i64, to: i64) {
    for count in from..=to {
        happen(admin, &count.to_string()).await;
        attempts(admin, id, count).await;
    }
}

/// An admin on duty, an endpoint that always fails, and one that hears what becomes of it.
async fn scene(server: &Server) -> (Client, Sink, Sink) {
    let (sink, witness) = (Sink::start().await, Sink::start().await);
    sink.reply_always(Reply::status(500));
    let admin = server.admin().await;
    happen(&admin, "on duty").await;
    webhook(&admin, json!({ "url": witness.url(), "events": ["webhook.*"] })).await;
    (admin, sink, witness)
}

fn without_retries(sink: &Sink) -> Value {
    json!({ "url": sink.url(), "events": ["agent.*"], "retry_count": 0 })
}

/// Failures enough, and one more an hour before the time is over and one after it: only that one is the end.
async fn assert_switched_off_after(server: &Server, hours: u32) {
    let (admin, sink, witness) = scene(server).await;
    let id = webhook(&admin, without_retries(&sink)).await;
    fail(&admin, &id, 1, 11).await;
    server.advance(HOUR * (hours - 1)).await;
    fail(&admin, &id, 12, 12).await;
    // That a younger one is told of says that both were looked at.
    let younger = webhook(&admin, without_retries(&sink)).await;
    for count in 13..=17 {
        happen(&admin, &count.to_string()).await;
        attempts(&admin, &younger, count - 12).await;
    }
    eventually("the younger one to be told of", async || {
        let told = witness.received().iter().any(|request| request.json()["data"]["webhook_id"] == younger);
        told.then_some(())
    })
    .await;
    let row = admin.get(&path(&id)).await.expect(200);
    assert_eq!(row.data()["is_active"], true, "{}", row.text);
    assert!(row.text_of("health").starts_with("failing since 20"), "{}", row.text);
    server.advance(HOUR).await;
    fail(&admin, &id, 18, 18).await;
    eventually("the end", async || {
        let row = admin.get(&path(&id)).await.expect(200);
        (row.data()["disabled_reason"] == "failures" && row.data()["is_active"] == false).then_some(())
    })
    .await;
}

on_both! {
    async fn a_failing_endpoint_is_told_of_twice_and_then_switched_off(server, JWT_ACCESS_TTL = "7d") {
        let (admin, sink, witness) = scene(&server).await;
        let id = webhook(&admin, without_retries(&sink)).await;
        // Tests count for neither.
        for _ in 0..3 {
            admin.post_empty(&format!("{}/test", path(&id))).await.expect(200);
        }
        fail(&admin, &id, 4, 7).await;
        assert!(witness.received().is_empty(), "{:?}", witness.received());
        fail(&admin, &id, 8, 12).await;
        let told = witness.wait_for_event("webhook.failing").await.json()["data"].clone();
        assert_eq!(told["webhook_id"], id);
        assert_eq!((&told["url_host"], &told["last_status"]), (&json!("127.0.0.1"), &json!(500)));
        assert!(told["consecutive_failures"].as_i64() >= Some(5), "{told}");
        assert!(told["first_failure_at"].is_string() && told["last_error"].is_string(), "{told}");

        server.advance(HOUR * 48 + HOUR).await;
        let again = witness.wait_for(2).await.remove(1).json();
        assert_eq!(again["event"], "webhook.failing", "a day before the end: {again}");
        // Nine attempts by now: time alone is not the end.
        server.advance(HOUR * 24).await;
        fail(&admin, &id, 13, 13).await;
        let off = witness.wait_for_event("webhook.disabled").await.json()["data"].clone();
        assert_eq!((&off["webhook_id"], &off["reason"]), (&id, &json!("failures")));
        assert!(off["undelivered"].is_i64() && off["can_replay_until"].is_string(), "{off}");
        let row = admin.get(&path(&id)).await.expect(200);
        assert_eq!((&row.data()["is_active"], &row.data()["disabled_reason"]), (&json!(false), &json!("failures")));
        assert_eq!(witness.received().len(), 3);

        // Switched on again it begins anew, and what was dropped is sent.
        happen(&admin, "dropped").await;
        sink.reply_always(Reply::status(200));
        admin.patch(&path(&id), json!({ "is_active": true })).await.expect(200);
        let health = admin.get(&path(&id)).await.expect(200).data()["health"].clone();
        assert_eq!(health, "healthy");
        let body = json!({ "since": "2020-01-01T00:00:00Z", "only": "missing" });
        admin.post(&format!("{}/replay", path(&id)), body).await.expect(202);
        eventually("the dropped one", async || {
            sink.received().iter().any(|request| request.json()["data"]["reason"] == "dropped").then_some(())
        })
        .await;
    }

    async fn many_failures_before_the_time_switch_nothing_off(server, JWT_ACCESS_TTL = "7d") {
        assert_switched_off_after(&server, 72).await;
    }

    async fn the_time_can_be_set(server, WEBHOOK_DISABLE_AFTER = "3h", JWT_ACCESS_TTL = "7d") {
        assert_switched_off_after(&server, 3).await;
    }

    async fn a_success_in_between_makes_it_begin_anew(server) {
        let (sink, witness) = (Sink::start().await, Sink::start().await);
        let bad = || Reply::status(500);
        let replies = [bad(), bad(), bad(), bad(), Reply::status(200), bad(), bad(), bad(), bad(), bad()];
        sink.reply_next(replies);
        let admin = server.admin().await;
        happen(&admin, "on duty").await;
        webhook(&admin, json!({ "url": witness.url(), "events": ["webhook.*"] })).await;
        let id = webhook(&admin, json!({ "url": sink.url(), "events": ["agent.*"], "retry_count": 0 })).await;
        fail(&admin, &id, 1, 9).await;
        assert!(witness.received().is_empty(), "four in a row at most");
        fail(&admin, &id, 10, 10).await;
        let told = witness.wait_for_event("webhook.failing").await.json()["data"].clone();
        assert_eq!(told["consecutive_failures"], 5, "{told}");
    }
}
