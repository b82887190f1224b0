//! Crashes, other servers, stalling endpoints and a blocked database: nothing is lost, nothing is sent twice that need
//! not be, nobody waits for somebody else.

use crate::support::sink::{Answer, Sink};
use crate::support::{site, until};
use model::LogId;
use std::collections::HashMap;
use std::time::Duration;
use store::{deliveries, servers};

/// How often each delivery arrived.
fn arrivals(sink: &Sink, path: &str) -> HashMap<i64, usize> {
    let mut arrivals = HashMap::new();
    for id in sink.deliveries(path) {
        *arrivals.entry(id).or_default() += 1;
    }
    arrivals
}

fn each_once(sink: &Sink, path: &str, ids: &[LogId]) {
    let arrivals = arrivals(sink, path);
    let wrong: Vec<_> = ids.iter().filter(|id| arrivals.get(&id.0) != Some(&1)).collect();
    assert!(wrong.is_empty(), "lost or repeated: {wrong:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_deliveries_by_memory_and_by_the_database_arrive_once_each() {
    let (site, sink) = (site().await, Sink::start().await);
    let running = site.start().await;
    let webhook = site.webhook(&sink.url("/hook")).await;
    site.warm_up(&running, &webhook).await;
    let mut ids = Vec::new();
    for _ in 0..20 {
        ids.extend(site.publish(&running, &webhook, 50).await);
        ids.extend(site.queue(&webhook, 20).await);
        running.engine.doorbell();
    }
    site.all(&ids, "success").await;
    each_once(&sink, "/hook", &ids);
    let gauges = running.engine.gauges();
    assert_eq!((gauges.queued, gauges.in_flight, gauges.unrecorded, gauges.bytes), (0, 0, 0, 0));
}

#[tokio::test]
async fn what_comes_in_with_an_earlier_due_date_than_what_was_claimed_is_found() {
    let (site, sink) = (site().await, Sink::start().await);
    let running = site.start().await;
    let webhook = site.webhook(&sink.url("/hook")).await;
    let claimed = site.queue(&webhook, 3).await;
    running.engine.doorbell();
    site.all(&claimed, "success").await;
    let late = site.queue_late(&webhook, Duration::from_secs(3600)).await;
    site.all(&[late], "success").await;
    assert_eq!(running.engine.gauges().claimed, 4);
    each_once(&sink, "/hook", &claimed);
}

#[tokio::test]
async fn what_is_published_first_for_an_endpoint_waits_in_memory_already() {
    let (site, sink) = (site().await, Sink::start().await);
    let running = site.start().await;
    let first = site.webhook(&sink.url("/first")).await;
    site.warm_up(&running, &first).await;
    let claimed = running.engine.gauges().claimed;
    let webhook = site.webhook(&sink.url("/hook")).await;
    let ids = site.publish(&running, &webhook, 30).await;
    site.all(&ids, "success").await;
    each_once(&sink, "/hook", &ids);
    assert_eq!(running.engine.gauges().claimed, claimed);
}

#[tokio::test]
async fn what_waits_in_the_database_goes_before_what_waits_in_memory() {
    let (site, sink) = (site().await, Sink::start().await);
    let running = site.start().await;
    let other = site.webhook(&sink.url("/other")).await;
    site.warm_up(&running, &other).await;
    let webhook = site.webhook(&sink.url("/hook")).await;
    // Another server's: nobody has told this one.
    let in_database = site.queue(&webhook, 60).await;
    let in_memory = site.publish(&running, &webhook, 10).await;
    let ids = [in_database, in_memory.clone()].concat();
    site.all(&ids, "success").await;
    each_once(&sink, "/hook", &ids);
    // At most 32 are on their way side by side, and may arrive in any order.
    let arrived = sink.deliveries("/hook");
    assert_eq!(arrived[0], ids[0].0, "alone, as nobody knows how it will be answered");
    assert!(arrived[..60 - 32].iter().all(|id| *id < in_memory[0].0), "{arrived:?}");
}

#[tokio::test]
async fn a_restart_picks_up_what_was_pending() {
    let (site, sink) = (site().await, Sink::start().await);
    let webhook = site.webhook(&sink.url("/hook")).await;
    sink.always("/hook", Answer::AtGate);
    let running = site.start().await;
    let ids = site.publish(&running, &webhook, 30).await;
    until("an attempt is under way", async || sink.count("/hook") > 0).await;
    running.crash().await;
    sink.open_gate();
    // As the application does at its start on SQLite, alone with its file.
    let mut tx = site.store.begin().await.unwrap();
    servers::expire_all(tx.conn()).await.unwrap();
    tx.commit().await.unwrap();
    let _running = site.start().await;
    site.all(&ids, "success").await;
    let arrivals = arrivals(&sink, "/hook");
    assert!(ids.iter().all(|id| arrivals[&id.0] <= 2) && arrivals.values().sum::<usize>() <= 30 + 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_servers_deliver_each_once() {
    let (site, sink) = (site().await, Sink::start().await);
    let (one, other) = (site.start().await, site.start().await);
    let (a, b) = (site.webhook(&sink.url("/a")).await, site.webhook(&sink.url("/b")).await);
    let (mut to_a, mut to_b) = (Vec::new(), Vec::new());
    for _ in 0..10 {
        to_a.extend(site.publish(&one, &a, 10).await);
        to_b.extend(site.publish(&other, &b, 10).await);
        to_a.extend(site.queue(&a, 20).await);
        to_b.extend(site.queue(&b, 20).await);
        one.engine.doorbell();
        other.engine.doorbell();
    }
    site.all(&to_a, "success").await;
    site.all(&to_b, "success").await;
    each_once(&sink, "/a", &to_a);
    each_once(&sink, "/b", &to_b);
}

#[tokio::test]
async fn a_dead_servers_deliveries_are_taken_over() {
    let (site, sink) = (site().await, Sink::start().await);
    let webhook = site.webhook(&sink.url("/hook")).await;
    let (dead, living) = (site.start().await, site.start().await);
    site.warm_up(&dead, &webhook).await;
    sink.always("/hook", Answer::AtGate);
    let ids = site.publish(&dead, &webhook, 40).await;
    until("the attempts are under way", async || dead.engine.gauges().in_flight > 0).await;
    let server = dead.server.clone();
    dead.crash().await;
    sink.open_gate();
    assert!(site.alive(&server).await);
    site.clock.advance(Duration::from_secs(12));
    site.all(&ids, "success").await;
    until("its row is gone", async || !site.alive(&server).await).await;
    assert!(site.alive(&living.server).await);
}

#[tokio::test]
async fn rows_of_an_owner_that_is_no_server_are_found() {
    let (site, sink) = (site().await, Sink::start().await);
    let webhook = site.webhook(&sink.url("/hook")).await;
    let gone = site.start().await;
    site.warm_up(&gone, &webhook).await;
    sink.always("/hook", Answer::AtGate);
    let ids = site.publish(&gone, &webhook, 3).await;
    let server = gone.server.clone();
    gone.crash().await;
    sink.open_gate();
    let mut tx = site.store.begin().await.unwrap();
    servers::remove(tx.conn(), &server).await.unwrap();
    tx.commit().await.unwrap();
    let _running = site.start().await;
    site.all(&ids, "success").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_a_blocked_database_256_attempts_are_made_and_then_sending_waits() {
    let (site, sink) = (site().await, Sink::start().await);
    let running = site.start().await;
    let mut webhooks = Vec::new();
    for number in 0..20 {
        let webhook = site.webhook(&sink.url(&format!("/{number}"))).await;
        site.warm_up(&running, &webhook).await;
        sink.always(&format!("/{number}"), Answer::AtGate);
        webhooks.push(webhook);
    }
    let mut ids = Vec::new();
    for webhook in &webhooks {
        ids.extend(site.publish(&running, webhook, 30).await);
    }
    let all = || sink.received(<[_]>::len);
    until("requests are under way", async || all() >= 20 + 100).await;
    // SQLite has one writer: nobody else gets in. Elsewhere the rows are locked.
    let mut blocker = site.store.begin().await.unwrap();
    let keys: Vec<_> = ids.iter().map(|id| (site.tenant.clone(), *id)).collect();
    deliveries::still_owned(blocker.conn(), &running.server, &keys).await.unwrap();
    sink.open_gate();
    until("256 attempts wait to be recorded", async || {
        let gauges = running.engine.gauges();
        (gauges.unrecorded, gauges.in_flight) == (256, 0)
    })
    .await;
    assert_eq!(all(), 20 + 256);
    drop(blocker);
    site.all(&ids, "success").await;
    assert_eq!(all(), 20 + 600, "nothing was sent twice");
}

#[tokio::test]
async fn a_stalling_endpoint_does_not_hold_up_another() {
    let (site, sink) = (site().await, Sink::start().await);
    let running = site.start().await;
    let mut stalling = Vec::new();
    for number in 0..20 {
        let path = format!("/stall/{number}");
        let webhook = site.webhook(&sink.url(&path)).await;
        site.warm_up(&running, &webhook).await;
        sink.always(&path, Answer::AtGate);
        stalling.extend(site.publish(&running, &webhook, 50).await);
    }
    let webhook = site.webhook(&sink.url("/hook")).await;
    let ids = site.publish(&running, &webhook, 200).await;
    site.all(&ids, "success").await;
    assert!(running.engine.gauges().in_flight >= 20, "the others still stall");
    sink.open_gate();
    site.all(&stalling, "success").await;
}

#[tokio::test]
async fn first_attempts_start_in_event_order() {
    let (site, sink) = (site().await, Sink::start().await);
    let running = site.start().await;
    let ordered = site
        .webhook_with(&sink.url("/ordered"), |webhook| webhook.ordering = model::webhook::Ordering::Strict)
        .await;
    let ids = site.publish(&running, &ordered, 100).await;
    site.all(&ids, "success").await;
    let expected: Vec<i64> = ids.iter().map(|id| id.0).collect();
    assert_eq!(sink.deliveries("/ordered"), expected);
}

#[tokio::test]
async fn draining_finishes_what_is_in_flight_and_gives_back_the_rest() {
    let (site, sink) = (site().await, Sink::start().await);
    let running = site.start().await;
    let webhook = site.webhook(&sink.url("/hook")).await;
    site.warm_up(&running, &webhook).await;
    sink.always("/hook", Answer::AtGate);
    let ids = site.publish(&running, &webhook, 100).await;
    until("requests are under way", async || running.engine.gauges().in_flight >= 16).await;
    let draining = tokio::spawn({
        let engine = running.engine.clone();
        async move { engine.drain(Duration::from_secs(30)).await }
    });
    until("nothing may be reserved", async || running.engine.reserve(webhook.id, 16).is_none()).await;
    sink.open_gate();
    draining.await.unwrap();
    let sent = sink.count("/hook") - 1;
    let entries = site.entries().await;
    let count = |status: &str| entries.iter().filter(|entry| entry.status == status).count();
    assert_eq!((count("success"), count("pending")), (sent + 1, 100 - sent));
    assert!(entries.iter().all(|entry| entry.status != "pending" || entry.attempts == 0));
    assert!(!site.alive(&running.server).await);
    let _next = site.start().await;
    site.all(&ids, "success").await;
    each_once(&sink, "/hook", &ids);
}

#[tokio::test]
async fn draining_ends_at_its_deadline_without_counting_an_attempt() {
    let (site, sink) = (site().await, Sink::start().await);
    let running = site.start().await;
    let webhook = site.webhook(&sink.url("/hook")).await;
    sink.always("/hook", Answer::AtGate);
    let ids = site.publish(&running, &webhook, 2).await;
    until("an attempt is under way", async || sink.count("/hook") == 1).await;
    running.engine.drain(Duration::from_millis(1)).await;
    for id in &ids {
        let entry = site.entry(webhook.id, *id).await.unwrap();
        assert_eq!((entry.status.as_str(), entry.attempts), ("pending", 0));
    }
    sink.open_gate();
    let _next = site.start().await;
    site.all(&ids, "success").await;
}
