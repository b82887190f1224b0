//! Attempts after the first.

use std::time::Duration;

use super::{happen, newest, webhook};
use crate::harness::macros::on_both;
use crate::harness::sink::{Reply, Sink};
use crate::harness::{Client, Server, Value, json};

/// On duty already, so that each change is one event.
async fn on_duty(server: &Server) -> Client {
    let admin = server.admin().await;
    happen(&admin, "on duty").await;
    admin
}

on_both! {
    async fn a_delivery_is_retried_by_the_schedule_until_it_succeeds(server) {
        let sink = Sink::start().await;
        sink.reply_next([Reply::status(503), Reply::status(500), Reply::close()]);
        let admin = on_duty(&server).await;
        let id = webhook(&admin, json!({ "url": sink.url() })).await;
        happen(&admin, "important").await;

        for (attempts, delay) in [(1, 5), (2, 30), (3, 300)] {
            let pending = newest(&admin, &id, "the attempt to be recorded", |entry| entry["attempts"] == attempts).await;
            assert_eq!(pending["status"], "pending", "{pending}");
            assert!(pending["next_attempt_at"].is_string(), "{pending}");
            // With jitter, at most a fifth later than the schedule says.
            server.advance(Duration::from_secs(delay * 12 / 10 + 1)).await;
        }
        let done = newest(&admin, &id, "the success", |entry| entry["status"] == "success").await;
        assert_eq!((&done["attempts"], &done["retries"]), (&json!(4), &json!(3)));
        assert_eq!(done["http_status"], 200);
        assert!(done["next_attempt_at"].is_null() && done["completed_at"].is_string(), "{done}");

        let received = sink.received();
        let attempts: Vec<&str> = received.iter().map(|request| request.header("x-webhook-attempt")).collect();
        assert_eq!(attempts, ["1", "2", "3", "4"]);
        assert!(received.iter().all(|request| request.body == received[0].body), "the same bytes each time");
        assert!(received.iter().all(|request| request.header("webhook-id") == received[0].header("webhook-id")));
    }

    async fn no_retry_comes_before_its_time(server, WEBHOOK_RETRY_SCHEDULE = "1h") {
        let sink = Sink::start().await;
        sink.reply_next([Reply::status(500)]);
        let admin = on_duty(&server).await;
        let id = webhook(&admin, json!({ "url": sink.url() })).await;
        happen(&admin, "important").await;
        newest(&admin, &id, "the first attempt", |entry| entry["attempts"] == 1).await;
        server.advance(Duration::from_secs(40 * 60)).await;
        // What comes later goes through in the meantime, so the sender has been awake.
        happen(&admin, "later").await;
        let received = sink.wait_for(2).await;
        assert_eq!(received[1].json()["data"]["reason"], "later");
    }

    async fn after_the_last_retry_it_has_failed(server, JWT_ACCESS_TTL = "7d") {
        let sink = Sink::start().await;
        sink.reply_always(Reply::status(500));
        let admin = on_duty(&server).await;
        let id = webhook(&admin, json!({ "url": sink.url(), "retry_count": 1 })).await;
        happen(&admin, "hopeless").await;
        newest(&admin, &id, "the first attempt", |entry| entry["attempts"] == 1).await;
        server.advance(Duration::from_secs(7)).await;
        let failed = newest(&admin, &id, "the failure", |entry| entry["status"] == "failed").await;
        assert_eq!((&failed["attempts"], &failed["retries"]), (&json!(2), &json!(1)));
        assert_eq!(failed["http_status"], 500);
        assert!(failed["next_attempt_at"].is_null(), "{failed}");
        server.advance(Duration::from_secs(24 * 3600)).await;
        happen(&admin, "next").await;
        sink.wait_for(3).await;
        assert_eq!(sink.received().len(), 3, "and nothing of the first one");
    }

    async fn without_retries_one_failure_is_the_end(server) {
        let admin = on_duty(&server).await;
        // Nobody listens there.
        let id = webhook(&admin, json!({ "url": "http://127.0.0.1:9/", "retry_count": 0 })).await;
        happen(&admin, "hopeless").await;
        let failed = newest(&admin, &id, "the failure", |entry| entry["status"] == "failed").await;
        assert_eq!((&failed["attempts"], &failed["http_status"]), (&json!(1), &json!(null)));
        assert!(failed["error"].as_str().is_some_and(|error| !error.is_empty()), "{failed}");
    }

    async fn an_endpoint_has_only_its_timeout_to_answer(server) {
        let sink = Sink::start().await;
        sink.reply_next([Reply::stall()]);
        let admin = on_duty(&server).await;
        let id = webhook(&admin, json!({ "url": sink.url(), "timeout": 1 })).await;
        happen(&admin, "slow").await;
        let pending = newest(&admin, &id, "the time-out", |entry| entry["attempts"] == 1).await;
        assert!(pending["error"].as_str().is_some_and(|error| error.contains("time")), "{pending}");
        server.advance(Duration::from_secs(7)).await;
        newest(&admin, &id, "the success", |entry| entry["status"] == "success").await;
    }

    async fn a_redirect_is_a_failure_and_not_followed(server) {
        let (sink, elsewhere) = tokio::join!(Sink::start(), Sink::start());
        sink.reply_always(Reply::status(302).header("location", &elsewhere.url()));
        let admin = on_duty(&server).await;
        let id = webhook(&admin, json!({ "url": sink.url(), "retry_count": 0 })).await;
        happen(&admin, "moved").await;
        let failed = newest(&admin, &id, "the failure", |entry| entry["status"] == "failed").await;
        assert_eq!(failed["http_status"], 302);
        assert!(elsewhere.received().is_empty());
    }

    async fn every_status_of_the_two_hundreds_is_a_success(server) {
        let sink = Sink::start().await;
        let admin = on_duty(&server).await;
        let id = webhook(&admin, json!({ "url": sink.url() })).await;
        for status in [201, 202, 204, 299] {
            sink.reply_next([Reply::status(status)]);
            happen(&admin, &status.to_string()).await;
            let success = |entry: &Value| entry["http_status"] == status && entry["status"] == "success";
            newest(&admin, &id, "the success", success).await;
        }
    }
}
