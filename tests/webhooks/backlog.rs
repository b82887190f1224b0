//! What waits costs nothing until it is due.

use std::collections::HashMap;
use std::sync::Arc;

use super::{health_begins_with, webhook};
use crate::harness::mariadb::MariaDb;
use crate::harness::sink::{Reply, Sink};
use crate::harness::wait::eventually;
use crate::harness::{Server, Value, json};

/// What the whole of MariaDB has done so far.
async fn counters(mariadb: &MariaDb) -> HashMap<String, i64> {
    let rows = mariadb
        .sql("", "SHOW GLOBAL STATUS WHERE variable_name IN ('Handler_read_next', 'Com_select')")
        .await;
    let counter =
        |line: &str| line.split_once('\t').map(|(name, value)| (name.to_owned(), value.parse().unwrap()));
    rows.lines().filter_map(counter).collect()
}

#[tokio::test]
async fn looking_for_what_is_due_reads_no_backlog_on_mariadb() {
    let mariadb = Arc::new(MariaDb::start().await);
    let server = Server::builder().mariadb_at(&mariadb).start().await;
    let (admin, sink) = (server.admin().await, Sink::start().await);
    let pause = || Reply::status(429).header("retry-after", "900");
    sink.reply_next([pause(), pause(), pause()]);
    let mut hooks = Vec::new();
    for ordering in ["none", "subject", "strict"] {
        hooks.push(webhook(&admin, json!({ "url": sink.url(), "ordering": ordering })).await);
    }
    let one = json!({ "type": "order.paid", "subject": "order:1", "payload": {} });
    admin.post("/api/v1/events", one.clone()).await.expect(202);
    for id in &hooks {
        health_begins_with(&admin, id, "paused until 20").await;
    }
    // More than are kept in memory.
    let batch = Value::Array(vec![one; 500]);
    for _ in 0..12 {
        admin.post("/api/v1/events", batch.clone()).await.expect(202);
    }
    // Nothing is asked of the server from here on: it only looks, twice a second.
    let before = counters(&mariadb).await;
    let done = eventually("some questions of the server's own", async || {
        let now = counters(&mariadb).await;
        let since = |name: &str| now[name] - before[name];
        (since("Com_select") >= 60).then(|| (since("Handler_read_next"), since("Com_select")))
    })
    .await;
    assert!(done.0 / done.1 < 100, "{} rows in {} questions", done.0, done.1);
    assert_eq!(sink.count(), 3);
}
