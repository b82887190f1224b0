//! Ordered endpoints: one at a time, whatever fails, and whichever server has the lane; and pauses that all servers keep.

use crate::support::sink::{Answer, Sink};
use crate::support::{site, until};
use model::LogId;
use model::webhook::Ordering;
use std::collections::HashSet;
use std::time::Duration;
use store::{lanes, servers};

fn numbers(ids: &[LogId]) -> Vec<i64> {
    ids.iter().map(|id| id.0).collect()
}

/// The deliveries in the order of their first arrival.
fn first_arrivals(sink: &Sink, path: &str) -> Vec<i64> {
    let mut seen = HashSet::new();
    sink.deliveries(path).into_iter().filter(|id| seen.insert(*id)).collect()
}

#[tokio::test]
async fn a_retry_of_a_strict_endpoint_holds_back_all_that_follows() {
    let (site, sink) = (site().await, Sink::start().await);
    let running = site.start().await;
    let webhook = site.webhook_with(&sink.url("/hook"), |webhook| webhook.ordering = Ordering::Strict).await;
    sink.script("/hook", [Answer::Status(200, None), Answer::Status(500, None), Answer::Status(500, None)]);
    let ids = site.publish(&running, &webhook, 5).await;
    site.advance_to_retry(&webhook, ids[1], 1).await;
    site.advance_to_retry(&webhook, ids[1], 2).await;
    site.all(&ids, "success").await;
    assert_eq!(numbers(&ids[..2]), sink.deliveries("/hook")[..2]);
    assert_eq!(sink.count("/hook"), 7, "nothing went in between");
    assert_eq!(first_arrivals(&sink, "/hook"), numbers(&ids));
}

#[tokio::test]
async fn when_its_retries_are_spent_the_next_one_goes() {
    let (site, sink) = (site().await, Sink::start().await);
    let running = site.start().await;
    let webhook = site
        .webhook_with(&sink.url("/hook"), |webhook| {
            (webhook.ordering, webhook.retry_count) = (Ordering::Strict, 1);
        })
        .await;
    sink.script("/hook", [Answer::Status(500, None), Answer::Status(500, None)]);
    let ids = site.publish(&running, &webhook, 3).await;
    site.advance_to_retry(&webhook, ids[0], 1).await;
    site.all(&ids[..1], "failed").await;
    site.all(&ids[1..], "success").await;
    assert_eq!(sink.deliveries("/hook"), [ids[0].0, ids[0].0, ids[1].0, ids[2].0]);
}

#[tokio::test]
async fn a_retry_holds_back_its_subject_even_with_thousands_behind_it() {
    let (site, sink) = (site().await, Sink::start().await);
    let webhook = site.webhook_with(&sink.url("/hook"), |webhook| webhook.ordering = Ordering::Subject).await;
    sink.script("/hook", [Answer::Status(500, None)]);
    let mut blocked = Vec::new();
    for _ in 0..8 {
        blocked.extend(site.queue_about(&webhook, std::iter::repeat_n("call:1", 500)).await);
    }
    let running = site.start().await;
    site.one(&webhook, blocked[0], |entry| entry.attempts == 1).await;
    let subjects: Vec<String> = (0..300).map(|number| format!("call:{}", number % 50 + 2)).collect();
    let others = site.queue_about(&webhook, subjects.iter().map(String::as_str)).await;
    running.engine.queued_in_order([webhook.id]);
    site.all(&others, "success").await;
    assert_eq!(sink.count("/hook"), 301, "none of the blocked subject's");
    assert!(running.engine.gauges().queued <= 200, "{}", running.engine.gauges().queued);
    for subject in 0..50 {
        let of_subject: Vec<i64> = others.iter().skip(subject).step_by(50).map(|id| id.0).collect();
        let arrived = first_arrivals(&sink, "/hook");
        let arrived: Vec<i64> = arrived.into_iter().filter(|id| of_subject.contains(id)).collect();
        assert_eq!(arrived, of_subject);
    }
    site.advance_to_retry(&webhook, blocked[0], 1).await;
    until("the others follow in order", async || sink.count("/hook") >= 301 + 200).await;
    assert_eq!(sink.deliveries("/hook")[301..501], numbers(&blocked[..200]));
}

#[tokio::test]
async fn events_without_a_subject_wait_for_nothing() {
    let (site, sink) = (site().await, Sink::start().await);
    let running = site.start().await;
    let webhook = site.webhook_with(&sink.url("/hook"), |webhook| webhook.ordering = Ordering::Subject).await;
    sink.script("/hook", [Answer::Status(500, None)]);
    let ids = site.publish(&running, &webhook, 20).await;
    until("the others go on", async || {
        site.entries().await.iter().filter(|entry| entry.status == "success").count() == 19
    })
    .await;
    let retried = site.entries().await.into_iter().find(|entry| entry.status == "pending").unwrap();
    site.advance_to_retry(&webhook, LogId(retried.id), 1).await;
    site.all(&ids, "success").await;
}

#[tokio::test]
async fn a_server_says_what_it_queues_for_others_and_they_read_on_when_they_are_told() {
    let (site, sink) = (site().await, Sink::start().await);
    let owner = site.start().await;
    let webhook = site.webhook_with(&sink.url("/hook"), |webhook| webhook.ordering = Ordering::Strict).await;
    let mut ids = site.publish(&owner, &webhook, 1).await;
    site.all(&ids, "success").await;
    assert!(site.has_lane(&owner.server, &webhook).await);
    let other = site.start().await;
    ids.extend(site.publish(&other, &webhook, 3).await);
    assert_eq!(other.engine.queued_elsewhere().await, [webhook.id]);
    owner.engine.rung([webhook.id]);
    site.all(&ids, "success").await;
    assert_eq!(sink.deliveries("/hook"), numbers(&ids));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_servers_keep_the_order_of_a_lane_that_changes_hands() {
    let (site, sink) = (site().await, Sink::start().await);
    let (one, other) = (site.start().await, site.start().await);
    let webhook = site.webhook_with(&sink.url("/hook"), |webhook| webhook.ordering = Ordering::Strict).await;
    let mut ids = Vec::new();
    for _ in 0..20 {
        ids.extend(site.publish(&one, &webhook, 5).await);
        ids.extend(site.publish(&other, &webhook, 5).await);
    }
    site.all(&ids, "success").await;
    assert_eq!(sink.deliveries("/hook"), numbers(&ids), "in order, each once");
    // Whoever has the lane dies in the middle of it.
    sink.always("/hook", Answer::AtGate);
    ids.extend(site.publish(&one, &webhook, 100).await);
    until("one is under way", async || sink.count("/hook") == 201).await;
    let (owner, survivor) =
        if site.has_lane(&one.server, &webhook).await { (one, other) } else { (other, one) };
    assert!(site.has_lane(&owner.server, &webhook).await);
    owner.crash().await;
    ids.extend(site.publish(&survivor, &webhook, 50).await);
    sink.open_gate();
    site.clock.advance(Duration::from_secs(12));
    site.all(&ids, "success").await;
    assert_eq!(first_arrivals(&sink, "/hook"), numbers(&ids));
    assert_eq!(sink.count("/hook"), ids.len() + 1, "only what was under way came twice");
}

#[tokio::test]
async fn what_a_former_owner_of_the_lane_finds_out_is_not_written_down() {
    let (site, sink) = (site().await, Sink::start().await);
    let running = site.start().await;
    let webhook = site.webhook_with(&sink.url("/hook"), |webhook| webhook.ordering = Ordering::Strict).await;
    sink.always("/hook", Answer::AtGate);
    let ids = site.publish(&running, &webhook, 3).await;
    until("one is under way", async || sink.count("/hook") == 1).await;
    // Another server has it now, though this one does not know.
    let stranger = model::ServerId::generate();
    let mut tx = site.store.begin().await.unwrap();
    let now = site.clock.now();
    servers::renew(tx.conn(), &stranger, now, now.plus(Duration::from_secs(3600))).await.unwrap();
    lanes::release_all(tx.conn(), &running.server).await.unwrap();
    let fence = lanes::acquire(tx.conn(), &site.tenant, webhook.id, &stranger).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(fence, Some(2));
    sink.open_gate();
    // It sends what it took for the next one at once, learns that the lane is lost, and stops.
    until("it knows", async || {
        let gauges = running.engine.gauges();
        (gauges.queued, gauges.unrecorded) == (0, 0)
    })
    .await;
    assert!(site.entries().await.iter().all(|entry| entry.status == "pending" && entry.attempts == 0));
    let mut tx = site.store.begin().await.unwrap();
    servers::remove(tx.conn(), &stranger).await.unwrap();
    tx.commit().await.unwrap();
    site.all(&ids, "success").await;
    assert_eq!(first_arrivals(&sink, "/hook"), numbers(&ids));
}

#[tokio::test]
async fn draining_hands_the_lane_over_without_a_wait() {
    let (site, sink) = (site().await, Sink::start().await);
    let (one, other) = (site.start().await, site.start().await);
    let webhook = site.webhook_with(&sink.url("/hook"), |webhook| webhook.ordering = Ordering::Strict).await;
    let mut ids = site.publish(&one, &webhook, 50).await;
    one.engine.drain(Duration::from_secs(30)).await;
    ids.extend(site.publish(&other, &webhook, 10).await);
    site.all(&ids, "success").await;
    assert_eq!(sink.deliveries("/hook"), numbers(&ids));
}

#[tokio::test]
async fn a_pause_holds_for_every_server_and_over_a_restart() {
    let (site, sink) = (site().await, Sink::start().await);
    let (one, other) = (site.start().await, site.start().await);
    let webhook = site.webhook_with(&sink.url("/hook"), |webhook| webhook.retry_count = 0).await;
    sink.script("/hook", [Answer::Status(429, Some(("retry-after", "600".to_owned())))]);
    let mut ids = site.publish(&one, &webhook, 1).await;
    site.one(&webhook, ids[0], |entry| entry.attempts == 1).await;
    until("the other server knows", async || {
        let mut reader = site.store.read().await.unwrap();
        let health =
            store::webhooks::health(reader.conn(), &site.tenant, webhook.id, webhook.id).await.unwrap();
        health.first().is_some_and(|health| health.paused_until.is_some())
    })
    .await;
    one.crash().await;
    other.crash().await;
    let next = site.start().await;
    ids.extend(site.publish(&next, &webhook, 5).await);
    let witness = site.webhook(&sink.url("/other")).await;
    let others = site.publish(&next, &witness, 5).await;
    site.all(&others, "success").await;
    assert_eq!(sink.count("/hook"), 1, "left alone");
    site.clock.advance(Duration::from_secs(601));
    site.all(&ids, "success").await;
}

#[tokio::test]
async fn a_strict_endpoint_that_is_switched_off_ends_what_waits_in_order() {
    let (site, sink) = (site().await, Sink::start().await);
    let running = site.start().await;
    let mut webhook =
        site.webhook_with(&sink.url("/hook"), |webhook| webhook.ordering = Ordering::Strict).await;
    sink.always("/hook", Answer::Status(500, None));
    let ids = site.publish(&running, &webhook, 10).await;
    site.one(&webhook, ids[0], |entry| entry.attempts == 1 && entry.next_attempt_at.is_some()).await;
    webhook.is_active = false;
    site.update(&webhook).await;
    running.engine.changed(webhook.id);
    site.all(&ids, "failed").await;
    assert_eq!(sink.count("/hook"), 1);
    let mut reader = site.store.read().await.unwrap();
    assert!(lanes::look(reader.conn(), &running.server, &[]).await.unwrap().is_empty(), "the lane is empty");
}

#[tokio::test]
async fn a_new_order_holds_for_what_is_queued_from_then_on() {
    let (site, sink) = (site().await, Sink::start().await);
    let running = site.start().await;
    let mut webhook =
        site.webhook_with(&sink.url("/hook"), |webhook| webhook.ordering = Ordering::Strict).await;
    sink.script("/hook", [Answer::Status(500, None)]);
    let strict = site.publish(&running, &webhook, 5).await;
    site.one(&webhook, strict[0], |entry| entry.attempts == 1).await;
    webhook.ordering = Ordering::None;
    site.update(&webhook).await;
    running.engine.changed(webhook.id);
    let unordered = site.publish(&running, &webhook, 5).await;
    site.all(&unordered, "success").await;
    assert_eq!(sink.count("/hook"), 6, "what was queued before still waits for its turn");
    site.advance_to_retry(&webhook, strict[0], 1).await;
    site.all(&strict, "success").await;
    let arrived: Vec<i64> = first_arrivals(&sink, "/hook").into_iter().filter(|id| *id <= 5).collect();
    assert_eq!(arrived, numbers(&strict));
}

#[tokio::test]
async fn a_test_that_was_interrupted_ends_as_failed() {
    let (site, sink) = (site().await, Sink::start().await);
    let running = site.start().await;
    let webhook = site.webhook(&sink.url("/hook")).await;
    let id = site.queue_test(&webhook).await;
    running.engine.doorbell();
    let entry = site.one(&webhook, id, |entry| entry.status == "failed").await;
    assert_eq!((entry.error.as_deref(), entry.attempts), (Some("the test was interrupted"), 0));
    assert_eq!(sink.count("/hook"), 0);
}

#[tokio::test]
async fn an_endpoint_that_stalls_gets_one_probe_at_a_time_and_all_there_is_once_it_answers() {
    let (site, sink) = (site().await, Sink::start().await);
    let running = site.start().await;
    let webhook = site.webhook_with(&sink.url("/hook"), |webhook| webhook.timeout_seconds = 1).await;
    sink.script("/hook", [Answer::AtGate, Answer::AtGate]);
    let ids = site.publish(&running, &webhook, 100).await;
    site.all(&ids[2..], "success").await;
    let entries = site.entries().await;
    let tried = entries.iter().filter(|entry| entry.status == "pending").map(|entry| entry.attempts);
    assert!(tried.eq([1, 1]), "two probes, of two deliveries");
}
