//! Callers' personal data goes when its tenant says so.

use super::{CALLS, Center};
use crate::harness::macros::on_both;
use crate::harness::wait::eventually;
use crate::harness::{Server, json};
use std::time::Duration;

on_both! {
    async fn a_callers_data_goes_from_history_and_log(server, JWT_ACCESS_TTL = "90d") {
        let center = Center::open(&server).await;
        center.with_kim("old").await;
        center.report("old", "end", json!({})).await.expect(200);
        center.caller("open").await;
        server.sql(r#"INSERT INTO tenant_settings (tenant_id, settings, updated_at) VALUES ('tenant-123', '{"erase_after_days":2}', 0)"#).await;
        server.advance(Duration::from_secs(3 * 24 * 3600)).await;
        // Nobody has reported on the open one within CALL_STALE_AFTER, so that it has ended too.
        center.caller("new").await;
        let masked = json!({ "number": "+********20", "name": "***" });
        eventually("the old calls to be masked", async || {
            // The next round may find what the last one was too early for.
            server.advance(Duration::from_secs(60)).await;
            (center.call("old").await["from"] == masked && center.call("open").await["from"] == masked).then_some(())
        })
        .await;
        eventually("their events to be masked", async || {
            let log = center.admin.get("/api/v1/events?limit=200").await.expect(200);
            let whole = log.data().as_array().unwrap().iter().filter(|event| event.to_string().contains("901820"));
            // Of the new call: its arrival and its place in the queue.
            (whole.count() == 2).then_some(())
        })
        .await;
        assert_eq!(center.call("old").await["to"]["number"], "+4930555000", "one's own number is nobody's secret");
        assert_eq!(center.call("new").await["from"]["name"], "Anna");
        assert_eq!(center.pbx.get(CALLS).await.expect(200).data().as_array().unwrap().len(), 3, "the history stays");
    }
}
