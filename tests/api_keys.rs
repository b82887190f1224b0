//! `/api/v1/api-keys`, and what a program may do with one.

use std::time::Duration;

use crate::harness::macros::on_both;
use crate::harness::wait::eventually;
use crate::harness::ws::Ws;
use crate::harness::{Answer, Client, Server, Value, json};
use crate::permissions;

const KEYS: &str = "/api/v1/api-keys";
const SCOPES: &[&str] = &[
    "events:read",
    "events:write",
    "webhooks:read",
    "webhooks:write",
    "agents:read",
    "agents:write",
    "calls:read",
    "calls:write",
    "queues:read",
    "queues:write",
    "chat:read",
    "chat:write",
    "notifications:write",
];

fn path(id: &str) -> String {
    format!("{KEYS}/{id}")
}

async fn all(admin: &Client) -> Answer {
    admin.get(KEYS).await.expect(200)
}

/// Some call that a key with `webhooks:read` may make.
async fn status(program: &Client) -> u16 {
    program.get("/api/v1/webhooks").await.status
}

/// Needs several scopes at once.
const WALLBOARD: &str = "/api/v1/wallboard";

/// The scope that opens a call to programs; none if it is for users only.
fn scope_of(method: &str, path: &str) -> Option<&'static str> {
    let is_read = method == "GET";
    let is =
        |prefix: &str| path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    if is("/api/v1/webhooks") {
        Some(if is_read { "webhooks:read" } else { "webhooks:write" })
    } else if is("/api/v1/event-types") {
        Some("events:read")
    } else if is("/api/v1/calls") {
        Some(if is_read { "calls:read" } else { "calls:write" })
    } else if is("/api/v1/queues") {
        Some(if is_read { "queues:read" } else { "queues:write" })
    } else if is("/api/v1/events") {
        Some(if is_read { "events:read" } else { "events:write" })
    } else if is("/api/v1/agent-state") && !is("/api/v1/agent-state/me") {
        Some(if is_read { "agents:read" } else { "agents:write" })
    } else {
        None
    }
}

async fn handshake(server: &Server, client: &Client) -> u16 {
    let bearer = format!("Bearer {}", client.token());
    Ws::open(server, "/ws", &[("authorization", &bearer)])
        .await
        .map_or_else(|refusal| refusal.status, |_| 101)
}

on_both! {
    async fn a_key_is_shown_once_and_never_again(server) {
        let admin = server.admin().await;
        let body = json!({ "name": "Shop", "scopes": ["events:write", "events:read"] });
        let made = admin.post(KEYS, body).await.expect(201);
        let key = made.text_of("key").to_owned();
        assert!(key.starts_with("cck_") && key.len() >= 36, "{key}");
        assert_eq!(made.data()["name"], "Shop");
        assert_eq!(made.data()["scopes"], json!(["events:write", "events:read"]));
        assert_eq!(made.data()["expires_at"], Value::Null);

        let listed = all(&admin).await;
        assert!(!listed.text.contains("cck_"), "{}", listed.text);
        let mut expected = made.data().clone();
        expected.as_object_mut().unwrap().remove("key");
        assert_eq!(*listed.data(), json!([expected]));
        assert!(!server.logs().join("\n").contains(&key));
        let (other, _) = server.program(&admin, &["events:read"]).await;
        assert_ne!(other.token(), key);
    }

    async fn each_scope_lets_in_exactly_its_calls(server, RATE_LIMIT_API = "off") {
        let admin = server.admin().await;
        let calls = permissions::calls(&server).await;
        let calls = calls.iter().filter(|(_, path)| !path.ends_with("/login") && !path.ends_with("/refresh"));
        let calls: Vec<_> = calls.collect();
        for scope in SCOPES {
            let (program, _) = server.program(&admin, &[scope]).await;
            for (method, path) in &calls {
                let expected = scope_of(method, path) == Some(*scope);
                if expected && path.ends_with("/stream") {
                    // An answer without an end: tests of its own read it.
                    continue;
                }
                let filled = path.replace("{user_id}", "nobody").replace("{log_id}", "9").replace("{id}", "99");
                let status = permissions::call(&program, method, &filled).await;
                assert_eq!(status != 403, expected, "{scope}: {method} {path}: {status}");
                assert_ne!(status, 401, "{scope}: {method} {path}");
            }
            let expected = if *scope == "events:read" { 101 } else { 403 };
            assert_eq!(handshake(&server, &program).await, expected, "{scope}");
        }
    }

    async fn no_scope_opens_what_is_for_users(server, RATE_LIMIT_API = "off") {
        let (program, _) = server.program(&server.admin().await, SCOPES).await;
        for (method, path) in permissions::calls(&server).await {
            let is_closed = scope_of(&method, &path).is_none() && path != WALLBOARD;
            if is_closed && !path.ends_with("/login") && !path.ends_with("/refresh") {
                let status = permissions::call(&program, &method, &path.replace("{id}", "user-456")).await;
                assert_eq!(status, 403, "{method} {path}");
            }
        }
    }

    async fn only_admins_have_to_do_with_keys(server) {
        let admin = server.admin().await;
        let (_, id) = server.program(&admin, &["webhooks:read"]).await;
        let before = all(&admin).await.body;
        let agent = server.user("kim@example.com", "agent").await.0;
        let supervisor = server.user("sam@example.com", "supervisor").await.0;
        for client in [agent, supervisor] {
            client.get(KEYS).await.assert_error(403);
            client.post(KEYS, json!({ "name": "x", "scopes": ["events:read"] })).await.assert_error(403);
            client.delete(&path(&id)).await.assert_error(403);
        }
        assert_eq!(all(&admin).await.body, before);
    }

    async fn an_expired_key_is_401(server) {
        let admin = server.admin().await;
        let (_, first) = server.program(&admin, &["webhooks:read"]).await;
        let now = all(&admin).await.data()[0]["created_at"].as_str().expect("a moment").to_owned();
        // The same time of day an hour to the west.
        let expires_at = now.replace('Z', "-01:00");
        let body = json!({ "name": "For an hour", "scopes": ["webhooks:read", "events:read"], "expires_at": expires_at });
        let made = admin.post(KEYS, body).await.expect(201);
        assert!(made.text_of("expires_at").ends_with('Z'), "{}", made.text);
        let program = server.with_token(made.text_of("key"));
        let (mut ws, _) = Ws::connect(&server, &program).await;
        server.advance(Duration::from_secs(3300)).await;
        assert_eq!(status(&program).await, 200);
        server.advance(Duration::from_secs(301)).await;
        program.get("/api/v1/webhooks").await.assert_error(401);
        assert_eq!(handshake(&server, &program).await, 401);
        assert_eq!(ws.close_code().await, 4401);
        // It is still there to be seen and removed.
        let admin = server.admin().await;
        assert_eq!(all(&admin).await.data().as_array().unwrap().len(), 2);
        admin.delete(&path(made.text_of("id"))).await.expect(200);
        assert_eq!(all(&admin).await.data()[0]["id"], first);
    }

    async fn a_removed_key_is_401_at_once_and_its_sockets_close(server) {
        let admin = server.admin().await;
        let (program, id) = server.program(&admin, &["webhooks:read", "events:read"]).await;
        let (other, _) = server.program(&admin, &["webhooks:read", "events:read"]).await;
        let (mut ws, _) = Ws::connect(&server, &program).await;
        let (mut kept, _) = Ws::connect(&server, &other).await;
        assert_eq!(status(&program).await, 200);
        admin.delete(&path(&id)).await.expect(200);
        assert_eq!(status(&program).await, 401);
        assert_eq!(handshake(&server, &program).await, 401);
        assert_eq!(ws.close_code().await, 4401);
        admin.delete(&path(&id)).await.assert_error(404);
        assert_eq!(all(&admin).await.data().as_array().unwrap().len(), 1);
        // The other key has nothing to do with it.
        assert_eq!(status(&other).await, 200);
        kept.send(&json!({ "type": "ping" })).await;
        kept.wait_for("pong").await;
    }

    async fn another_tenants_key_does_not_exist(server) {
        let admin = server.admin().await;
        let stranger = server.other_tenant("other").await;
        let (program, id) = server.program(&admin, &["webhooks:read"]).await;
        assert_eq!(status(&program).await, 200);
        stranger.delete(&path(&id)).await.assert_error(404);
        for unknown in ["nothing", "%00", "a%2Fb", &"x".repeat(300)] {
            stranger.delete(&path(unknown)).await.assert_error(404);
        }
        assert_eq!(*all(&stranger).await.data(), json!([]));
        assert_eq!(status(&program).await, 200);
        assert_eq!(all(&admin).await.data()[0]["id"], id);
    }

    async fn keys_are_listed_in_pages(server) {
        let admin = server.admin().await;
        let mut made = Vec::new();
        for _ in 0..5 {
            made.push(server.program(&admin, &["events:read"]).await.1);
        }
        let (mut listed, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = admin.get(&format!("{KEYS}?limit=2{cursor}")).await.expect(200);
            let keys = page.data().as_array().unwrap();
            assert!(keys.len() <= 2);
            listed.extend(keys.iter().map(|key| key["id"].as_str().unwrap().to_owned()));
            match page.body["meta"]["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        listed.sort();
        made.sort();
        assert_eq!(listed, made);
    }

    async fn bad_fields_are_422_and_nothing_is_made(server) {
        let admin = server.admin().await;
        for (field, named, bad) in [
            ("name", "name", json!("")),
            ("name", "name", json!("n".repeat(201))),
            ("name", "name", json!("a\u{0}b")),
            ("name", "name", json!(7)),
            ("scopes", "scopes", json!([])),
            ("scopes", "scopes", json!("events:read")),
            ("scopes", "scopes[1]", json!(["events:read", "events:admin"])),
            ("scopes", "scopes[0]", json!(["*"])),
            ("scopes", "scopes[0]", json!(["Events:Read"])),
            ("scopes", "scopes[0]", json!(["notifications:read"])),
            ("expires_at", "expires_at", json!("2020-01-01T00:00:00Z")),
            ("expires_at", "expires_at", json!("tomorrow")),
            ("expires_at", "expires_at", json!("2100-01-01")),
            ("expires_at", "expires_at", json!("")),
            ("expires_at", "expires_at", json!(4_102_444_800_u32)),
            ("surprise", "surprise", json!(1)),
            ("key", "key", json!("cck_of-my-own")),
        ] {
            let mut body = json!({ "name": "Shop", "scopes": ["events:read"] });
            body[field] = bad;
            admin.post(KEYS, body).await.assert_error(422).names(named);
        }
        admin.post(KEYS, json!({ "name": "Shop" })).await.assert_error(422).names("scopes");
        admin.post(KEYS, json!({ "scopes": ["events:read"] })).await.assert_error(422).names("name");
        assert_eq!(*all(&admin).await.data(), json!([]));
    }

    async fn what_only_looks_like_a_key_is_401(server) {
        let (program, id) = server.program(&server.admin().await, &["webhooks:read"]).await;
        let key = program.token();
        let changed = format!("{}{}", &key[..key.len() - 1], if key.ends_with('A') { 'B' } else { 'A' });
        for forged in ["cck_", &id, &format!("cck_{id}"), &changed, &key[..key.len() - 1], &format!("{key}="), &key[4..]] {
            server.with_token(forged).get("/api/v1/webhooks").await.assert_error(401);
        }
        for other in [key.to_lowercase(), key.to_uppercase()] {
            server.with_token(&other).get("/api/v1/webhooks").await.assert_error(401);
        }
        assert_eq!(status(&program).await, 200);
    }

    async fn a_key_outlives_the_servers_process(server) {
        let (program, _) = server.program(&server.admin().await, &["webhooks:read"]).await;
        server.kill_9();
        server.restart().await;
        assert_eq!(status(&program).await, 200);
    }
}

#[tokio::test]
async fn a_removed_key_is_soon_401_on_another_server_too() {
    let here = Server::builder().mariadb().redis().start().await;
    let there = here.elsewhere().start().await;
    let admin = here.admin().await;
    let (program, id) = here.program(&admin, &["webhooks:read", "events:read"]).await;
    let program = there.with_token(program.token());
    let (mut ws, _) = Ws::connect(&there, &program).await;
    assert_eq!(status(&program).await, 200);
    admin.delete(&path(&id)).await.expect(200);
    eventually("the key to be refused", async || (status(&program).await == 401).then_some(())).await;
    assert_eq!(ws.close_code().await, 4401);
}

#[tokio::test]
async fn keys_are_not_kept_as_they_are() {
    let server = Server::builder().sqlite().start().await;
    let (program, _) = server.program(&server.admin().await, &["webhooks:read"]).await;
    assert_eq!(status(&program).await, 200);
    let mut seen = 0;
    for entry in std::fs::read_dir(server.setup.dir.path().join("data")).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        seen += bytes.len();
        let secret = program.token().trim_start_matches("cck_").as_bytes();
        assert!(!bytes.windows(secret.len()).any(|window| window == secret));
    }
    assert!(seen > 0);
}
