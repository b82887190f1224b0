//! What clients may say, and what they hear.

use crate::harness::macros::on_both;
use crate::harness::ws::Ws;
use crate::harness::{Server, json};

on_both! {
    async fn a_ping_is_answered_and_its_ref_echoed(server) {
        let (mut ws, _) = Ws::connect(&server, &server.admin().await).await;
        ws.send(&json!({ "type": "ping" })).await;
        let pong = ws.wait_for("pong").await;
        assert!(pong.get("ref").is_none(), "{pong}");
        ws.send(&json!({ "type": "ping", "ref": "a7" })).await;
        assert_eq!(ws.wait_for("pong").await["ref"], "a7");
    }

    async fn a_bad_message_gets_an_error_and_the_connection_stays(server) {
        let (mut ws, _) = Ws::connect(&server, &server.admin().await).await;
        for bad in [
            "",
            "nonsense",
            "{",
            "[]",
            "null",
            "{}",
            r#"{"type":7}"#,
            r#"{"type":"no.such.type"}"#,
            r#"{"type":"ping","surprise":1}"#,
            r#"{"type":"ping","payload":{"surprise":1}}"#,
        ] {
            ws.send_text(bad).await;
            let error = ws.wait_for("error").await;
            let payload = &error["payload"];
            assert!(payload["code"].is_string() && payload["message"].is_string(), "{bad}: {error}");
        }
        ws.send(&json!({ "type": "no.such.type", "ref": "b1" })).await;
        assert_eq!(ws.wait_for("error").await["ref"], "b1");
        ws.send(&json!({ "type": "ping" })).await;
        ws.wait_for("pong").await;
    }

    async fn binary_frames_close_the_connection_with_1003(server) {
        let (mut ws, _) = Ws::connect(&server, &server.admin().await).await;
        ws.send_binary(br#"{"type":"ping"}"#).await;
        assert_eq!(ws.close_code().await, 1003);
    }

    async fn messages_over_64_kib_close_the_connection_with_1009(server) {
        let admin = server.admin().await;
        let (mut ws, _) = Ws::connect(&server, &admin).await;
        ws.send(&json!({ "type": "x".repeat(60 << 10) })).await;
        ws.wait_for("error").await;
        ws.send_text(&"x".repeat((64 << 10) + 1)).await;
        assert_eq!(ws.close_code().await, 1009);
    }

    async fn events_come_in_order_without_a_gap_and_look_as_documented(server) {
        let admin = server.admin().await;
        let (mut ws, ready) = Ws::connect(&server, &admin).await;
        for number in 0..20 {
            let body = json!({ "state": "busy", "reason": format!("reason {number}") });
            admin.post("/api/v1/agent-state/me", body).await.expect(200);
        }
        let mut expected = ready["seq"].as_i64().unwrap() + 1;
        let mut changes = 0;
        while changes < 20 {
            let frame = ws.next_event().await;
            assert_eq!(frame["seq"], expected, "{frame}");
            assert!(frame["id"].is_string() && frame["timestamp"].is_number(), "{frame}");
            assert_eq!(frame["payload"]["tenant_id"], "tenant-123");
            expected += 1;
            if frame["type"] == "agent.state.changed" {
                assert_eq!(frame["payload"]["reason"], format!("reason {changes}"));
                changes += 1;
            }
        }
    }

    async fn every_connection_hears_what_happens_after_it_is_ready(server) {
        let admin = server.admin().await;
        let mut all = Vec::new();
        for _ in 0..10 {
            all.push(Ws::connect(&server, &admin).await.0);
        }
        admin.post("/api/v1/agent-state/me", json!({ "state": "available" })).await.expect(200);
        let mut ids = Vec::new();
        for ws in &mut all {
            ids.push(ws.wait_for("agent.state.changed").await["id"].clone());
        }
        ids.dedup();
        assert_eq!(ids.len(), 1, "the same event for all");
    }
}
