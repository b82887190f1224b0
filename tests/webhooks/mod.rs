//! `/api/v1/webhooks/…`

mod by_hand;
mod delivery;
mod failed;
mod failing;
mod logs;
mod on_the_wire;
mod replay;
mod retries;
mod rotation;
mod setting_up;

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
