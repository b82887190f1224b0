//! `POST …/{id}/logs/{log_id}/retry`

use std::time::Duration;

use super::{happen, newest, path, webhook};
use crate::harness::macros::on_both;
use crate::harness::sink::{Reply, Sink};
use crate::harness::{Server, json};

on_both! {
    async fn a_failed_delivery_is_tried_again_with_its_whole_schedule(server) {
        let sink = Sink::start().await;
        sink.reply_next([Reply::status(500), Reply::status(500), Reply::status(500)]);
        let admin = server.admin().await;
        happen(&admin, "on duty").await;
        let id = webhook(&admin, json!({ "url": sink.url(), "retry_count": 1 })).await;
        happen(&admin, "important").await;
        let pending = newest(&admin, &id, "the first attempt", |entry| entry["attempts"] == 1).await;
        let retry = format!("{}/logs/{}/retry", path(&id), pending["id"]);
        let refused = admin.post_empty(&retry).await;
        assert_eq!(refused.assert_error(409).body["error"]["details"][0]["message"], "pending");
        server.advance(Duration::from_secs(7)).await;
        newest(&admin, &id, "the failure", |entry| entry["status"] == "failed" && entry["attempts"] == 2).await;

        let queued = admin.post_empty(&retry).await.expect(202);
        assert_eq!((&queued.data()["id"], &queued.data()["status"]), (&pending["id"], &json!("pending")));
        let again = newest(&admin, &id, "the third attempt", |entry| entry["attempts"] == 3).await;
        assert_eq!(again["status"], "pending", "its retry comes anew: {again}");
        server.advance(Duration::from_secs(7)).await;
        let done = newest(&admin, &id, "the success", |entry| entry["status"] == "success").await;
        assert_eq!(done["attempts"], 4);
        let received = sink.wait_for(4).await;
        let numbers: Vec<&str> = received.iter().map(|request| request.header("x-webhook-attempt")).collect();
        assert_eq!(numbers, ["1", "2", "3", "4"]);
        assert!(received.iter().all(|request| request.body == received[0].body), "the same bytes each time");
    }

    async fn a_delivery_that_succeeded_is_sent_again_and_keeps_its_first_attempt(server) {
        let sink = Sink::start().await;
        let admin = server.admin().await;
        happen(&admin, "on duty").await;
        let id = webhook(&admin, json!({ "url": sink.url() })).await;
        happen(&admin, "once").await;
        let first = newest(&admin, &id, "the success", |entry| entry["status"] == "success").await;
        let one = format!("{}/logs/{}", path(&id), first["id"]);
        admin.post_empty(&format!("{one}/retry")).await.expect(202);
        newest(&admin, &id, "the second one", |e| e["status"] == "success" && e["attempts"] == 2).await;
        let entry = admin.get(&one).await.expect(200);
        let attempts = entry.data()["attempt_log"].as_array().expect("attempts").clone();
        let told: Vec<_> = attempts.iter().map(|a| (a["attempt"].as_i64(), a["http_status"].as_i64())).collect();
        assert_eq!(told, [(Some(1), Some(200)), (Some(2), Some(200))]);
        admin.patch(&path(&id), json!({ "is_active": false })).await.expect(200);
        admin.post_empty(&format!("{one}/retry")).await.assert_error(409);
        admin.post_empty(&format!("{}/logs/999999/retry", path(&id))).await.assert_error(404);
    }

    async fn waits_that_the_endpoint_asks_for_use_up_no_retry(server) {
        let sink = Sink::start().await;
        let wait = || Reply::status(503).header("retry-after", "5");
        sink.reply_next([wait(), wait(), wait(), Reply::status(500), Reply::status(500)]);
        let admin = server.admin().await;
        happen(&admin, "on duty").await;
        let id = webhook(&admin, json!({ "url": sink.url(), "retry_count": 1 })).await;
        happen(&admin, "patient").await;
        for attempts in 1..=4 {
            let entry = newest(&admin, &id, "the attempt", |entry| entry["attempts"] == attempts).await;
            assert_eq!(entry["status"], "pending", "{entry}");
            server.advance(Duration::from_secs(7)).await;
        }
        let entry = newest(&admin, &id, "the end", |entry| entry["status"] == "failed").await;
        assert_eq!(entry["attempts"], 5);
    }
}
