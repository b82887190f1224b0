//! Publishers at work while the server is killed: what was acknowledged is in the log once and reaches the webhook, and
//! what was not is stored once when it is repeated under its key.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::join_all;

use super::{EVENTS, Published, event, log, published};
use crate::harness::http::Request;
use crate::harness::macros::on_both;
use crate::harness::sink::{Received, Sink};
use crate::harness::wait::eventually;
use crate::harness::{Client, Server, Value, json};

/// The events' names and what the server said about each.
type Acknowledged = BTreeMap<String, Published>;

/// One call of 1 to 3 events, the same each time it is made.
fn call(client: &Client, name: &str, count: usize) -> (Request, Vec<String>) {
    let names: Vec<String> = (0..count).map(|part| format!("{name} {part}")).collect();
    let batch: Vec<Value> = names.iter().map(|name| event(name)).collect();
    (client.post(EVENTS, batch).header("idempotency-key", name), names)
}

/// Publishes until nobody answers; what was acknowledged, added to `total` as it comes, and the call that was not.
async fn publish_until_the_end(
    client: &Client,
    publisher: &str,
    total: &AtomicUsize,
) -> (Acknowledged, (String, usize)) {
    let mut acknowledged = Acknowledged::new();
    for number in 0.. {
        let (name, count) = (format!("{publisher} {number}"), number % 3 + 1);
        let (request, names) = call(client, &name, count);
        match request.try_send().await {
            Ok(answer) if answer.status == 202 => {
                acknowledged.extend(names.into_iter().zip(published(&answer)));
                total.fetch_add(count, Ordering::Relaxed);
            }
            // Whether it was stored nobody knows.
            Ok(_) | Err(_) => return (acknowledged, (name, count)),
        }
    }
    unreachable!("the server is killed at some time")
}

/// The log is what was acknowledged: each event once, under its id and number.
async fn assert_logged(server: &Server, acknowledged: &Acknowledged) {
    let log = log(server).await;
    let mut logged = Acknowledged::new();
    for (seq, line) in (1_i64..).zip(&log) {
        assert_eq!(line["seq"], seq, "without a gap");
        let name = line["payload"]["name"].as_str().unwrap().to_owned();
        let id = line["id"].as_str().unwrap().to_owned();
        let before = logged.insert(name, Published { id, seq });
        assert!(before.is_none(), "stored twice: {line}");
    }
    assert_eq!(logged, *acknowledged);
}

async fn assert_received(admin: &Client, sink: &Sink, acknowledged: &Acknowledged) {
    eventually("every delivery to be recorded", async || {
        let stats = admin.get("/api/v1/webhooks/1/stats").await.expect(200);
        (stats.data()["pending_count"] == 0).then_some(())
    })
    .await;
    let bodies: Vec<Value> = sink.received().iter().map(Received::json).collect();
    let received: BTreeSet<&str> = bodies.iter().filter_map(|body| body["id"].as_str()).collect();
    let expected: BTreeSet<&str> = acknowledged.values().map(|event| event.id.as_str()).collect();
    assert_eq!(received, expected);
}

on_both! {
    async fn what_was_acknowledged_is_stored_once_and_delivered(server) {
        let sink = Sink::start().await;
        let admin = server.admin().await;
        admin.post("/api/v1/webhooks", json!({ "url": sink.url() })).await.expect(201);
        let (program, _) = server.program(&admin, &["events:write"]).await;
        let mut acknowledged = Acknowledged::new();
        for round in 0..3 {
            let (total, seen) = (AtomicUsize::new(0), sink.count());
            let publish = async |publisher: usize| {
                publish_until_the_end(&program, &format!("{round} {publisher}"), &total).await
            };
            let kill = async {
                let is_acknowledged = async || (total.load(Ordering::Relaxed) >= 40).then_some(());
                eventually("40 events to be acknowledged", is_acknowledged).await;
                sink.wait_for(seen + 40).await;
                server.kill_9();
            };
            let (publishers, ()) = tokio::join!(join_all((0..16).map(publish)), kill);
            server.restart().await;
            for (done, (name, count)) in publishers {
                acknowledged.extend(done);
                let (again, names) = call(&program, &name, count);
                acknowledged.extend(names.into_iter().zip(published(&again.await)));
            }
        }
        assert_logged(&server, &acknowledged).await;
        assert_received(&server.admin().await, &sink, &acknowledged).await;
    }
}
