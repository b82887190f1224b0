//! What is old goes, what is pending stays. The clock is moved by days.

use std::time::Duration;

use crate::harness::macros::on_both;
use crate::harness::sink::{Reply, Sink};
use crate::harness::wait::eventually;
use crate::harness::ws::Ws;
use crate::harness::{Client, Server, Value, json};

const DAY: Duration = Duration::from_secs(24 * 3600);
const EVENTS: &str = "/api/v1/events";
const WEBHOOKS: &str = "/api/v1/webhooks";

async fn publish(admin: &Client, count: usize, name: &str) -> i64 {
    let one = json!({ "type": name, "payload": { "text": "ü — as it was written" } });
    let answer = admin.post(EVENTS, Value::Array(vec![one; count])).await.expect(202);
    answer.data()["events"][count - 1]["seq"].as_i64().expect("a number")
}

async fn webhook(admin: &Client, settings: Value) -> String {
    let id = admin.post(WEBHOOKS, settings).await.expect(201).data()["id"].clone();
    format!("{WEBHOOKS}/{id}")
}

/// The numbers of the events that the log holds.
async fn numbers(server: &Server) -> Vec<i64> {
    let ended = server.cli(&["events", "tail", "--tenant", "tenant-123"]).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let seq =
        |line: &str| serde_json::from_str::<Value>(line).expect("JSON")["seq"].as_i64().expect("a number");
    ended.stdout.lines().map(seq).collect()
}

async fn until_the_log_begins_with(server: &Server, seq: Option<i64>) {
    eventually("the old events to go", async || {
        (numbers(server).await.first().copied() == seq).then_some(())
    })
    .await;
}

/// Connects with a wish to resume, and takes the first frame; with its payload.
async fn resume(server: &Server, client: &Client, since: &str) -> (Ws, Value) {
    let bearer = format!("Bearer {}", client.token());
    let path = format!("/ws?since={since}");
    let mut ws = Ws::open(server, &path, &[("authorization", &bearer)]).await.expect("a connection");
    let ready = ws.expect_type("connection.ready").await;
    (ws, ready["payload"].clone())
}

/// What the log says of its ends and of itself.
async fn log_meta(client: &Client) -> Value {
    client.get(EVENTS).await.expect(200).body["meta"].clone()
}

/// The webhook's log, newest first, once it looks like this.
async fn log(admin: &Client, webhook: &str, what: &str, ready: impl Fn(&[Value]) -> bool) -> Vec<Value> {
    eventually(what, async || {
        let logs = admin.get(&format!("{webhook}/logs")).await.expect(200);
        let entries = logs.data().as_array().expect("a list").clone();
        ready(&entries).then_some(entries)
    })
    .await
}

fn statuses(entries: &[Value]) -> Vec<&str> {
    entries.iter().map(|entry| entry["status"].as_str().unwrap_or_default()).collect()
}

async fn detail(admin: &Client, webhook: &str, entry: &Value) -> Value {
    admin.get(&format!("{webhook}/logs/{}", entry["id"])).await.expect(200).data().clone()
}

/// Waits until so many rows of a table were counted as removed; they are gone a little before.
async fn until_pruned(server: &Server, table: &str, rows: f64) {
    let name = format!("callcenter_retention_pruned_rows_total{{table=\"{table}\"}}");
    eventually("the removed rows to be counted", async || {
        (metric(server, &name).await >= rows).then_some(())
    })
    .await;
}

/// Waits until what is old has been looked for once more.
async fn a_round(server: &Server) {
    const LAST: &str = "callcenter_retention_last_run_timestamp_seconds";
    let before = metric(server, LAST).await;
    server.advance(Duration::from_secs(120)).await;
    eventually("a round to end", async || (metric(server, LAST).await > before).then_some(())).await;
}

/// What a metric says, once it is there.
async fn metric(server: &Server, line: &str) -> f64 {
    let metrics = server.anonymous().get("/metrics").await.expect(200);
    let value = metrics.text.lines().find_map(|shown| shown.strip_prefix(line)?.trim().parse().ok());
    value.unwrap_or_else(|| panic!("{line} in\n{}", metrics.text))
}

on_both! {
    async fn old_events_go_and_the_log_goes_on(server, JWT_ACCESS_TTL = "90d") {
        let admin = server.admin().await;
        let last_old = publish(&admin, 450, "order.paid").await;
        server.advance(DAY * 5).await;
        let last = publish(&admin, 2, "order.sent").await;
        assert_eq!(last, last_old + 2);
        server.advance(DAY * 3).await;
        until_the_log_begins_with(&server, Some(last_old + 1)).await;
        assert_eq!(numbers(&server).await, [last - 1, last]);
        until_pruned(&server, "events", 450.0).await;
        assert_eq!(publish(&admin, 1, "order.paid").await, last + 1, "numbers go on");

        let (mut behind, ready) = resume(&server, &admin, &(last_old - 1).to_string()).await;
        let reset = behind.expect_type("connection.reset").await;
        let expected = json!({ "oldest_seq": last - 1, "seq": last + 1, "epoch": ready["epoch"] });
        assert_eq!(reset["payload"], expected);
        let meta = json!({ "oldest_seq": last - 1, "seq": last + 1, "epoch": ready["epoch"], "next_cursor": null });
        assert_eq!(log_meta(&admin).await, meta);
        for since in [last_old.to_string().as_str(), "0", "0&epoch=another"] {
            let (mut socket, _) = resume(&server, &admin, since).await;
            for seq in last - 1..=last + 1 {
                assert_eq!(socket.next_event().await["seq"], seq, "since {since}");
            }
        }
        server.advance(DAY * 30).await;
        until_the_log_begins_with(&server, None).await;
        let (mut from_nothing, _) = resume(&server, &admin, "0&epoch=another").await;
        assert_eq!(publish(&admin, 1, "order.paid").await, last + 2, "also from an empty log");
        assert_eq!(from_nothing.next_event().await["seq"], last + 2);
        let meta = log_meta(&admin).await;
        assert_eq!((&meta["oldest_seq"], &meta["seq"]), (&json!(last + 2), &json!(last + 2)));
    }

    async fn how_long_events_are_kept_can_be_set(server, JWT_ACCESS_TTL = "90d", EVENT_RETENTION = "2d") {
        let admin = server.admin().await;
        let old = publish(&admin, 3, "order.paid").await;
        server.advance(DAY).await;
        let kept = publish(&admin, 1, "order.sent").await;
        a_round(&server).await;
        assert_eq!(numbers(&server).await, (1..=kept).collect::<Vec<_>>(), "a day is not two");
        server.advance(DAY + Duration::from_secs(3600)).await;
        until_the_log_begins_with(&server, Some(old + 1)).await;
        assert_eq!(numbers(&server).await, [kept]);
    }

    async fn deliveries_are_kept_for_thirty_days_unless_told_otherwise(server, JWT_ACCESS_TTL = "90d") {
        let (admin, sink) = (server.admin().await, Sink::start().await);
        let webhook = webhook(&admin, json!({ "url": sink.url(), "events": ["order.*"] })).await;
        publish(&admin, 1, "order.paid").await;
        let old = log(&admin, &webhook, "the success", |log| statuses(log) == ["success"]).await[0].clone();
        server.advance(DAY * 29).await;
        a_round(&server).await;
        let kept = log(&admin, &webhook, "the entry", |log| log.len() == 1).await;
        assert_eq!(kept[0]["id"], old["id"]);
        server.advance(DAY + Duration::from_secs(3600)).await;
        log(&admin, &webhook, "the old one to go", <[Value]>::is_empty).await;
    }

    async fn what_is_pending_outlives_its_event(server, JWT_ACCESS_TTL = "90d", WEBHOOK_RETRY_SCHEDULE = "10d") {
        let (admin, good, bad) = (server.admin().await, Sink::start().await, Sink::start().await);
        bad.reply_next([Reply::status(500), Reply::status(500)]);
        let delivered = webhook(&admin, json!({ "url": good.url(), "events": ["order.paid"] })).await;
        let waiting = webhook(&admin, json!({ "url": bad.url(), "events": ["order.paid"] })).await;
        publish(&admin, 1, "order.paid").await;
        log(&admin, &waiting, "the failed attempt", |log| log.len() == 1 && log[0]["attempts"] == 1).await;
        // A replay later on tells the event's own moment, not its own.
        server.advance(Duration::from_secs(3600)).await;
        let replayed = webhook(&admin, json!({ "url": bad.url(), "events": ["order.paid"] })).await;
        let since = json!({ "since": "2020-01-01T00:00:00Z" });
        admin.post(&format!("{replayed}/replay"), since).await.expect(202);
        log(&admin, &replayed, "the failed replay", |log| log.len() == 1 && log[0]["attempts"] == 1).await;
        let entry = log(&admin, &delivered, "the delivery", |log| statuses(log) == ["success"]).await[0].clone();
        assert!(detail(&admin, &delivered, &entry).await["request"]["body"].is_string());

        server.advance(DAY * 7 + Duration::from_secs(30)).await;
        let again = format!("{delivered}/logs/{}/retry", entry["id"]);
        admin.post_empty(&again).await.assert_error(409);
        server.advance(Duration::from_secs(120)).await;
        until_the_log_begins_with(&server, None).await;
        let pruned = detail(&admin, &delivered, &entry).await;
        assert!(pruned["request"]["body"].is_null() && pruned["attempt_log"][0]["http_status"] == 200, "{pruned}");
        admin.post_empty(&again).await.assert_error(409);
        let stats = admin.get(&format!("{delivered}/stats?window=30d")).await.expect(200);
        assert_eq!(stats.data()["successful_count"], 1, "statistics are kept as long as the log");
        for webhook in [&waiting, &replayed] {
            let entry = log(&admin, webhook, "the entry", |log| statuses(log) == ["pending"]).await[0].clone();
            assert!(detail(&admin, webhook, &entry).await["request"]["body"].is_string());
        }

        server.advance(DAY * 6).await;
        for webhook in [&waiting, &replayed] {
            log(&admin, webhook, "the success", |log| statuses(log) == ["success"]).await;
        }
        let received = bad.wait_for(4).await;
        assert_eq!(received[0].json()["data"]["text"], "ü — as it was written");
        assert!(received.iter().all(|request| request.body == received[0].body), "the same bytes each time");
    }

    async fn old_deliveries_go_with_their_attempts_save_those_that_are_pending(
        server, JWT_ACCESS_TTL = "90d", WEBHOOK_RETRY_SCHEDULE = "20d", WEBHOOK_LOG_RETENTION = "1d"
    ) {
        let (admin, sink) = (server.admin().await, Sink::start().await);
        let done = webhook(&admin, json!({ "url": sink.url(), "events": ["order.*"], "retry_count": 0 })).await;
        let slow = webhook(&admin, json!({ "url": "http://127.0.0.1:9/", "events": ["order.late"] })).await;
        publish(&admin, 300, "order.paid").await;
        sink.wait_for(300).await;
        sink.reply_next([Reply::status(500)]);
        publish(&admin, 1, "order.late").await;
        log(&admin, &done, "the failure", |log| log.first().is_some_and(|entry| entry["status"] == "failed")).await;
        let pending = log(&admin, &slow, "the attempt", |log| log.len() == 1 && log[0]["attempts"] == 1).await;
        let failed = admin.get("/api/v1/webhooks/failed").await.expect(200);
        assert_eq!(failed.data().as_array().map(Vec::len), Some(1));

        server.advance(DAY * 2).await;
        log(&admin, &done, "the old deliveries to go", <[Value]>::is_empty).await;
        assert_eq!(*admin.get("/api/v1/webhooks/failed").await.expect(200).data(), json!([]));
        let list = admin.get(&format!("{slow}/logs?status=pending")).await.expect(200);
        assert_eq!(list.data()[0]["id"], pending[0]["id"]);
        assert_eq!(detail(&admin, &slow, &pending[0]).await["attempt_log"].as_array().map(Vec::len), Some(1));
        let stats = admin.get(&format!("{slow}/stats?window=30d")).await.expect(200);
        assert_eq!((&stats.data()["pending_count"], &stats.data()["total_deliveries"]), (&json!(1), &json!(1)));
        eventually("the statistics to go", async || {
            let stats = admin.get(&format!("{done}/stats?window=30d")).await.expect(200);
            (stats.data()["total_deliveries"] == 0).then_some(())
        })
        .await;
        until_pruned(&server, "webhook_logs", 301.0).await;
        assert!(metric(&server, "callcenter_webhook_oldest_undelivered_seconds").await >= 2.0 * 86_400.0);
        eventually("the round to end", async || {
            (metric(&server, "callcenter_retention_last_run_timestamp_seconds").await > 0.0).then_some(())
        })
        .await;
        publish(&admin, 1, "order.paid").await;
        let new = log(&admin, &done, "a new delivery", |log| statuses(log) == ["success"]).await;
        assert!(new[0]["id"].as_i64() > pending[0]["id"].as_i64(), "log ids go on: {new:?}");
    }

    async fn agents_histories_are_kept_for_400_days(server, JWT_ACCESS_TTL = "90d") {
        let admin = server.admin().await;
        let (reader, _) = server.program(&admin, &["agents:read"]).await;
        let change = async |admin: &Client, state: &str| {
            admin.post("/api/v1/agent-state/me", json!({ "state": state })).await.expect(200);
        };
        let states = async || {
            let history = reader.get("/api/v1/agent-state/user-456/history").await.expect(200);
            let entries = history.data().as_array().expect("a list").clone();
            entries.iter().map(|entry| entry["state"].as_str().expect("a word").to_owned()).collect::<Vec<_>>()
        };
        for state in ["available", "break"] {
            change(&admin, state).await;
        }
        server.advance(DAY * 399).await;
        change(&server.admin().await, "busy").await;
        a_round(&server).await;
        assert_eq!(states().await, ["busy", "break", "available"]);
        server.advance(DAY * 2).await;
        until_pruned(&server, "agent_state_history", 2.0).await;
        assert_eq!(states().await, ["busy"]);
        let now = reader.get("/api/v1/agent-state/user-456").await.expect(200);
        assert_eq!(now.data()["state"], "busy", "what holds now is no history");
    }
}

#[tokio::test]
async fn a_server_that_wrote_nothing_knows_what_another_one_has_removed() {
    let here = Server::builder().mariadb().redis().env("JWT_ACCESS_TTL", "90d").start().await;
    let admin = here.admin().await;
    publish(&admin, 20, "order.paid").await;
    here.advance(DAY * 5).await;
    let last = publish(&admin, 2, "order.sent").await;
    here.advance(DAY * 3).await;
    until_the_log_begins_with(&here, Some(last - 1)).await;
    // Only now, so that it does not have the turn to remove what is old, which by its own clock nothing is.
    let there = here.elsewhere().start().await;

    let (mut behind, ready) = resume(&there, &admin, "19").await;
    let reset = behind.expect_type("connection.reset").await;
    assert_eq!(reset["payload"], json!({ "oldest_seq": last - 1, "seq": last, "epoch": ready["epoch"] }));
    let log = there.with_token(admin.token()).get(&format!("{EVENTS}?after=0")).await.expect(200);
    let meta = json!({ "oldest_seq": last - 1, "seq": last, "epoch": ready["epoch"], "next_cursor": null });
    assert_eq!((log.body["meta"].clone(), &log.data()[0]["seq"]), (meta, &json!(last - 1)));
    let (mut all, _) = resume(&there, &admin, "0&epoch=another").await;
    publish(&admin, 1, "order.paid").await;
    for seq in last - 1..=last + 1 {
        assert_eq!(all.next_event().await["seq"], seq);
    }
    assert_eq!(behind.next_event().await["seq"], last + 1, "live from the reset on");
}

/// Has the database refuse to remove the events of one tenant, whose turn comes first.
#[tokio::test]
async fn a_tenant_whose_events_cannot_go_keeps_nobody_elses() {
    let server = Server::builder().sqlite().env("JWT_ACCESS_TTL", "90d").start().await;
    let (broken, admin) = (server.other_tenant("a-broken").await, server.admin().await);
    publish(&broken, 1, "order.paid").await;
    publish(&admin, 1, "order.paid").await;
    server.sql("CREATE TRIGGER broken BEFORE DELETE ON events WHEN old.tenant_id = 'a-broken' BEGIN SELECT RAISE(ABORT, 'is kept'); END").await;
    a_round(&server).await;
    let last = metric(&server, "callcenter_retention_last_run_timestamp_seconds").await;
    server.advance(DAY * 8).await;
    until_the_log_begins_with(&server, None).await;
    let told = eventually("the round to end", async || {
        let logs = server.logs();
        logs.iter().any(|line| line.contains("1 of a round's steps failed")).then_some(logs)
    })
    .await;
    assert!(told.iter().any(|line| line.contains("a-broken") && line.contains("is kept")), "{told:?}");
    assert_eq!(
        metric(&server, "callcenter_retention_last_run_timestamp_seconds").await,
        last,
        "it is not done"
    );
    server.sql("DROP TRIGGER broken").await;
    a_round(&server).await;
    let kept = broken.get(EVENTS).await.expect(200);
    assert_eq!(*kept.data(), json!([]), "what was kept goes as soon as it can");
}
