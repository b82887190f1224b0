//! Who gets a connection, and until when.

use std::time::Duration;

use crate::harness::macros::on_both;
use crate::harness::ws::Ws;
use crate::harness::{Client, Server, json};

pub(super) async fn refused(server: &Server, client: &Client, headers: &[(&'static str, &str)]) -> u16 {
    let bearer = format!("Bearer {}", client.token());
    let headers: Vec<_> = headers.iter().copied().chain([("authorization", bearer.as_str())]).collect();
    match Ws::open(server, "/ws", &headers).await {
        Ok(_) => 101,
        Err(refusal) => {
            assert_eq!(refusal.body["success"], false, "the contract's error body: {refusal:?}");
            assert_eq!(refusal.body["request_id"], refusal.headers["x-request-id"].to_str().unwrap());
            let waits = matches!(refusal.status, 429 | 503);
            assert_eq!(waits, refusal.headers.contains_key("retry-after"), "{refusal:?}");
            refusal.status
        }
    }
}

on_both! {
    async fn the_first_frame_tells_who_is_connected(server) {
        let admin = server.admin().await;
        let (_ws, ready) = Ws::connect(&server, &admin).await;
        assert!(ready["connection_id"].is_string(), "{ready}");
        assert_eq!(ready["user_id"], "user-456");
        assert_eq!(ready["tenant_id"], "tenant-123");
        assert_eq!(ready["role"], "admin");
        assert!(ready["seq"].is_number() && ready["epoch"].is_string(), "{ready}");
        let (_second, again) = Ws::connect(&server, &admin).await;
        assert_ne!(again["connection_id"], ready["connection_id"]);
    }

    async fn without_good_credentials_there_is_no_upgrade_but_an_error_body(server) {
        for headers in [&[][..], &[("authorization", "Bearer nonsense")], &[("authorization", "Basic eDp5")]] {
            let refusal = Ws::open(&server, "/ws", headers).await.err().expect("a refusal");
            assert_eq!(refusal.status, 401);
            assert_eq!(refusal.body["success"], false, "{refusal:?}");
            assert!(refusal.body["error"]["message"].is_string(), "{refusal:?}");
        }
        let (writer, _) = server.program(&server.admin().await, &["events:write"]).await;
        assert_eq!(refused(&server, &writer, &[]).await, 403);
        let refusal = Ws::open(&server, "/ws?token=nonsense&ticket=nonsense", &[]).await.err().expect("a refusal");
        assert_eq!(refusal.status, 401);
    }

    async fn a_plain_request_is_told_to_upgrade(server) {
        let answer = server.admin().await.get("/ws").await;
        assert!((400..500).contains(&answer.status) && answer.status != 404, "{}", answer.text);
        assert_eq!(answer.body["success"], false, "{}", answer.text);
    }

    async fn a_foreign_origin_is_refused(server) {
        let admin = server.admin().await;
        assert_eq!(refused(&server, &admin, &[("origin", "https://evil.example")]).await, 403);
        assert_eq!(refused(&server, &admin, &[("origin", "null")]).await, 403);
        assert_eq!(refused(&server, &admin, &[("origin", "http://localhost:5173")]).await, 101);
    }

    async fn a_connection_ends_when_its_token_does(server, JWT_ACCESS_TTL = "5m") {
        let (mut ws, _) = Ws::connect(&server, &server.admin().await).await;
        server.advance(Duration::from_secs(301)).await;
        assert_eq!(ws.close_code().await, 4401);
    }

    async fn a_user_with_too_many_connections_is_refused_the_next(server, WS_MAX_CONNECTIONS_PER_USER = "2") {
        let admin = server.admin().await;
        let (kim, _) = server.user("kim@example.com", "agent").await;
        let (first, _) = Ws::connect(&server, &admin).await;
        let (_second, _) = Ws::connect(&server, &admin).await;
        assert_eq!(refused(&server, &admin, &[]).await, 429);
        Ws::connect(&server, &kim).await;

        first.close().await;
        crate::harness::wait::eventually("room for another one", async || {
            (refused(&server, &admin, &[]).await == 101).then_some(())
        })
        .await;
    }

    async fn a_full_server_refuses_the_next(server, WS_MAX_CONNECTIONS = "2") {
        let admin = server.admin().await;
        let (_first, _) = Ws::connect(&server, &admin).await;
        let (_second, _) = Ws::connect(&server, &admin).await;
        assert_eq!(refused(&server, &admin, &[]).await, 503);
        admin.post("/api/v1/agent-state/me", json!({ "state": "away" })).await.expect(200);
    }
}
