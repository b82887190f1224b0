//! `Retry-After`, and endpoints that stall.

use std::time::Duration;

use super::{happen, health_begins_with, newest, path, webhook};
use crate::harness::macros::on_both;
use crate::harness::process::{guarded, run};
use crate::harness::sink::{Reply, Sink};
use crate::harness::wait::eventually;
use crate::harness::{Server, json};

/// The moment in so many seconds, as HTTP writes it.
async fn http_date_in(seconds: u32) -> String {
    let script = "import email.utils, sys, time; print(email.utils.formatdate(time.time() + int(sys.argv[1]), usegmt=True))";
    let mut command = guarded("python3");
    command.args(["-c", script, &seconds.to_string()]);
    let output = run(command, "").await;
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).expect("a date").trim().to_owned()
}

async fn assert_pause_survives(server: &Server, ordering: &str) {
    let (sink, other) = tokio::join!(Sink::start(), Sink::start());
    let admin = server.admin().await;
    happen(&admin, "on duty").await;
    let id = webhook(&admin, json!({ "url": sink.url(), "ordering": ordering, "retry_count": 0 })).await;
    sink.reply_next([Reply::status(429).header("retry-after", "900")]);
    happen(&admin, "first").await;
    health_begins_with(&admin, &id, "paused until 20").await;
    server.kill_9();
    server.restart().await;
    let admin = server.admin().await;
    webhook(&admin, json!({ "url": other.url() })).await;
    health_begins_with(&admin, &id, "paused until 20").await;
    happen(&admin, "second").await;
    happen(&admin, "third").await;
    other.wait_for(2).await;
    assert_eq!(sink.count(), 1, "left alone");
    server.advance(Duration::from_secs(901)).await;
    sink.wait_for(4).await;
    health_begins_with(&admin, &id, "healthy").await;
    let failed = admin.get(&format!("{}/logs?status=failed", path(&id))).await.expect(200);
    assert_eq!(failed.data(), &json!([]), "the pause used up no retry");
}

on_both! {
    async fn a_pause_that_an_endpoint_asks_for_survives_a_kill(server) {
        assert_pause_survives(&server, "none").await;
    }

    async fn a_pause_of_a_strict_endpoint_survives_a_kill(server) {
        assert_pause_survives(&server, "strict").await;
    }

    async fn a_wait_may_be_asked_for_as_a_date(server) {
        let (sink, admin) = (Sink::start().await, server.admin().await);
        happen(&admin, "on duty").await;
        let id = webhook(&admin, json!({ "url": sink.url(), "retry_count": 0 })).await;
        sink.reply_next([Reply::status(429).header("retry-after", &http_date_in(900).await)]);
        happen(&admin, "first").await;
        let entry = newest(&admin, &id, "the attempt", |entry| entry["attempts"] == 1).await;
        assert_eq!(entry["status"], "pending", "{entry}");
        let words = entry["error"].as_str().expect("words");
        let wait = words.strip_prefix("answered 429 Too Many Requests, asked to come back in ");
        let wait: u64 = wait.and_then(|rest| rest.strip_suffix(" s")).expect(words).parse().expect(words);
        // The test itself takes a part of it.
        assert!((700..=900).contains(&wait), "{entry}");
        health_begins_with(&admin, &id, "paused until 20").await;
        server.advance(Duration::from_secs(901)).await;
        newest(&admin, &id, "the success", |entry| entry["status"] == "success").await;
    }

    async fn what_does_not_say_how_long_is_a_failure_like_any_other(server) {
        let (sink, admin) = (Sink::start().await, server.admin().await);
        happen(&admin, "on duty").await;
        let plain = Reply::status;
        for reply in [
            plain(429),
            plain(503),
            plain(429).header("retry-after", "soon"),
            plain(503).header("retry-after", "-5"),
            plain(500).header("retry-after", "900"),
        ] {
            let id = webhook(&admin, json!({ "url": sink.url(), "retry_count": 0 })).await;
            let before = sink.count();
            sink.reply_next([reply.clone()]);
            happen(&admin, &format!("{reply:?}")).await;
            newest(&admin, &id, "the failure", |entry| entry["status"] == "failed").await;
            happen(&admin, "next").await;
            sink.wait_for(before + 2).await;
            admin.delete(&path(&id)).await.succeeded();
        }
    }

    async fn another_address_ends_the_pause(server) {
        let (sink, other) = tokio::join!(Sink::start(), Sink::start());
        let admin = server.admin().await;
        happen(&admin, "on duty").await;
        let id = webhook(&admin, json!({ "url": sink.url() })).await;
        sink.reply_next([Reply::status(503).header("retry-after", "900")]);
        happen(&admin, "first").await;
        health_begins_with(&admin, &id, "paused until 20").await;
        admin.patch(&path(&id), json!({ "url": other.url() })).await.expect(200);
        health_begins_with(&admin, &id, "healthy").await;
        happen(&admin, "second").await;
        assert_eq!(other.wait_for(1).await[0].json()["data"]["reason"], "second");
    }

    async fn twenty_endpoints_that_stall_keep_no_other_waiting(server) {
        let (stalling, sink) = tokio::join!(Sink::start(), Sink::start());
        stalling.reply_always(Reply::stall());
        let admin = server.admin().await;
        happen(&admin, "on duty").await;
        for number in 0..20 {
            let ordering = ["none", "subject", "strict"][number % 3];
            webhook(&admin, json!({ "url": stalling.url(), "timeout": 60, "ordering": ordering })).await;
        }
        let id = webhook(&admin, json!({ "url": sink.url() })).await;
        for number in 0..50 {
            happen(&admin, &format!("reason {number}")).await;
        }
        sink.wait_for(50).await;
        eventually("all of them to be recorded", async || {
            let stats = admin.get(&format!("{}/stats", path(&id))).await.expect(200);
            (stats.data()["successful_count"] == 50).then_some(())
        })
        .await;
        assert_eq!(stalling.count(), 20, "each of the others still waits for its first answer");
    }
}
