//! What all answers share: the envelope, request ids, limits on what is sent along.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::harness::macros::on_both;
use crate::harness::wait::{eventually, within};
use crate::harness::{Server, json};

on_both! {
    async fn a_good_request_id_comes_back_and_a_bad_one_is_replaced(server) {
        let long = "x".repeat(128);
        for good in ["a", "A-Za-z0-9._-", "0b7e.4", &long] {
            let answer = server.anonymous().get("/api/v1/auth/me").header("x-request-id", good).await;
            assert_eq!(answer.header("x-request-id"), good);
            assert_eq!(answer.body["request_id"], good);
        }
        let longer = "x".repeat(129);
        for bad in ["", "with space", "semi;colon", "slash/", &longer] {
            let answer = server.anonymous().get("/api/v1/auth/me").header("x-request-id", bad).await;
            let made = answer.header("x-request-id");
            assert!(!made.is_empty() && made != bad, "{bad:?} → {made:?}");
            assert_eq!(answer.body["request_id"], made);
        }
    }

    async fn every_response_has_a_request_id_of_its_own(server) {
        let mut seen = std::collections::HashSet::new();
        for path in ["/", "/health", "/health/live", "/metrics", "/openapi.json", "/docs", "/nothing", "/api/v1/nothing"] {
            let answer = server.anonymous().get(path).await;
            let id = answer.header("x-request-id").to_owned();
            assert!(!id.is_empty(), "{path}");
            assert!(seen.insert(id), "{path} repeats one");
        }
    }

    async fn a_success_and_a_failure_look_as_documented(server) {
        let admin = server.admin().await;
        let good = admin.get("/api/v1/users").await.expect(200);
        assert_eq!(good.body["success"], true);
        assert!(good.data().is_array());
        assert!(good.body["meta"].get("next_cursor").is_some_and(serde_json::Value::is_null), "{}", good.text);

        let bad = admin.post("/api/v1/users", json!({ "email": 1 })).await;
        bad.assert_error(422).names("email");
        assert!(bad.body.get("data").is_none(), "{}", bad.text);
    }

    async fn moments_are_rfc_3339_with_milliseconds(server) {
        let admin = server.admin().await;
        let webhook = admin.post("/api/v1/webhooks", json!({ "url": "https://example.com/" })).await.expect(201);
        let moment = webhook.text_of("created_at");
        assert_eq!(moment.len(), "2026-11-23T08:15:00.000Z".len(), "{moment}");
        assert_eq!((moment.as_bytes()[10], moment.as_bytes()[19]), (b'T', b'.'), "{moment}");
        assert!(moment.ends_with('Z'), "{moment}");
    }
}

/// Sends a call without a token whose body is said to have that many bytes, and these of them; gives the answer's head.
async fn refused(stream: &mut TcpStream, length: usize, sent: &[u8]) -> String {
    let head = format!("POST /api/v1/events HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n");
    stream.write_all(&[head.as_bytes(), sent].concat()).await.expect("it listens");
    let mut answer = String::new();
    while !answer.contains("request_id") {
        let mut buffer = [0; 4096];
        let read = within("an answer", stream.read(&mut buffer)).await.expect("an answer");
        assert!(read > 0, "closed after {answer:?}");
        answer.push_str(&String::from_utf8_lossy(&buffer[..read]));
    }
    assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
    answer.split("\r\n\r\n").next().unwrap_or_default().to_ascii_lowercase()
}

#[tokio::test]
async fn a_refused_call_says_whether_its_connection_goes_on() {
    let server = Server::builder().start().await;
    let mut short = server.address.try_connect().await.expect("a connection");
    for _ in 0..2 {
        assert!(!refused(&mut short, 9, b"[1, 2, 3]").await.contains("connection: close"));
    }
    let mut long = server.address.try_connect().await.expect("a connection");
    assert!(refused(&mut long, 200_000, b"[1, 2, 3").await.contains("\r\nconnection: close"));
    let mut rest = Vec::new();
    within("the end", long.read_to_end(&mut rest)).await.expect("it is closed");
}

#[tokio::test]
async fn a_failed_request_has_a_short_line_in_the_log_whatever_it_asked_for() {
    let server = Server::builder().sqlite().start().await;
    let admin = server.admin().await;
    let (program, _) = server.program(&admin, &["agents:read"]).await;
    server.sql("ALTER TABLE api_keys RENAME TO aside").await;
    program.get(&format!("/api/v1/users/{}", "x".repeat(20_000))).await.assert_error(500);
    let line = eventually("the failure's line", async || {
        server.logs().into_iter().find(|line| line.contains("Request failed"))
    })
    .await;
    assert!(line.contains("/api/v1/users/xxx") && line.len() < 2048, "{} bytes: {line}", line.len());
}
