//! `/api/v1/events`

mod audience;
mod bad_input;
mod idempotency;
mod killed;
mod limits;
mod publishing;
mod reading;
mod stream;
mod tail;
mod types;

use crate::harness::{Answer, Client, Server, Value, json};

const EVENTS: &str = "/api/v1/events";

/// The types of the WebSocket's own frames, which no custom event may have.
pub const CONTROL_FRAMES: &[&str] = &[
    "auth.expiring",
    "auth.refresh",
    "auth.refreshed",
    "connection.ready",
    "connection.reset",
    "error",
    "ping",
    "pong",
    "subscribe",
    "subscribed",
    "unsubscribe",
    "unsubscribed",
];

/// An event that can be told from others.
fn event(name: &str) -> Value {
    json!({ "type": "order.paid", "payload": { "name": name } })
}

/// Publishes one event or a batch; what the server says about each.
async fn publish(client: &Client, body: impl Into<Value>) -> Vec<Published> {
    published(&client.post(EVENTS, body).await)
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Published {
    id: String,
    seq: i64,
}

/// Takes an answer of 202 apart.
#[track_caller]
fn published(answer: &Answer) -> Vec<Published> {
    assert_eq!(answer.status, 202, "{}", answer.text);
    let events = answer.data()["events"].as_array().expect("a list of events");
    assert_eq!(answer.data()["accepted"], events.len(), "{}", answer.text);
    let one = |event: &Value| Published {
        id: event["id"].as_str().expect("an id").to_owned(),
        seq: event["seq"].as_i64().expect("a number"),
    };
    events.iter().map(one).collect()
}

fn numbers(events: &[Published]) -> Vec<i64> {
    events.iter().map(|event| event.seq).collect()
}

/// The tenant's log as the command line shows it, a line an event.
async fn log_lines(server: &Server, tenant: &str) -> Vec<String> {
    let ended = server.cli(&["events", "tail", "--tenant", tenant]).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    ended.stdout.lines().map(str::to_owned).collect()
}

/// The development tenant's log.
async fn log(server: &Server) -> Vec<Value> {
    let lines = log_lines(server, "tenant-123").await;
    lines.iter().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

/// The names that [`event`] gave, in the order of the log.
fn names(log: &[Value]) -> Vec<&str> {
    log.iter().filter_map(|event| event["payload"]["name"].as_str()).collect()
}
