//! What a server that is in trouble, or has trouble with a client, says when it ends a connection.

use std::sync::Arc;
use std::time::Duration;

use crate::harness::macros::on_both;
use crate::harness::mariadb::MariaDb;
use crate::harness::raw::{Frame, Raw};
use crate::harness::sse::Sse;
use crate::harness::wait::eventually;
use crate::harness::ws::Ws;
use crate::harness::{Client, Server, Value, json};

async fn publish(client: &Client, count: usize, letters: usize) {
    let event = json!({ "type": "order.paid", "payload": { "letters": "x".repeat(letters) } });
    client.post("/api/v1/events", vec![event; count]).await.expect(202);
}

async fn resume(server: &Server, client: &Client, since: i64) -> Ws {
    let bearer = format!("Bearer {}", client.token());
    Ws::open(server, &format!("/ws?since={since}"), &[("authorization", &bearer)])
        .await
        .expect("a connection")
}

async fn logs(server: &Server, words: &str) {
    eventually(words, async || server.logs().iter().any(|line| line.contains(words)).then_some(())).await;
}

on_both! {
    async fn a_client_that_takes_nothing_for_a_minute_is_closed_with_1008(server) {
        let admin = server.admin().await;
        let mut slow = Raw::connect_narrow(&server, &admin).await;
        let mut other = Raw::connect(&server, &admin).await;
        for _ in 0..4 {
            publish(&admin, 100, 30_000).await;
        }
        for _ in 0..400 {
            other.expect_document("order.paid").await;
        }
        eventually("the slow one to be stuck", async || {
            let metrics = server.anonymous().get("/metrics").await.expect(200);
            metrics.text.contains("callcenter_realtime_connections_stuck 1\n").then_some(())
        })
        .await;
        server.advance(Duration::from_secs(61)).await;
        // All connections are looked at together: from here on it is too late to take anything.
        assert_eq!(other.next().await, Frame::Ping);
        slow.take_all().await;
        let end = loop {
            match slow.next().await {
                Frame::Document(_) => {}
                end => break end,
            }
        };
        assert_eq!(end, Frame::Closed(Some(1008)));
    }
}

/// What connections see of a log that somebody breaks and mends after a while.
async fn unreadable_for_long(server: &Server, break_it: impl AsyncFnOnce(), mend_it: impl AsyncFnOnce()) {
    let admin = server.admin().await;
    let (mut ws, ready) = Ws::connect(server, &admin).await;
    let mut sse = Sse::open(server, &admin, "", &[]).await.expect("a stream");
    break_it().await;
    logs(server, "The event log cannot be read").await;
    server.advance(Duration::from_secs(20)).await;
    ws.send(&json!({ "type": "ping" })).await;
    ws.wait_for("pong").await;
    server.advance(Duration::from_secs(11)).await;
    assert_eq!(ws.close_code().await, 1011);
    sse.ended().await;
    mend_it().await;
    logs(server, "The event log can be read again").await;
    publish(&admin, 2, 10).await;
    let since = ready["seq"].as_i64().expect("a number");
    let mut again = resume(server, &admin, since).await;
    let seqs: [Value; 2] = [again.next_event().await["seq"].clone(), again.next_event().await["seq"].clone()];
    assert_eq!(seqs, [json!(since + 1), json!(since + 2)]);
}

#[tokio::test]
async fn connections_are_closed_with_1011_when_the_log_cannot_be_read_for_long_and_miss_nothing() {
    let mariadb = Arc::new(MariaDb::start().await);
    let server = Server::builder().mariadb_at(&mariadb).start().await;
    unreadable_for_long(&server, async || mariadb.kill_9(), async || mariadb.start_again().await).await;
}

/// Nobody can stop SQLite, but its file can be damaged, or changed by hand.
#[tokio::test]
async fn connections_are_closed_with_1011_when_a_file_cannot_be_read_for_long_and_miss_nothing() {
    let server = Server::builder().sqlite().start().await;
    unreadable_for_long(
        &server,
        async || server.sql("ALTER TABLE tenant_sequences RENAME TO aside").await,
        async || server.sql("ALTER TABLE aside RENAME TO tenant_sequences").await,
    )
    .await;
}

/// No reader of SQLite waits for others, but some of a file can be damaged.
#[tokio::test]
async fn who_needs_an_event_that_alone_cannot_be_read_is_closed_with_1013() {
    let server = Server::builder().sqlite().start().await;
    let admin = server.admin().await;
    publish(&admin, 400, 10).await;
    // Has all that it wants; what came first is in the log alone.
    let (mut other, _) = Ws::connect(&server, &admin).await;
    server.sql("UPDATE events SET event = 'no name' WHERE seq = 2").await;
    let mut late = resume(&server, &admin, 1).await;
    logs(&server, "An event cannot be read").await;
    server.advance(Duration::from_secs(31)).await;
    assert_eq!(late.close_code().await, 1013);
    other.send(&json!({ "type": "ping" })).await;
    other.wait_for("pong").await;
    server.sql("UPDATE events SET event = 'order.paid' WHERE seq = 2").await;
    assert_eq!(resume(&server, &admin, 1).await.next_event().await["seq"], 2);
}

#[tokio::test]
async fn who_waits_too_long_for_a_log_that_answers_others_is_closed_with_1013() {
    let server = Server::builder().mariadb().start().await;
    let admin = server.admin().await;
    publish(&admin, 400, 10).await;
    // Has all that it wants; what came first is in the log alone.
    let (mut other, _) = Ws::connect(&server, &admin).await;
    let database: &str = server.setup.database.as_ref().expect("it has one");
    let sleep = format!("SELECT SLEEP(60), '{database}'");
    let lock = format!("LOCK TABLES {database}.events WRITE; {sleep}");
    let mariadb = MariaDb::shared().await;
    let locked = tokio::spawn(async move { mariadb.try_sql("", &lock).await });
    let escaped = sleep.replace('\'', "''");
    let asked = format!("SELECT id FROM information_schema.processlist WHERE info = '{escaped}'");
    let holder = eventually("the table to be locked", async || {
        let id = mariadb.sql("", &asked).await;
        (!id.is_empty()).then_some(id)
    })
    .await;
    let mut late = resume(&server, &admin, 1).await;
    for words in ["The event log cannot be read", "The event log can be read again"] {
        logs(&server, words).await;
    }
    server.advance(Duration::from_secs(31)).await;
    assert_eq!(late.close_code().await, 1013);
    mariadb.sql("", &format!("KILL {holder}")).await;
    locked.await.expect("it ran").expect_err("it was killed");
    other.send(&json!({ "type": "ping" })).await;
    other.wait_for("pong").await;
    resume(&server, &admin, 399).await.expect_type("connection.ready").await;
}
