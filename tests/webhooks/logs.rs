//! `…/{id}/logs`, `…/{id}/stats`

use std::time::Duration;

use super::{happen, path, webhook};
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
}
