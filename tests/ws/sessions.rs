//! How long a connection may go on: new tokens, ended sessions, other roles, on every server.

use std::time::Duration;

use crate::harness::macros::on_both;
use crate::harness::raw::{Frame, Raw, TEXT};
use crate::harness::server::PASSWORD;
use crate::harness::ws::Ws;
use crate::harness::{Answer, Client, Server, Value, json};

pub(super) async fn refresh(ws: &mut Ws, token: &str) -> Value {
    ws.send(&json!({ "type": "auth.refresh", "payload": { "access_token": token }, "ref": 7 })).await;
    loop {
        let answer = ws.next_json().await;
        if answer["ref"] == 7 {
            return answer;
        }
    }
}

/// Signs in once more.
async fn again(server: &Server, email: &str, password: &str) -> Client {
    server.login(email, password).await
}

on_both! {
    async fn a_token_that_is_about_to_end_is_announced_and_a_new_one_prolongs(server, JWT_ACCESS_TTL = "5m") {
        let admin = server.admin().await;
        let (mut ws, _) = Ws::connect(&server, &admin).await;
        let (mut other, _) = Ws::connect(&server, &admin).await;
        server.advance(Duration::from_secs(245)).await;
        let expiring = ws.wait_for("auth.expiring").await;
        assert!(expiring["payload"]["expires_at"].is_string(), "{expiring}");
        let next = again(&server, "admin@example.com", "password").await;
        let answer = refresh(&mut ws, next.token()).await;
        assert_eq!(answer["type"], "auth.refreshed", "{answer}");
        assert!(answer["payload"]["expires_at"].as_str().unwrap() > expiring["payload"]["expires_at"].as_str().unwrap());
        server.advance(Duration::from_secs(60)).await;
        assert_eq!(other.close_code().await, 4401);
        ws.send(&json!({ "type": "ping" })).await;
        ws.wait_for("pong").await;
        server.advance(Duration::from_secs(185)).await;
        ws.wait_for("auth.expiring").await;
        server.advance(Duration::from_secs(60)).await;
        assert_eq!(ws.close_code().await, 4401);
    }

    async fn the_end_of_a_token_is_announced_a_minute_before_and_not_earlier(server, JWT_ACCESS_TTL = "10m") {
        let admin = server.admin().await;
        let mut raw = Raw::connect(&server, &admin).await;
        // A quarter of a minute is left to a slow machine. The ping shows that the connection has been looked at.
        server.advance(Duration::from_secs(600 - 75)).await;
        assert_eq!(raw.next().await, Frame::Ping);
        raw.say(TEXT, br#"{"type":"ping"}"#).await;
        raw.expect_document("pong").await;
        server.advance(Duration::from_secs(16)).await;
        raw.expect_document("auth.expiring").await;
        server.advance(Duration::from_secs(60)).await;
        loop {
            match raw.next().await {
                Frame::Ping => {}
                frame => break assert_eq!(frame, Frame::Closed(Some(4401)), "it is announced once"),
            }
        }
    }

    async fn the_connection_hangs_on_the_new_tokens_session(server) {
        let admin = server.admin().await;
        let (mut ws, _) = Ws::connect(&server, &admin).await;
        let next = again(&server, "admin@example.com", "password").await;
        refresh(&mut ws, next.token()).await;
        admin.post_empty("/api/v1/auth/logout").await.expect(200);
        ws.send(&json!({ "type": "ping" })).await;
        ws.wait_for("pong").await;
        next.post_empty("/api/v1/auth/logout").await.expect(200);
        assert_eq!(ws.close_code().await, 4401);
    }

    async fn only_a_good_token_of_the_same_user_will_do(server) {
        let admin = server.admin().await;
        let (kim, _) = server.user("kim@example.com", "agent").await;
        let stranger = server.other_tenant("other").await;
        let ended = again(&server, "kim@example.com", PASSWORD).await;
        ended.post_empty("/api/v1/auth/logout").await.expect(200);
        let (program, _) = server.program(&admin, &["events:read"]).await;
        let (mut ws, _) = Ws::connect(&server, &kim).await;
        for (token, code) in [
            ("nonsense", "invalid_token"),
            ("", "invalid_token"),
            (ended.token(), "invalid_token"),
            (program.token(), "invalid_token"),
            (admin.token(), "wrong_user"),
            (stranger.token(), "wrong_user"),
        ] {
            let answer = refresh(&mut ws, token).await;
            assert_eq!((&answer["type"], &answer["payload"]["code"]), (&json!("error"), &json!(code)), "{answer}");
            assert!(!answer["payload"]["message"].as_str().unwrap().is_empty());
        }
        assert_eq!(refresh(&mut ws, kim.token()).await["type"], "auth.refreshed");
    }
}

/// Two servers on one database, with or without a Redis.
async fn two(with_redis: bool) -> (Server, Server) {
    let builder = Server::builder().mariadb();
    let here = if with_redis { builder.redis() } else { builder }.start().await;
    let there = here.elsewhere().start().await;
    (here, there)
}

async fn refreshed(server: &Server, refresh_token: &str) -> Answer {
    server.anonymous().post("/api/v1/auth/refresh", json!({ "refresh_token": refresh_token })).await
}

/// A spent token is used again, and a password changed.
async fn what_a_theft_ends_here_ends_there(with_redis: bool) {
    let (here, there) = two(with_redis).await;
    here.user("kim@example.com", "agent").await;
    let first = here.try_login("kim@example.com", PASSWORD).await.expect(200);
    let (mut stolen, _) = Ws::connect(&there, &there.with_token(first.text_of("access_token"))).await;
    let [own, other] =
        [again(&here, "kim@example.com", PASSWORD).await, again(&here, "kim@example.com", PASSWORD).await];
    let (mut of_own, _) = Ws::connect(&there, &own).await;
    let (mut of_other, _) = Ws::connect(&there, &other).await;

    let second = refreshed(&here, first.text_of("refresh_token")).await.expect(200);
    refreshed(&here, second.text_of("refresh_token")).await.expect(200);
    refreshed(&here, first.text_of("refresh_token")).await.assert_error(401);
    assert_eq!(stolen.close_code().await, 4401);
    let passwords = json!({ "current_password": PASSWORD, "new_password": "eighteen green bottles" });
    own.post("/api/v1/auth/change-password", passwords).await.succeeded();
    assert_eq!(of_other.close_code().await, 4401);
    of_own.send(&json!({ "type": "ping" })).await;
    of_own.wait_for("pong").await;
}

#[tokio::test]
async fn a_stolen_token_and_an_old_password_end_on_the_other_server_with_redis() {
    what_a_theft_ends_here_ends_there(true).await;
}

#[tokio::test]
async fn a_stolen_token_and_an_old_password_end_on_the_other_server_without_redis() {
    what_a_theft_ends_here_ends_there(false).await;
}

async fn what_ends_here_ends_there(with_redis: bool) {
    let (here, there) = two(with_redis).await;
    let admin = here.admin().await;
    let (kim, _) = here.user("kim@example.com", "agent").await;
    let (lee, lee_id) = here.user("lee@example.com", "agent").await;
    let (sam, sam_id) = here.user("sam@example.com", "agent").await;
    let (program, key) = here.program(&admin, &["events:read"]).await;
    let (mut of_kim, _) = Ws::connect(&there, &kim).await;
    let (mut of_lee, _) = Ws::connect(&there, &lee).await;
    let (mut of_sam, _) = Ws::connect(&there, &sam).await;
    let (mut of_program, _) = Ws::connect(&there, &program).await;
    kim.post_empty("/api/v1/auth/logout").await.expect(200);
    assert_eq!(of_kim.close_code().await, 4401);
    admin.patch(&format!("/api/v1/users/{lee_id}"), json!({ "is_active": false })).await.expect(200);
    assert_eq!(of_lee.close_code().await, 4403);
    admin.delete(&format!("/api/v1/api-keys/{key}")).await.expect(200);
    assert_eq!(of_program.close_code().await, 4401);
    // Another role sees other things on the same connection.
    admin.patch(&format!("/api/v1/users/{sam_id}"), json!({ "role": "supervisor" })).await.expect(200);
    crate::harness::wait::eventually("the supervisor's view", async || {
        let hidden = json!({ "type": "for.bosses", "payload": {}, "audience": { "roles": ["supervisor"] } });
        admin.post("/api/v1/events", hidden).await.expect(202);
        admin.post("/api/v1/events", json!({ "type": "for.all", "payload": {} })).await.expect(202);
        (of_sam.wait_for_any(&["for.bosses", "for.all"]).await["type"] == "for.bosses").then_some(())
    })
    .await;
}

#[tokio::test]
async fn what_ends_on_one_server_ends_on_the_other_with_redis() {
    what_ends_here_ends_there(true).await;
}

#[tokio::test]
async fn what_ends_on_one_server_ends_on_the_other_without_redis() {
    what_ends_here_ends_there(false).await;
}

#[tokio::test]
async fn a_stopping_server_sends_all_its_clients_away() {
    let server = Server::builder().env("WS_MAX_CONNECTIONS_PER_USER", "500").start().await;
    let admin = server.admin().await;
    let mut clients = Vec::new();
    for _ in 0..200 {
        clients.push(Ws::connect(&server, &admin).await.0);
    }
    let closed = futures_util::future::join_all(clients.iter_mut().map(Ws::close_code));
    let ((code, _), closed) = tokio::join!(server.terminate(), closed);
    assert_eq!(code, 0);
    assert!(closed.iter().all(|code| *code == 1012), "{closed:?}");
}
