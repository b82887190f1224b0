//! What calls add to their queue's numbers.

use super::{Center, report};
use crate::harness::macros::on_both;
use crate::harness::ws::Ws;
use crate::harness::{Server, json};
use std::time::Duration;

on_both! {
    async fn a_queues_day_counts_what_ended_in_it(server) {
        let center = Center::open(&server).await;
        let kim = center.kim_id.as_str();
        // Answered in time, held, and followed by paper work that the next call cuts short.
        center.with_kim("c1").await;
        server.advance(Duration::from_secs(60)).await;
        center.report("c1", "end", json!({})).await.expect(200);
        server.advance(Duration::from_secs(10)).await;
        // Too late, and with it the wrap-up ends.
        center.caller("c2").await;
        server.advance(Duration::from_secs(25)).await;
        center.of(kim, "c2", "answer").await.expect(200);
        // Abandoned, at once and after a while, and let go by the queue.
        for (call, waits, what, body) in [
            ("c3", 0, "end", json!({ "ended_by": "customer" })),
            ("c4", 8, "end", json!({ "ended_by": "customer" })),
            ("c5", 9, "dequeue", json!({ "reason": "timeout" })),
        ] {
            center.caller(call).await;
            server.advance(Duration::from_secs(waits)).await;
            report(&center.pbx, call, what, body).await.expect(200);
        }
        let stats = center.admin.get(&format!("/api/v1/queues/{}/stats", center.queue)).await.expect(200);
        let today = &stats.data()["today"];
        for (field, count) in [("offered", 5), ("answered", 2), ("abandoned", 1), ("short_abandoned", 1), ("timed_out", 1)] {
            assert_eq!(today[field], count, "{field}: {}", stats.text);
        }
        assert_eq!(today["service_level_percent"], 25.0);
        let near = |field: &str, seconds: f64| {
            let value = today[field].as_f64().unwrap();
            assert!((seconds..seconds + 5.0).contains(&value), "{field}: {value}");
        };
        near("asa_seconds", 12.5);
        near("max_wait_seconds", 25.0);
        // One leg is over: 60 s of talk; its wrap-up of 30 s ended when it was over, whoever noticed that when.
        near("aht_seconds", 90.0);
        assert_eq!((&stats.data()["waiting"], &stats.data()["agents"]["on_call"]), (&json!(0), &json!(1)));
    }

    async fn a_tenant_may_count_who_gives_up_in_time_as_served_well(server) {
        let center = Center::open(&server).await;
        for (call, waits) in [("c1", 8), ("c2", 25), ("c3", 0)] {
            center.caller(call).await;
            server.advance(Duration::from_secs(waits)).await;
            center.report(call, "end", json!({ "ended_by": "customer" })).await.expect(200);
        }
        let (mut ws, _) = Ws::connect(&server, &center.admin).await;
        let stats = format!("/api/v1/queues/{}/stats", center.queue);
        for (counts, percent) in [("answered", 0.0), ("answered_or_abandoned", 50.0), ("answered", 0.0)] {
            let set = center.admin.patch("/api/v1/settings", json!({ "service_level_counts": counts })).await.expect(200);
            assert_eq!(set.data()["service_level_counts"], counts);
            let asked = center.admin.get(&stats).await.expect(200);
            let heard = ws.wait_for("queue.stats").await["payload"].clone();
            for stats in [asked.data(), &heard] {
                for interval in ["today", "last_30_minutes"] {
                    assert_eq!(stats[interval]["service_level_percent"], percent, "{counts}, {interval}: {stats}");
                }
            }
        }
        let board = center.admin.get("/api/v1/wallboard").await.expect(200);
        assert_eq!(board.data()["queues"][0]["stats"]["today"]["service_level_percent"], 0.0, "{}", board.text);
    }
}
