//! Many outcomes are written down at once: each must come to stand at its own delivery.

use super::{ALL, path, webhook};
use crate::harness::macros::on_both;
use crate::harness::sink::{Reply, Sink};
use crate::harness::wait::eventually;
use crate::harness::{Client, Server, Value, json};
use std::collections::HashMap;

/// Enough for batches of many outcomes, in which both tenants have deliveries of the same number.
const EVENTS: usize = 60;

/// Status and body of the answer to the request that came as this one.
fn answer(of: &str, at: usize) -> (u16, String) {
    // With what might end a text in SQL.
    ([200, 500, 200, 201, 404][at % 5], format!("answer {at} of {of}: ü😀 ' \" \\' ` ; -- /* ? \u{1}"))
}

/// An endpoint that answers each request in its own way.
async fn endpoint(admin: &Client, of: &str, retries: u32) -> (Sink, Value) {
    let sink = Sink::start().await;
    sink.reply_next((0..EVENTS).map(|at| {
        let (status, body) = answer(of, at);
        Reply::status(status).body(&body)
    }));
    let settings = json!({ "url": sink.url(), "events": ["ticket.*"], "retry_count": retries });
    (sink, webhook(admin, settings).await)
}

async fn publish(admin: &Client) {
    let events: Vec<Value> =
        (0..EVENTS).map(|at| json!({ "type": "ticket.opened", "payload": { "number": at } })).collect();
    admin.post("/api/v1/events", json!(events)).await.expect(202);
}

/// The log's entries by event, once none is without its first attempt.
async fn tried(admin: &Client, webhook: &Value) -> HashMap<String, Value> {
    eventually("every first attempt in the log", async || {
        let logs = admin.get(&format!("{}/logs?limit=200", path(webhook))).await.expect(200);
        let entries = logs.data().as_array().unwrap().clone();
        let all = entries.len() == EVENTS && entries.iter().all(|entry| entry["attempts"] != 0);
        all.then(|| entries.into_iter().map(|e| (e["event_id"].as_str().unwrap().to_owned(), e)).collect())
    })
    .await
}

async fn assert_each_has_its_own(admin: &Client, of: &str, sink: &Sink, webhook: &Value, failure: &str) {
    let entries = tried(admin, webhook).await;
    for (at, request) in sink.received().iter().take(EVENTS).enumerate() {
        let entry = &entries[request.header("webhook-id")];
        let (status, body) = answer(of, at);
        let delivered = status < 300;
        assert_eq!(entry["http_status"], status, "{at} of {of}: {entry}");
        assert_eq!(entry["status"], if delivered { "success" } else { failure }, "{at} of {of}: {entry}");
        assert_eq!(entry["completed_at"].is_null(), !delivered && failure == "pending", "{entry}");
        assert_eq!(entry["next_attempt_at"].is_null(), delivered || failure != "pending", "{entry}");
        assert_eq!(entry["error"].is_null(), delivered, "{at} of {of}: {entry}");
        let detail = admin.get(&format!("{ALL}/{webhook}/logs/{}", entry["id"])).await.expect(200);
        assert_eq!(detail.data()["attempt_log"][0]["response_body"], body, "{}", detail.text);
    }
}

on_both! {
    async fn each_delivery_has_its_own_outcome_among_those_of_two_tenants(server) {
        let (one, other) = (server.admin().await, server.other_tenant("other").await);
        let (one_sink, one_hook) = endpoint(&one, "one", 0).await;
        let (other_sink, other_hook) = endpoint(&other, "other", 3).await;
        tokio::join!(publish(&one), publish(&other));
        assert_each_has_its_own(&one, "one", &one_sink, &one_hook, "failed").await;
        assert_each_has_its_own(&other, "other", &other_sink, &other_hook, "pending").await;
    }
}
