//! `POST /api/v1/auth/ws-ticket`, and the WebSocket that a ticket opens.

use std::time::Duration;

use crate::harness::macros::on_both;
use crate::harness::ws::Ws;
use crate::harness::{Client, Server, json};

async fn ticket(client: &Client) -> String {
    let answer = client.post_empty("/api/v1/auth/ws-ticket").await.expect(200);
    assert_eq!(answer.data()["expires_in"], 30);
    answer.text_of("ticket").to_owned()
}

async fn open(server: &Server, ticket: &str) -> Result<Ws, u16> {
    let opened = Ws::open(server, &format!("/ws?since=0&ticket={ticket}"), &[]).await;
    opened.map_err(|refusal| {
        assert_eq!(refusal.body["success"], false, "{refusal:?}");
        refusal.status
    })
}

on_both! {
    async fn a_ticket_opens_one_connection(server) {
        let (kim, kim_id) = server.user("kim@example.com", "agent").await;
        let ticket = ticket(&kim).await;
        let mut ws = open(&server, &ticket).await.expect("a connection");
        let ready = ws.expect_type("connection.ready").await;
        assert_eq!((&ready["payload"]["user_id"], &ready["payload"]["role"]), (&json!(kim_id), &json!("agent")));
        assert_eq!(open(&server, &ticket).await.err(), Some(401));
        assert_eq!(open(&server, &format!("{ticket}x")).await.err(), Some(401));
        assert_eq!(open(&server, "").await.err(), Some(401));
        assert_eq!(open(&server, &"x".repeat(1000)).await.err(), Some(401));
        kim.post_empty("/api/v1/auth/logout").await.expect(200);
        assert_eq!(ws.close_code().await, 4401);
    }

    async fn of_many_who_use_it_at_once_one_gets_in(server) {
        let ticket = ticket(&server.admin().await).await;
        let tries = futures_util::future::join_all((0..8).map(|_| open(&server, &ticket))).await;
        assert_eq!(tries.iter().filter(|it| it.is_ok()).count(), 1);
    }

    async fn a_ticket_ends_after_30_seconds(server) {
        let admin = server.admin().await;
        let (used, late) = (ticket(&admin).await, ticket(&admin).await);
        server.advance(Duration::from_secs(28)).await;
        open(&server, &used).await.expect("a connection");
        server.advance(Duration::from_secs(3)).await;
        assert_eq!(open(&server, &late).await.err(), Some(401));
    }

    async fn a_ticket_ends_with_its_session(server) {
        let admin = server.admin().await;
        let (kim, _) = server.user("kim@example.com", "agent").await;
        let (lee, lee_id) = server.user("lee@example.com", "agent").await;
        let (of_kim, of_lee) = (ticket(&kim).await, ticket(&lee).await);
        kim.post_empty("/api/v1/auth/logout").await.expect(200);
        admin.patch(&format!("/api/v1/users/{lee_id}"), json!({ "is_active": false })).await.expect(200);
        assert_eq!(open(&server, &of_kim).await.err(), Some(401));
        assert_eq!(open(&server, &of_lee).await.err(), Some(401));
    }

    async fn a_connection_by_ticket_ends_with_the_token_that_asked_for_it(server, JWT_ACCESS_TTL = "20s") {
        let mut ws = open(&server, &ticket(&server.admin().await).await).await.expect("a connection");
        server.advance(Duration::from_secs(21)).await;
        assert_eq!(ws.close_code().await, 4401);
    }

    async fn tickets_are_for_users(server) {
        let admin = server.admin().await;
        let (program, _) = server.program(&admin, &["events:read"]).await;
        program.post_empty("/api/v1/auth/ws-ticket").await.assert_error(403);
        server.anonymous().post_empty("/api/v1/auth/ws-ticket").await.assert_error(401);
        let ticket = ticket(&admin).await;
        let path = format!("/api/v1/auth/me?ticket={ticket}");
        server.anonymous().get(&path).await.assert_error(401);
        open(&server, &ticket).await.expect("it is still good");
    }
}

#[tokio::test]
async fn a_ticket_is_good_on_every_server_and_once_in_all() {
    let here = Server::builder().mariadb().start().await;
    let there = here.elsewhere().start().await;
    let ticket = ticket(&here.admin().await).await;
    open(&there, &ticket).await.expect("a connection");
    assert_eq!(open(&here, &ticket).await.err(), Some(401));
}

#[tokio::test]
async fn a_ticket_is_nowhere_to_be_read() {
    let server = Server::builder().sqlite().start().await;
    let ticket = ticket(&server.admin().await).await;
    open(&server, &ticket).await.expect("a connection");
    let (_, secret) = ticket.split_once('.').expect("a tenant and a secret");
    for file in ["callcenter.db", "callcenter.db-wal"] {
        let bytes = std::fs::read(server.setup.dir.path().join("data").join(file)).unwrap_or_default();
        assert!(!bytes.windows(secret.len()).any(|part| part == secret.as_bytes()), "{file}");
    }
    assert!(server.logs().iter().all(|line| !line.contains(secret)));
}
