//! `POST …/{id}/replay`

use std::time::Duration;

use super::{happen, path, webhook};
use crate::harness::macros::on_both;
use crate::harness::sink::{Reply, Sink};
use crate::harness::wait::eventually;
use crate::harness::{Client, Server, Value, json};

const EVER: &str = "2020-01-01T00:00:00Z";

async fn replay(admin: &Client, id: &Value, body: Value) -> i64 {
    let answer = admin.post(&format!("{}/replay", path(id)), body).await.expect(202);
    answer.data()["queued"].as_i64().expect("a number")
}

/// Waits until that many deliveries of the webhook have ended.
async fn finished(admin: &Client, id: &Value, count: i64) {
    eventually("the deliveries to end", async || {
        let stats = admin.get(&format!("{}/stats", path(id))).await.expect(200);
        let number = |name: &str| stats.data()[name].as_i64().unwrap();
        (number("successful_count") + number("failed_count") == count && number("pending_count") == 0)
            .then_some(())
    })
    .await;
}

fn reasons(sink: &Sink) -> Vec<String> {
    sink.received()
        .iter()
        .map(|r| r.json()["data"]["reason"].as_str().unwrap_or_default().to_owned())
        .collect()
}

on_both! {
    async fn what_happened_before_it_existed_is_sent(server) {
        let (sink, admin) = (Sink::start().await, server.admin().await);
        happen(&admin, "one").await;
        happen(&admin, "two").await;
        let settings = json!({ "url": sink.url(), "events": ["agent.state.changed"], "ordering": "strict" });
        let id = webhook(&admin, settings).await;
        assert_eq!(replay(&admin, &id, json!({ "since": EVER, "only": "failed" })).await, 0);
        assert_eq!(replay(&admin, &id, json!({ "since": EVER, "until": "2020-01-02T00:00:00Z" })).await, 0);
        assert_eq!(replay(&admin, &id, json!({ "since": "2100-01-01T00:00:00Z" })).await, 0);
        assert_eq!(replay(&admin, &id, json!({ "since": EVER, "only": "missing" })).await, 2, "not agent.login");
        finished(&admin, &id, 2).await;
        let mut seen = reasons(&sink);
        seen.sort();
        assert_eq!(seen, ["one", "two"]);
        assert_eq!(replay(&admin, &id, json!({ "since": EVER, "only": "missing" })).await, 0);

        let first = sink.received();
        assert_eq!(replay(&admin, &id, json!({ "since": EVER })).await, 2);
        finished(&admin, &id, 4).await;
        let same = |body: &Vec<u8>| first.iter().any(|request| request.body == *body);
        assert!(sink.received().iter().all(|request| same(&request.body.to_vec())), "the same bytes each time");
    }

    async fn what_failed_or_was_missed_while_inactive_is_sent(server) {
        let (sink, admin) = (Sink::start().await, server.admin().await);
        happen(&admin, "on duty").await;
        let id = webhook(&admin, json!({ "url": sink.url(), "retry_count": 0 })).await;
        happen(&admin, "good").await;
        finished(&admin, &id, 1).await;
        sink.reply_next([Reply::status(500)]);
        happen(&admin, "bad").await;
        finished(&admin, &id, 2).await;
        admin.patch(&path(&id), json!({ "is_active": false })).await.expect(200);
        happen(&admin, "missed").await;
        let all = format!("{}/replay", path(&id));
        let refused = admin.post(&all, json!({ "since": EVER })).await;
        assert_eq!(refused.assert_error(409).body["error"]["details"][0]["message"], "inactive");
        admin.patch(&path(&id), json!({ "is_active": true })).await.expect(200);
        server.advance(Duration::from_secs(1)).await;
        assert_eq!(replay(&admin, &id, json!({ "since": EVER, "only": "failed" })).await, 1);
        finished(&admin, &id, 3).await;
        assert_eq!(replay(&admin, &id, json!({ "since": EVER, "only": "failed" })).await, 0, "it has succeeded since");
        // Beside it what happened before the webhook was made: agent.login and the first change.
        assert_eq!(replay(&admin, &id, json!({ "since": EVER, "only": "missing" })).await, 3);
        finished(&admin, &id, 6).await;
        let seen = reasons(&sink);
        assert_eq!(seen[..3], ["good", "bad", "bad"], "{seen:?}");
        assert!(seen[3..].contains(&"missed".to_owned()), "{seen:?}");
    }

    async fn its_moments_cut_on_both_sides(server) {
        let (sink, admin) = (Sink::start().await, server.admin().await);
        happen(&admin, "on duty").await;
        let mut moments = Vec::new();
        for reason in ["one", "two", "three"] {
            server.advance(Duration::from_secs(60)).await;
            happen(&admin, reason).await;
            let log = admin.get("/api/v1/events?types=agent.state.changed").await.expect(200);
            moments.push(log.data().as_array().unwrap().last().unwrap()["created_at"].clone());
        }
        let id = webhook(&admin, json!({ "url": sink.url(), "ordering": "strict" })).await;
        assert_eq!(replay(&admin, &id, json!({ "since": moments[1], "until": moments[2] })).await, 1);
        finished(&admin, &id, 1).await;
        assert_eq!(replay(&admin, &id, json!({ "since": moments[0], "until": moments[1] })).await, 1);
        finished(&admin, &id, 2).await;
        assert_eq!(replay(&admin, &id, json!({ "since": moments[1] })).await, 2);
        finished(&admin, &id, 4).await;
        assert_eq!(reasons(&sink), ["two", "one", "two", "three"]);
    }

    async fn a_replay_of_many_steps_survives_a_kill(server) {
        let (sink, admin) = (Sink::start().await, server.admin().await);
        let batch: Vec<Value> = (0..500).map(|n| json!({ "type": "order.paid", "payload": { "n": n } })).collect();
        for _ in 0..3 {
            admin.post("/api/v1/events", json!(batch)).await.expect(202);
        }
        let id = webhook(&admin, json!({ "url": sink.url(), "events": ["order.paid"] })).await;
        assert_eq!(replay(&admin, &id, json!({ "since": EVER })).await, 1500);
        sink.wait_for(100).await;
        server.kill_9();
        server.restart().await;
        let admin = server.admin().await;
        eventually("all of it", async || {
            let ids: std::collections::HashSet<String> =
                sink.received().iter().map(|request| request.header("webhook-id").to_owned()).collect();
            (ids.len() == 1500).then_some(())
        })
        .await;
        finished(&admin, &id, 1500).await;
    }

    async fn bad_requests_are_refused_by_name(server) {
        let admin = server.admin().await;
        let id = webhook(&admin, json!({ "url": "https://example.com/" })).await;
        for (field, body) in [
            ("since", json!({})),
            ("since", json!({ "since": "yesterday" })),
            ("until", json!({ "since": EVER, "until": EVER })),
            ("only", json!({ "since": EVER, "only": "all" })),
        ] {
            admin.post(&format!("{}/replay", path(&id)), body).await.assert_error(422).names(field);
        }
        admin.post("/api/v1/webhooks/999999/replay", json!({ "since": EVER })).await.assert_error(404);
    }
}
