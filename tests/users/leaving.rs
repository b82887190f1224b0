//! Deactivating and deleting users.

use super::path;
use crate::harness::macros::on_both;
use crate::harness::server::PASSWORD;
use crate::harness::ws::Ws;
use crate::harness::{Server, json};

on_both! {
    async fn a_deactivated_user_is_out_at_once(server) {
        let admin = server.admin().await;
        let (agent, id) = server.user("agent@example.com", "agent").await;
        let (mut ws, _) = Ws::connect(&server, &agent).await;
        admin.patch(&path(&id), json!({ "is_active": false })).await.expect(200);

        agent.get("/api/v1/auth/me").await.assert_error(401);
        assert_eq!(ws.close_code().await, 4403);
        server.try_login("agent@example.com", PASSWORD).await.assert_error(401);

        admin.patch(&path(&id), json!({ "is_active": true })).await.expect(200);
        server.login("agent@example.com", PASSWORD).await;
        // What was ended stays ended.
        agent.get("/api/v1/auth/me").await.assert_error(401);
    }

    async fn a_deleted_user_is_out_at_once(server) {
        let admin = server.admin().await;
        let (agent, id) = server.user("agent@example.com", "agent").await;
        let (mut ws, _) = Ws::connect(&server, &agent).await;
        admin.delete(&path(&id)).await.succeeded();

        agent.get("/api/v1/auth/me").await.assert_error(401);
        assert_eq!(ws.close_code().await, 4403);
        server.try_login("agent@example.com", PASSWORD).await.assert_error(401);
        admin.get(&path(&id)).await.assert_error(404);
        admin.delete(&path(&id)).await.assert_error(404);
        admin.patch(&path(&id), json!({ "name": "Back" })).await.assert_error(404);
    }

    async fn a_user_who_is_deleted_on_duty_is_off_duty_first(server) {
        let admin = server.admin().await;
        let (agent, id) = server.user("agent@example.com", "agent").await;
        agent.post("/api/v1/agent-state/me", json!({ "state": "available" })).await.expect(200);
        let (mut ws, _) = Ws::connect(&server, &admin).await;
        admin.delete(&path(&id)).await.succeeded();
        let changed = ws.wait_for_any(&["agent.state.changed", "agent.logout"]).await;
        let payload = &changed["payload"];
        assert_eq!((&payload["user_id"], &payload["state"]), (&json!(id), &json!("offline")), "{changed}");
        assert_eq!((&payload["source"], payload.get("changed_by")), (&json!("system"), None), "{changed}");
        let logout = ws.wait_for("agent.logout").await;
        let payload = &logout["payload"];
        assert_eq!((&payload["user_id"], &payload["reason"]), (&json!(id), &json!("account_disabled")), "{logout}");
        assert!(payload["duty_seconds"].is_number(), "{logout}");
        let listed = admin.get("/api/v1/agent-state").await.expect(200);
        assert!(!listed.text.contains(&id), "{}", listed.text);
    }

    async fn the_address_of_a_deleted_user_is_free_again(server) {
        let (_, id) = server.user("agent@example.com", "agent").await;
        server.admin().await.delete(&path(&id)).await.succeeded();
        let (_, new_id) = server.user("agent@example.com", "agent").await;
        assert_ne!(id, new_id);
    }

    async fn the_last_active_admin_stays(server) {
        let admin = server.admin().await;
        let own = path("user-456");
        admin.delete(&own).await.assert_error(409);
        admin.patch(&own, json!({ "is_active": false })).await.assert_error(409);
        admin.patch(&own, json!({ "role": "agent" })).await.assert_error(409);
        let me = admin.get("/api/v1/auth/me").await.expect(200);
        assert_eq!(me.data()["role"], "admin");
    }

    async fn an_inactive_admin_does_not_count_as_one(server) {
        let admin = server.admin().await;
        let (_, id) = server.user("second@example.com", "admin").await;
        admin.patch(&path(&id), json!({ "is_active": false })).await.expect(200);
        admin.delete(&path("user-456")).await.assert_error(409);
    }

    async fn the_second_admin_may_remove_the_first(server) {
        let (second, _) = server.user("second@example.com", "admin").await;
        second.delete(&path("user-456")).await.succeeded();
        server.try_login("admin@example.com", "password").await.assert_error(401);
        // And is the last one then; another tenant's admins do not help.
        server.other_tenant("other").await;
        let own = second.get("/api/v1/auth/me").await.expect(200);
        second.delete(&path(own.text_of("id"))).await.assert_error(409);
    }

    async fn two_admins_cannot_remove_each_other_at_the_same_time(server) {
        let first = server.admin().await;
        let (second, id) = server.user("second@example.com", "admin").await;
        let (one, other) = (path(&id), path("user-456"));
        let (one, other) = tokio::join!(first.delete(&one).into_future(), second.delete(&other).into_future());
        let gone = [one.status, other.status].iter().filter(|status| **status < 300).count();
        assert_eq!(gone, 1, "{} and {}", one.status, other.status);
    }

    async fn the_deleted_development_admin_does_not_come_back(server) {
        let (second, _) = server.user("second@example.com", "admin").await;
        second.delete(&path("user-456")).await.succeeded();
        server.kill_9();
        server.restart().await;
        server.try_login("admin@example.com", "password").await.assert_error(401);
    }
}
