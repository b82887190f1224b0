//! `/api/v1/queues/…`

mod members;
mod pauses;
mod setting_up;
mod stats;
mod waiting;

use crate::harness::ws::Ws;
use crate::harness::{Client, Value, json};

const ALL: &str = "/api/v1/queues";

fn path(queue: &str) -> String {
    format!("{ALL}/{queue}")
}

fn member(queue: &str, user: &str) -> String {
    format!("{ALL}/{queue}/members/{user}")
}

/// A queue of calls with that name; its id.
async fn queue(admin: &Client, name: &str) -> String {
    let made = admin.post(ALL, json!({ "name": name, "channel": "voice" })).await.expect(201);
    made.text_of("id").to_owned()
}

/// Makes a user a member.
async fn join(client: &Client, queue: &str, user: &str) -> Value {
    client.put(&member(queue, user), json!({})).await.expect(200).data().clone()
}

/// A call comes in and waits in the queue; its id.
async fn call(reporter: &Client, queue: &str, from: &str) -> String {
    let from = json!({ "number": from, "name": "Anna Schmidt" });
    let body =
        json!({ "direction": "inbound", "from": from, "to": { "number": "+4930555000" }, "queue_id": queue });
    reporter.post("/api/v1/calls", body).await.expect(201).text_of("id").to_owned()
}

/// Reports that something happened to the call.
async fn report(reporter: &Client, call: &str, what: &str, body: Value) {
    reporter.post(&format!("/api/v1/calls/{call}/{what}"), body).await.expect(200);
}

/// Publishes an event that everybody gets, so that the frames before it are all there were.
async fn mark(admin: &Client) {
    admin.post("/api/v1/events", json!({ "type": "test.mark", "payload": {} })).await.expect(202);
}

/// The events of the log about queues up to the next mark.
async fn until_mark(ws: &mut Ws) -> Vec<Value> {
    let mut events = Vec::new();
    loop {
        let frame = ws.next_event().await;
        match frame["type"].as_str() {
            Some("test.mark") => return events,
            Some(kind) if kind.starts_with("queue.") => events.push(frame),
            _ => {}
        }
    }
}

fn kinds(events: &[Value]) -> Vec<&str> {
    events.iter().filter_map(|event| event["type"].as_str()).collect()
}

fn fields(event: &Value) -> Vec<&str> {
    let mut fields: Vec<&str> = event["payload"].as_object().unwrap().keys().map(String::as_str).collect();
    fields.sort_unstable();
    fields
}
