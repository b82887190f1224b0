//! Who sees what.

use std::time::Duration;

use crate::harness::macros::on_both;
use crate::harness::ws::Ws;
use crate::harness::{Client, Server, Value, json};

/// What every colleague may know of a change.
const TEAM_FIELDS: &[&str] = &["changed_at", "previous_state", "state", "tenant_id", "user_id", "version"];

fn fields(frame: &Value) -> Vec<String> {
    let mut fields: Vec<String> = frame["payload"].as_object().unwrap().keys().cloned().collect();
    fields.sort();
    fields
}

async fn queue(admin: &Client, name: &str) -> String {
    let made = admin.post("/api/v1/queues", json!({ "name": name, "channel": "voice" })).await.expect(201);
    made.text_of("id").to_owned()
}

async fn publish(admin: &Client) {
    admin.post("/api/v1/events", json!({ "type": "order.paid", "payload": {} })).await.expect(202);
}

/// A frame: its type, and a field of its payload with the value.
type About<'a> = (&'a str, &'a str, &'a str);

/// Waits for those frames, in whatever order. All that comes until then must be the tenant's.
async fn moments(ws: &mut Ws, mut wanted: Vec<About<'_>>, tenant: &str) {
    let all = async {
        while !wanted.is_empty() {
            let frame = ws.next_json().await;
            assert_eq!(frame["payload"]["tenant_id"], tenant, "{frame}");
            wanted
                .retain(|(kind, field, value)| frame["type"] != *kind || frame["payload"][*field] != *value);
        }
    };
    let in_time = tokio::time::timeout(Duration::from_secs(60), all).await;
    assert!(in_time.is_ok(), "within a minute: {wanted:?}");
}

on_both! {
    async fn colleagues_see_the_state_and_not_the_reason(server) {
        let (kim, kim_id) = server.user("kim@example.com", "agent").await;
        let (lee, _) = server.user("lee@example.com", "agent").await;
        let (sam, _) = server.user("sam@example.com", "supervisor").await;
        let (mut own, _) = Ws::connect(&server, &kim).await;
        let (mut colleague, _) = Ws::connect(&server, &lee).await;
        let (mut supervisor, _) = Ws::connect(&server, &sam).await;
        kim.post("/api/v1/agent-state/me", json!({ "state": "break", "reason": "doctor" })).await.expect(200);

        for ws in [&mut own, &mut supervisor] {
            ws.wait_for("agent.login").await;
            let full = ws.wait_for("agent.state.changed").await;
            assert_eq!(full["payload"]["reason"], "doctor");
            assert_eq!(full["payload"]["user_id"], json!(kim_id));
            for field in ["source", "changed_by", "previous_state_seconds", "routable"] {
                assert!(full["payload"].get(field).is_some(), "{field}: {full}");
            }
        }
        // Also: no agent.login before it.
        let frame = colleague.next_event().await;
        assert_eq!(frame["type"], "agent.state.changed");
        assert_eq!(fields(&frame), TEAM_FIELDS, "{frame}");
        assert!(!frame.to_string().contains("doctor"), "{frame}");
    }

    async fn nobody_hears_another_tenant(server) {
        let admin = server.admin().await;
        let stranger = server.other_tenant("other").await;
        let (mut ws, ready) = Ws::connect(&server, &stranger).await;
        assert_eq!(ready["tenant_id"], "other");
        admin.post("/api/v1/agent-state/me", json!({ "state": "available" })).await.expect(200);
        stranger.post("/api/v1/agent-state/me", json!({ "state": "away" })).await.expect(200);
        let changed = loop {
            let frame = ws.next_json().await;
            assert!(!frame.to_string().contains("tenant-123"), "{frame}");
            if frame["type"] == "agent.state.changed" {
                break frame;
            }
        };
        assert_eq!(changed["payload"]["tenant_id"], "other");
        assert_eq!(changed["seq"], 2, "each tenant counts for itself: {changed}");
    }

    async fn nobody_hears_who_comes_and_how_queues_are_in_another_tenant(server) {
        let (admin, stranger) = (server.admin().await, server.other_tenant("other").await);
        let (mut ws, _) = Ws::connect(&server, &admin).await;
        let (mut of_stranger, _) = Ws::connect(&server, &stranger).await;
        let (kim, kim_id) = server.user("kim@example.com", "agent").await;
        let (kims, _) = Ws::connect(&server, &kim).await;
        let sales = queue(&admin, "Sales").await;
        let both = vec![("user.online", "user_id", kim_id.as_str()), ("queue.stats", "queue_id", &sales)];
        moments(&mut ws, both, "tenant-123").await;
        kims.close().await;
        server.advance(Duration::from_secs(6)).await;
        moments(&mut ws, vec![("user.offline", "user_id", &kim_id)], "tenant-123").await;

        let theirs = queue(&stranger, "Theirs").await;
        moments(&mut of_stranger, vec![("queue.stats", "queue_id", &theirs)], "other").await;
        publish(&stranger).await;
        moments(&mut of_stranger, vec![("order.paid", "tenant_id", "other")], "other").await;
        publish(&admin).await;
        moments(&mut ws, vec![("order.paid", "tenant_id", "tenant-123")], "tenant-123").await;
    }

    async fn a_raised_agent_sees_more_from_then_on(server) {
        let admin = server.admin().await;
        let (kim, id) = server.user("kim@example.com", "agent").await;
        let (mut ws, _) = Ws::connect(&server, &kim).await;
        let role = json!({ "role": "supervisor" });
        admin.patch(&format!("/api/v1/users/{id}"), role).await.expect(200);
        // By polling, at the latest a second after the change; so a later event shows it.
        crate::harness::wait::eventually("the full view", async || {
            let now = json!({ "state": "busy" });
            admin.post("/api/v1/agent-state/me", json!({ "state": "away" })).await.expect(200);
            admin.post("/api/v1/agent-state/me", now).await.expect(200);
            let first = ws.wait_for("agent.state.changed").await;
            let second = ws.wait_for("agent.state.changed").await;
            (first["payload"]["source"].is_string() || second["payload"]["source"].is_string()).then_some(())
        })
        .await;
    }
}

#[tokio::test]
async fn colleagues_on_the_other_server_see_the_state_and_not_the_reason() {
    let here = Server::builder().mariadb().redis().start().await;
    let there = here.elsewhere().start().await;
    let (kim, _) = here.user("kim@example.com", "agent").await;
    let (lee, _) = here.user("lee@example.com", "agent").await;
    let (sam, _) = here.user("sam@example.com", "supervisor").await;
    let (mut colleague, _) = Ws::connect(&there, &lee).await;
    let (mut supervisor, _) = Ws::connect(&there, &sam).await;
    let (mut own, _) = Ws::connect(&there, &kim).await;
    kim.post("/api/v1/agent-state/me", json!({ "state": "break", "reason": "doctor" })).await.expect(200);

    for ws in [&mut own, &mut supervisor] {
        ws.wait_for("agent.login").await;
        assert_eq!(ws.next_event().await["payload"]["reason"], "doctor");
    }
    let frame = colleague.next_event().await;
    assert_eq!(
        (&frame["type"], &frame["payload"]["state"]),
        (&json!("agent.state.changed"), &json!("break"))
    );
    assert_eq!(fields(&frame), TEAM_FIELDS, "{frame}");
    assert!(!frame.to_string().contains("doctor"), "{frame}");
}
