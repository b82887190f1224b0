//! `…/{id}/logs`, `…/{id}/stats`

use std::time::Duration;

use super::{ALL, happen, newest, path, webhook};
use crate::harness::macros::on_both;
use crate::harness::sink::{Reply, Sink};
use crate::harness::wait::eventually;
use crate::harness::{Client, Server, Value, json};

/// Two deliveries that succeeded and one that failed.
async fn history(admin: &Client, sink: &Sink) -> Value {
    happen(admin, "on duty").await;
    let id = webhook(admin, json!({ "url": sink.url(), "retry_count": 0 })).await;
    for (count, status) in [(1, 200), (2, 500), (3, 200)] {
        sink.reply_next([Reply::status(status)]);
        happen(admin, &count.to_string()).await;
        eventually("the delivery to be recorded", async || {
            let stats = admin.get(&format!("{}/stats", path(&id))).await.expect(200);
            let finished =
                stats.data()["successful_count"].as_i64()? + stats.data()["failed_count"].as_i64()?;
            (finished == count).then_some(())
        })
        .await;
    }
    id
}

on_both! {
    async fn the_log_lists_deliveries_newest_first(server) {
        let (sink, admin) = (Sink::start().await, server.admin().await);
        let id = history(&admin, &sink).await;
        let logs = admin.get(&format!("{}/logs", path(&id))).await.expect(200);
        let entries = logs.data().as_array().unwrap();
        assert_eq!(entries.len(), 3, "{}", logs.text);
        let statuses: Vec<&Value> = entries.iter().map(|entry| &entry["status"]).collect();
        assert_eq!(statuses, ["success", "failed", "success"]);
        for entry in entries {
            assert_eq!(entry["webhook_id"], id);
            assert_eq!(entry["event"], "agent.state.changed");
            assert_eq!((&entry["attempts"], &entry["retries"]), (&json!(1), &json!(0)));
            for field in ["id", "event_id", "http_status", "response_time_ms", "error", "created_at", "completed_at"] {
                assert!(entry.get(field).is_some(), "{field}: {entry}");
            }
        }
        assert!(entries[0]["id"].as_i64() > entries[1]["id"].as_i64(), "{}", logs.text);
    }

    async fn the_log_is_filtered_and_paged(server) {
        let (sink, admin) = (Sink::start().await, server.admin().await);
        let id = history(&admin, &sink).await;
        let count = async |query: &str| {
            let logs = admin.get(&format!("{}/logs?{query}", path(&id))).await.expect(200);
            logs.data().as_array().unwrap().len()
        };
        assert_eq!(count("status=failed").await, 1);
        assert_eq!(count("status=success").await, 2);
        assert_eq!(count("status=pending").await, 0);
        assert_eq!(count("event=agent.state.changed").await, 3);
        assert_eq!(count("event=call.incoming").await, 0);
        assert_eq!(count("from=2020-01-01T00:00:00Z&to=2100-01-01T00:00:00Z").await, 3);
        assert_eq!(count("to=2020-01-01T00:00:00Z").await, 0);
        for query in ["status=lost", "from=yesterday", "to=1", "limit=0", "cursor=nonsense"] {
            admin.get(&format!("{}/logs?{query}", path(&id))).await.assert_error(400);
        }

        let first = admin.get(&format!("{}/logs?limit=2", path(&id))).await.expect(200);
        let cursor = first.body["meta"]["next_cursor"].as_str().expect("a next page");
        let second = admin.get(&format!("{}/logs?limit=2&cursor={cursor}", path(&id))).await.expect(200);
        assert_eq!((first.data().as_array().unwrap().len(), second.data().as_array().unwrap().len()), (2, 1));
        assert!(second.body["meta"]["next_cursor"].is_null(), "{}", second.text);
        assert_ne!(first.data()[1]["id"], second.data()[0]["id"]);
    }

    async fn the_statistics_add_up(server) {
        let (sink, admin) = (Sink::start().await, server.admin().await);
        let id = webhook(&admin, json!({ "url": sink.url(), "is_active": false })).await;
        let none = admin.get(&format!("{}/stats", path(&id))).await.expect(200);
        assert_eq!(none.data()["total_deliveries"], 0);
        assert!(none.data()["success_rate"].is_null(), "{}", none.text);
        for percentile in ["p50_latency_ms", "p95_latency_ms", "p99_latency_ms"] {
            assert!(none.data()[percentile].is_null(), "{}", none.text);
        }

        let id = history(&admin, &sink).await;
        let stats = admin.get(&format!("{}/stats", path(&id))).await.expect(200);
        assert_eq!(stats.data()["total_deliveries"], 3);
        assert_eq!(stats.data()["successful_count"], 2);
        assert_eq!(stats.data()["failed_count"], 1);
        assert_eq!(stats.data()["pending_count"], 0);
        let rate = stats.data()["success_rate"].as_f64().expect("percent");
        assert!((66.0..67.0).contains(&rate), "{rate}");
        assert!(stats.data()["avg_latency_ms"].is_number(), "{}", stats.text);
        let [p50, p95, p99] = ["p50", "p95", "p99"]
            .map(|name| stats.data()[format!("{name}_latency_ms")].as_f64().expect("a latency"));
        assert!(0.0 < p50 && p50 <= p95 && p95 <= p99 && p99 <= 60_000.0, "{}", stats.text);
        assert!(stats.data()["last_delivery_at"].is_string(), "{}", stats.text);
        assert!(stats.text_of("last_error").contains("500"), "{}", stats.text);
    }

    async fn a_test_whose_client_hangs_up_is_finished_all_the_same(server) {
        let (sink, admin) = (Sink::start().await, server.admin().await);
        let id = webhook(&admin, json!({ "url": sink.url() })).await;
        sink.reply_next([Reply::status(200).after(Duration::from_secs(1))]);
        let asking = tokio::spawn({
            let (admin, test) = (admin.clone(), format!("{}/test", path(&id)));
            async move { admin.post_empty(&test).try_send().await.map(|_| ()) }
        });
        sink.wait_for(1).await;
        asking.abort();
        eventually("the test to be recorded", async || {
            let logs = admin.get(&format!("{}/logs", path(&id))).await.expect(200);
            (logs.data()[0]["status"] == "success").then_some(())
        })
        .await;
    }

    async fn an_entry_tells_all_about_its_attempts(server) {
        let (sink, admin) = (Sink::start().await, server.admin().await);
        let id = history(&admin, &sink).await;
        let failed = admin.get(&format!("{}/logs?status=failed", path(&id))).await.expect(200).data()[0].clone();
        let entry = admin.get(&format!("{}/logs/{}", path(&id), failed["id"])).await.expect(200);
        let request = &entry.data()["request"];
        assert!(request["headers"].is_object(), "{}", entry.text);
        assert!(request["body"].to_string().contains("agent.state.changed"), "{}", entry.text);
        let attempts = entry.data()["attempt_log"].as_array().expect("attempts");
        assert_eq!(attempts.len(), 1, "{}", entry.text);
        assert_eq!((&attempts[0]["attempt"], &attempts[0]["http_status"]), (&json!(1), &json!(500)));
        admin.get(&format!("{}/logs/999999", path(&id))).await.assert_error(404);
        let other = webhook(&admin, json!({ "url": sink.url(), "is_active": false })).await;
        admin.get(&format!("{}/logs/{}", path(&other), failed["id"])).await.assert_error(404);
    }

    async fn every_attempt_is_told_with_its_answer(server) {
        let (sink, admin) = (Sink::start().await, server.admin().await);
        happen(&admin, "on duty").await;
        sink.reply_next([Reply::status(500).body(&"x".repeat(6000)), Reply::close(), Reply::status(201).body("thanks")]);
        let id = webhook(&admin, json!({ "url": sink.url(), "headers": { "x-own": "mine" } })).await;
        happen(&admin, "important").await;
        for attempts in [1, 2] {
            eventually("the attempt", async || {
                let logs = admin.get(&format!("{}/logs", path(&id))).await.expect(200);
                (logs.data()[0]["attempts"] == attempts).then_some(())
            })
            .await;
            server.advance(Duration::from_secs(60)).await;
        }
        let entry = eventually("the success", async || {
            let logs = admin.get(&format!("{}/logs?status=success", path(&id))).await.expect(200);
            logs.data().get(0).cloned()
        })
        .await;
        assert_eq!((&entry["attempts"], &entry["retries"], &entry["error"]), (&json!(3), &json!(2), &json!(null)));
        let detail = admin.get(&format!("{}/logs/{}", path(&id), entry["id"])).await.expect(200).data().clone();
        let headers = &detail["request"]["headers"];
        assert_eq!((&headers["x-own"], &headers["x-webhook-attempt"]), (&json!("mine"), &json!("3")), "{headers}");
        let sent = sink.received()[2].clone();
        assert_eq!(headers["x-webhook-signature"], sent.header("x-webhook-signature"));
        assert_eq!(detail["request"]["body"].as_str().map(str::as_bytes), Some(&sent.body[..]), "the exact text");
        let log = detail["attempt_log"].as_array().expect("attempts");
        let told: Vec<(&Value, &Value)> = log.iter().map(|one| (&one["attempt"], &one["http_status"])).collect();
        assert_eq!(told, [(&json!(1), &json!(500)), (&json!(2), &json!(null)), (&json!(3), &json!(201))]);
        assert_eq!(log[0]["response_body"].as_str().map(str::len), Some(4096), "the first 4 KiB");
        assert_eq!((&log[1]["response_body"], &log[2]["response_body"]), (&json!(null), &json!("thanks")));
        assert!(log[0]["error"].is_string() && log[1]["error"].is_string() && log[2]["error"].is_null(), "{detail}");
        assert!(log.iter().all(|one| one["at"].is_string() && one["duration_ms"].is_i64()), "{detail}");
        assert!(log.windows(2).all(|two| two[0]["at"].as_str() < two[1]["at"].as_str()), "{detail}");
    }

    async fn what_is_rare_is_found_over_several_pages(server) {
        let (sink, admin) = (Sink::start().await, server.admin().await);
        let id = webhook(&admin, json!({ "url": sink.url(), "events": ["order.*"] })).await;
        let publish = async |name: &str, count: usize| {
            let one = json!({ "type": name, "payload": {} });
            admin.post("/api/v1/events", Value::Array(vec![one; count])).await.expect(202);
        };
        publish("order.rare", 1).await;
        server.advance(Duration::from_secs(300)).await;
        publish("order.paid", 1).await;
        let later = admin.get(&format!("{}/logs", path(&id))).await.expect(200).data()[0]["created_at"].clone();
        server.advance(Duration::from_secs(300)).await;
        for _ in 0..11 {
            publish("order.paid", 500).await;
        }
        let list = async |query: &str| admin.get(&format!("{}/logs?{query}", path(&id))).await.expect(200);
        let first = list("event=order.rare").await;
        assert_eq!(*first.data(), json!([]), "it lies behind 5,500 others");
        let cursor = first.body["meta"]["next_cursor"].as_str().expect("a next page");
        let second = list(&format!("event=order.rare&cursor={cursor}")).await;
        assert_eq!((second.data().as_array().unwrap().len(), &second.data()[0]["event"]), (1, &json!("order.rare")));
        assert!(second.body["meta"]["next_cursor"].is_null(), "{}", second.text);
        // Where the moments say so, nothing else is looked at.
        let before = list(&format!("to={}", later.as_str().unwrap())).await;
        assert_eq!(before.data().as_array().unwrap().len(), 1, "{}", before.text);
        assert!(before.body["meta"]["next_cursor"].is_null(), "{}", before.text);
        assert_eq!(*list("status=failed").await.data(), json!([]));
        assert!(list("status=failed").await.body["meta"]["next_cursor"].is_null());
    }

    async fn moments_cut_the_log_on_both_sides(server) {
        let (sink, admin) = (Sink::start().await, server.admin().await);
        let id = webhook(&admin, json!({ "url": sink.url(), "events": ["order.*"] })).await;
        let mut moments = Vec::new();
        for name in ["order.first", "order.second", "order.third"] {
            admin.post("/api/v1/events", json!({ "type": name, "payload": {} })).await.expect(202);
            let entry = newest(&admin, &id, name, |entry| entry["event"] == name).await;
            moments.push(entry["created_at"].as_str().expect("a moment").to_owned());
            server.advance(Duration::from_secs(60)).await;
        }
        let names = async |query: &str| {
            let logs = admin.get(&format!("{}/logs?{query}", path(&id))).await.expect(200);
            let name = |entry: &Value| entry["event"].as_str().unwrap().to_owned();
            logs.data().as_array().unwrap().iter().map(name).collect::<Vec<_>>()
        };
        let [_, second, third] = &moments[..] else { panic!("{moments:?}") };
        assert_eq!(names(&format!("from={second}")).await, ["order.third", "order.second"]);
        assert_eq!(names(&format!("to={second}")).await, ["order.first"]);
        assert_eq!(names(&format!("from={second}&to={third}")).await, ["order.second"]);
    }

    async fn statistics_are_of_a_day_or_of_the_window_asked_for(server, JWT_ACCESS_TTL = "7d") {
        let (sink, admin) = (Sink::start().await, server.admin().await);
        let id = history(&admin, &sink).await;
        let total = async |query: &str| {
            let stats = admin.get(&format!("{}/stats{query}", path(&id))).await.expect(200);
            stats.data()["total_deliveries"].clone()
        };
        server.advance(Duration::from_secs(23 * 3600)).await;
        assert_eq!((total("").await, total("?window=22h").await), (json!(3), json!(0)));
        server.advance(Duration::from_secs(2 * 3600)).await;
        assert_eq!((total("").await, total("?window=24h").await), (json!(0), json!(0)));
        assert_eq!(total("?window=26h").await, 3);
        happen(&admin, "a day later").await;
        newest(&admin, &id, "the success", |e| e["status"] == "success" && e["http_status"] == 200).await;
        eventually("the new one alone", async || (total("").await == 1).then_some(())).await;
        assert_eq!(total("?window=2d").await, 4);
    }

    async fn the_window_of_statistics_has_bounds(server) {
        let admin = server.admin().await;
        let id = webhook(&admin, json!({ "url": "https://example.com/" })).await;
        for window in ["0s", "999ms", "367d", "-1h", "1", "day", ""] {
            let answer = admin.get(&format!("{}/stats?window={window}", path(&id))).await;
            answer.assert_error(400).names("window");
        }
        for window in ["1s", "15m", "24h", "366d"] {
            admin.get(&format!("{}/stats?window={window}", path(&id))).await.expect(200);
        }
        admin.get(&format!("{ALL}/999999/stats")).await.assert_error(404);
    }
}
