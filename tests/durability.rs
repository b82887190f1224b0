//! What was acknowledged is never lost: histories of unique values, with processes killed in the middle.

mod crash_points;
mod kills;
mod lost_commits;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::harness::macros::on_both;
use crate::harness::mariadb::MariaDb;
use crate::harness::sink::{Received, Reply, Sink};
use crate::harness::wait::{eventually, eventually_within};
use crate::harness::ws::Ws;
use crate::harness::{Client, Server, Value, json};

const ME: &str = "/api/v1/agent-state/me";

async fn webhook_to(admin: &Client, sink: &Sink) {
    let body = json!({ "url": sink.url(), "events": ["agent.state.changed"], "timeout": 60 });
    admin.post("/api/v1/webhooks", body).await.expect(201);
}

async fn nothing_is_pending(admin: &Client) {
    eventually("every delivery to be recorded", async || {
        let stats = admin.get("/api/v1/webhooks/1/stats").await.expect(200);
        (stats.data()["pending_count"] == 0).then_some(())
    })
    .await;
}

/// Changes its state under unique reasons until nobody answers; the reasons that were acknowledged, which are added to
/// `count` as they come.
async fn write_until_the_end(client: &Client, name: usize, count: &AtomicUsize) -> Vec<String> {
    let mut acknowledged = Vec::new();
    for number in 0.. {
        let reason = format!("{name}-{number}");
        let request = client.post(ME, json!({ "state": "busy", "reason": reason }));
        match request.try_send().await {
            Ok(answer) if answer.status == 200 => {
                acknowledged.push(reason);
                count.fetch_add(1, Ordering::Relaxed);
            }
            // Whether these were stored nobody knows; they may be there or not.
            Ok(_) | Err(_) => break,
        }
    }
    acknowledged
}

/// Work is in full swing: so much was acknowledged, and so much has arrived since there were `seen` requests.
async fn at_work(acknowledged: &AtomicUsize, sink: &Sink, seen: usize) {
    let is_acknowledged = async || (acknowledged.load(Ordering::Relaxed) >= 20).then_some(());
    eventually("20 changes to be acknowledged", is_acknowledged).await;
    sink.wait_for(seen + 20).await;
}

/// Every acknowledged reason arrived, the numbers have no gap, and each event has one id.
fn assert_complete(sink: &Sink, acknowledged: &[String]) {
    let bodies: Vec<Value> = sink.received().iter().map(Received::json).collect();
    let reasons: BTreeSet<&str> = bodies.iter().filter_map(|body| body["data"]["reason"].as_str()).collect();
    let lost: Vec<_> = acknowledged.iter().filter(|reason| !reasons.contains(reason.as_str())).collect();
    assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");

    let events: BTreeSet<(i64, &str)> =
        bodies.iter().map(|body| (body["seq"].as_i64().unwrap(), body["id"].as_str().unwrap())).collect();
    let numbers: Vec<i64> = events.iter().map(|(seq, _)| *seq).collect();
    let first = numbers[0];
    assert_eq!(numbers, (first..).take(numbers.len()).collect::<Vec<_>>(), "one id a number, and no gap");
    let once: BTreeSet<&str> = events.iter().map(|(_, id)| *id).collect();
    assert_eq!(once.len(), events.len(), "one number an id");
}

on_both! {
    async fn deliveries_pending_at_a_kill_are_sent_by_the_next_process(server) {
        let sink = Sink::start().await;
        sink.reply_always(Reply::stall());
        let admin = server.admin().await;
        webhook_to(&admin, &sink).await;
        let mut acknowledged = Vec::new();
        for number in 0..100 {
            let reason = format!("reason {number}");
            admin.post(ME, json!({ "state": "busy", "reason": reason })).await.expect(200);
            acknowledged.push(reason);
        }
        sink.wait_for(1).await;
        server.kill_9();

        sink.reply_always(Reply::status(200));
        server.restart().await;
        let admin = server.admin().await;
        nothing_is_pending(&admin).await;
        assert_complete(&sink, &acknowledged);
        let stats = admin.get("/api/v1/webhooks/1/stats").await.expect(200);
        assert_eq!(stats.data()["successful_count"], 100, "{}", stats.text);
    }

    async fn a_retry_due_later_survives_a_kill(server) {
        let sink = Sink::start().await;
        sink.reply_next([Reply::status(500)]);
        let admin = server.admin().await;
        webhook_to(&admin, &sink).await;
        admin.post(ME, json!({ "state": "available" })).await.expect(200);
        eventually("the attempt to be recorded", async || {
            let logs = admin.get("/api/v1/webhooks/1/logs").await.expect(200);
            (logs.data()[0]["attempts"] == 1).then_some(())
        })
        .await;
        server.kill_9();
        server.restart().await;
        server.advance(Duration::from_secs(7)).await;
        let received = sink.wait_for(2).await;
        assert_eq!(received[1].header("x-webhook-attempt"), "2");
        assert_eq!(received[0].body, received[1].body);
    }

    async fn nothing_acknowledged_is_lost_when_the_server_is_killed_at_work(server) {
        let sink = Sink::start().await;
        let admin = server.admin().await;
        webhook_to(&admin, &sink).await;
        let mut acknowledged = Vec::new();
        for round in 0..3 {
            let (count, seen) = (AtomicUsize::new(0), sink.count());
            let write = async |writer: usize| write_until_the_end(&admin, round * 10 + writer, &count).await;
            let writers = async { tokio::join!(write(0), write(1), write(2), write(3)) };
            let kill = async {
                at_work(&count, &sink, seen).await;
                server.kill_9();
            };
            let ((a, b, c, d), ()) = tokio::join!(writers, kill);
            acknowledged.extend([a, b, c, d].concat());
            server.restart().await;
        }
        nothing_is_pending(&server.admin().await).await;
        assert_complete(&sink, &acknowledged);
    }
}

#[tokio::test]
async fn nothing_acknowledged_is_lost_when_the_database_is_killed_at_work() {
    let sink = Sink::start().await;
    let database = Arc::new(MariaDb::start().await);
    let server = Server::builder().mariadb_at(&database).start().await;
    let admin = server.admin().await;
    webhook_to(&admin, &sink).await;
    let mut acknowledged = Vec::new();
    for round in 0..2 {
        let (count, seen) = (AtomicUsize::new(0), sink.count());
        let write = async |writer: usize| write_until_the_end(&admin, round * 10 + writer, &count).await;
        let kill = async {
            at_work(&count, &sink, seen).await;
            database.kill_9();
        };
        let (a, b, ()) = tokio::join!(write(0), write(1), kill);
        acknowledged.extend([a, b].concat());
        database.start_again().await;
        eventually("the server to recover", async || (admin.get(ME).await.status == 200).then_some(())).await;
    }
    nothing_is_pending(&admin).await;
    assert_complete(&sink, &acknowledged);
}

#[tokio::test]
async fn a_dead_servers_deliveries_are_taken_over_by_another() {
    let sink = Sink::start().await;
    sink.reply_always(Reply::stall());
    let here = Server::builder().mariadb().start().await;
    let there = here.elsewhere().start().await;
    let admin = here.admin().await;
    // The other one may have an attempt at the silent endpoint, too: it must end soon.
    let body = json!({ "url": sink.url(), "events": ["agent.state.changed"], "timeout": 5 });
    admin.post("/api/v1/webhooks", body).await.expect(201);
    let mut acknowledged = Vec::new();
    for number in 0..20 {
        let reason = format!("reason {number}");
        admin.post(ME, json!({ "state": "busy", "reason": reason })).await.expect(200);
        acknowledged.push(reason);
    }
    sink.wait_for(1).await;
    here.kill_9();
    sink.reply_always(Reply::status(200));
    // Its lease has to run out first.
    let admin = there.with_token(admin.token());
    eventually_within(Duration::from_secs(60), "the other to take over", async || {
        let stats = admin.get("/api/v1/webhooks/1/stats").await.expect(200);
        (stats.data()["pending_count"] == 0).then_some(())
    })
    .await;
    assert_complete(&sink, &acknowledged);
}

// Here and not with the presence tests because it is long and tests run by name: others run beside it.
#[tokio::test]
async fn a_killed_servers_users_are_offline_within_75_seconds() {
    let here = Server::builder().mariadb().redis().start().await;
    let there = here.elsewhere().start().await;
    let admin = here.admin().await;
    let (_ws, _) = Ws::connect(&there, &admin).await;
    let is_known = async || {
        let set = here.redis().cli(&["SMEMBERS", "callcenter:online:tenant-123"]).await;
        let answer = admin.get("/api/v1/ws/users/user-456/online").await.expect(200);
        (set == "user-456", answer.data()["online"] == true)
    };
    eventually("the user to be online", async || (is_known().await == (true, true)).then_some(())).await;
    there.kill_9();
    eventually_within(Duration::from_secs(75), "the user to be offline", async || {
        (is_known().await == (false, false)).then_some(())
    })
    .await;
}
