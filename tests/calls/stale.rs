//! Calls that nobody reports on any more.

use super::{Center, events};
use crate::harness::macros::on_both;
use crate::harness::wait::eventually;
use crate::harness::{Server, json};
use std::time::Duration;

on_both! {
    async fn a_call_that_nobody_reports_on_ends_as_failed(server, CALL_STALE_AFTER = "1h", JWT_ACCESS_TTL = "5h") {
        let center = Center::open(&server).await;
        center.with_kim("c1").await;
        center.caller("c2").await;
        server.advance(Duration::from_secs(1800)).await;
        center.of(&center.kim_id, "c1", "hold").await.expect(200);
        let begin = center.head().await;
        server.advance(Duration::from_secs(2400)).await;
        eventually("the forgotten call to end", async || (center.call("c2").await["state"] == "ended").then_some(())).await;
        assert_eq!(center.call("c1").await["state"], "held", "it was reported on");
        let said = center.said(begin).await;
        assert_eq!(said, ["queue.left unknown", "call.ended failed"]);
        let ended = events(&center.admin, begin).await[1]["payload"].clone();
        assert_eq!((&ended["estimated"], &ended["ended_by"]), (&json!(true), &json!("system")));
        let call = center.call("c2").await;
        assert!(call["duration_seconds"].as_f64().unwrap() < 60.0, "dated back to what was last heard: {call}");

        server.advance(Duration::from_secs(3600)).await;
        eventually("the agent to be free", async || (center.state_of(&center.kim_id).await["state"] != "on_call").then_some(())).await;
        let call = center.call("c1").await;
        assert_eq!((&call["outcome"], &call["ended_by"]), (&json!("failed"), &json!("system")));
    }
}
