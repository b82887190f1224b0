//! `/api/v1/webhooks/…`

mod backlog;
mod by_hand;
mod delivery;
mod ending;
mod failed;
mod failing;
mod first_attempts;
mod guard;
mod guide;
mod libraries;
mod logs;
mod masking;
mod on_the_wire;
mod order;
mod outcomes;
mod outgoing;
mod pausing;
mod replay;
mod retries;
mod rotation;
mod schedule;
mod setting_up;
mod subjects;
mod tls;

use crate::harness::wait::eventually;
use crate::harness::{Client, Value, json};

const ALL: &str = "/api/v1/webhooks";

fn path(id: &Value) -> String {
    format!("{ALL}/{id}")
}

/// A webhook with these settings; its id.
async fn webhook(admin: &Client, settings: Value) -> Value {
    admin.post(ALL, settings).await.expect(201).data()["id"].clone()
}

/// Something happens: one durable event, once the admin is on duty.
async fn happen(client: &Client, reason: &str) {
    let body = json!({ "state": "busy", "reason": reason });
    client.post("/api/v1/agent-state/me", body).await.expect(200);
}

/// The newest entry of the log, once it looks like this.
async fn newest(admin: &Client, id: &Value, what: &str, ready: impl Fn(&Value) -> bool) -> Value {
    eventually(what, async || {
        let logs = admin.get(&format!("{}/logs", path(id))).await.expect(200);
        let entry = logs.data()[0].clone();
        ready(&entry).then_some(entry)
    })
    .await
}

/// Waits until the webhook's `health` begins with these words.
async fn health_begins_with(admin: &Client, id: &Value, words: &str) {
    eventually(words, async || {
        let webhook = admin.get(&path(id)).await.expect(200);
        webhook.data()["health"].as_str().is_some_and(|health| health.starts_with(words)).then_some(())
    })
    .await;
}
