//! Who sees a custom event on its socket: live, and again when it comes back.

use super::{EVENTS, event, numbers, publish};
use crate::harness::macros::on_both;
use crate::harness::sink::Sink;
use crate::harness::ws::Ws;
use crate::harness::{Client, Server, Value, json};

/// Publishes an event to each audience, and then one to everybody that tells the end.
async fn publish_to(client: &Client, audiences: &[(&str, Value)]) {
    for (name, audience) in audiences {
        let mut body = event(name);
        body["audience"] = audience.clone();
        publish(client, body).await;
    }
    publish(client, json!({ "type": "order.end", "payload": {} })).await;
}

/// The names of the events that came before the end.
async fn seen(ws: &mut Ws) -> Vec<String> {
    let mut names = Vec::new();
    loop {
        let frame = ws.next_json().await;
        match frame["type"].as_str() {
            Some("order.end") => return names,
            Some("order.paid") => names.push(frame["payload"]["name"].as_str().unwrap().to_owned()),
            _ => {}
        }
    }
}

/// What a client sees that comes only now and asks for the whole log.
async fn seen_later(server: &Server, client: &Client) -> Vec<String> {
    let bearer = format!("Bearer {}", client.token());
    let mut ws = Ws::open(server, "/ws?since=0", &[("authorization", &bearer)]).await.expect("a connection");
    seen(&mut ws).await
}

on_both! {
    async fn only_those_named_see_it_and_those_who_see_all(server) {
        let admin = server.admin().await;
        let (kim, kim_id) = server.user("kim@example.com", "agent").await;
        let (lee, lee_id) = server.user("lee@example.com", "agent").await;
        let (sam, sam_id) = server.user("sam@example.com", "supervisor").await;
        let (reader, _) = server.program(&admin, &["events:read"]).await;
        let audiences = [
            ("everyone", Value::Null),
            ("kim", json!({ "users": [kim_id] })),
            ("both", json!({ "users": [kim_id, lee_id] })),
            ("sam", json!({ "users": [sam_id] })),
            ("agents", json!({ "roles": ["agent"] })),
            ("supervisors", json!({ "roles": ["supervisor", "admin"] })),
            ("union", json!({ "users": [lee_id], "roles": ["supervisor"] })),
            ("somebody unknown", json!({ "users": ["nobody"] })),
            ("no user", json!({ "users": [] })),
            ("no role", json!({ "roles": [], "queues": [] })),
            ("nobody at all", json!({})),
        ];
        let all: Vec<&str> = audiences.iter().map(|(name, _)| *name).collect();
        let expected = [
            (&kim, vec!["everyone", "kim", "both", "agents"]),
            (&lee, vec!["everyone", "both", "agents", "union"]),
            (&sam, all.clone()),
            (&admin, all.clone()),
            (&reader, all.clone()),
        ];
        let mut sockets = Vec::new();
        for (client, _) in &expected {
            sockets.push(Ws::connect(&server, client).await.0);
        }
        publish_to(&admin, &audiences).await;
        for (ws, (client, expected)) in sockets.iter_mut().zip(&expected) {
            assert_eq!(seen(ws).await, *expected);
            assert_eq!(seen_later(&server, client).await, *expected);
        }
    }

    async fn webhooks_get_what_is_for_somebody_only(server) {
        let sink = Sink::start().await;
        let admin = server.admin().await;
        admin.post("/api/v1/webhooks", json!({ "url": sink.url(), "events": ["order.paid"] })).await.expect(201);
        publish_to(&admin, &[("private", json!({ "users": ["nobody"] }))]).await;
        assert_eq!(sink.wait_for(1).await[0].json()["data"]["name"], "private");
    }

    async fn a_key_that_reads_is_a_service_without_presence(server) {
        let admin = server.admin().await;
        let (reader, _) = server.program(&admin, &["events:read"]).await;
        let (_ws, ready) = Ws::connect(&server, &reader).await;
        assert_eq!(ready["user_id"], Value::Null);
        assert_eq!(ready["role"], "service");
        assert_eq!(ready["tenant_id"], "tenant-123");
        let online = admin.get("/api/v1/ws/users/online").await.expect(200);
        assert_eq!(*online.data(), json!([]));
    }

    async fn another_tenants_key_hears_nothing(server) {
        let admin = server.admin().await;
        let stranger = server.other_tenant("other").await;
        let (reader, _) = server.program(&stranger, &["events:read", "events:write"]).await;
        let (mut ws, _) = Ws::connect(&server, &reader).await;
        publish_to(&admin, &[("private", Value::Null)]).await;
        publish_to(&reader, &[("own", Value::Null)]).await;
        assert_eq!(seen(&mut ws).await, ["own"]);
        assert_eq!(seen_later(&server, &reader).await, ["own"]);
    }

    async fn only_admins_and_keys_that_write_may_publish(server) {
        let admin = server.admin().await;
        let agent = server.user("kim@example.com", "agent").await.0;
        let supervisor = server.user("sam@example.com", "supervisor").await.0;
        let reader = server.program(&admin, &["events:read", "notifications:write", "webhooks:write"]).await.0;
        for client in [&agent, &supervisor, &reader] {
            client.post(EVENTS, event("refused")).await.assert_error(403);
            client.post(EVENTS, json!({})).raw("application/json", "{").await.assert_error(403);
        }
        server.anonymous().post(EVENTS, event("refused")).await.assert_error(401);
        let writer = server.program(&admin, &["events:write"]).await.0;
        assert_eq!(numbers(&publish(&writer, event("first")).await), [1]);
    }
}
