//! Who may call what, walked over every documented call with every role and with another tenant's admin.

use crate::harness::macros::on_both;
use crate::harness::server::PASSWORD;
use crate::harness::wait::eventually;
use crate::harness::{Client, Server, Value, json};

/// What agents and supervisors may not do. Everything else is open to every signed-in user, save what follows.
const ADMINS_ONLY: &[&str] =
    &["/api/v1/users", "/api/v1/webhooks", "/api/v1/api-keys", "/api/v1/ws/connections", "/api/v1/settings"];

/// The same of single calls.
const QUEUE_SETUP: &[(&str, &str)] =
    &[("POST", "/api/v1/queues"), ("PATCH", "/api/v1/queues/{id}"), ("DELETE", "/api/v1/queues/{id}")];

/// What agents may not do, and supervisors may.
const NOT_FOR_AGENTS: &[(&str, &str)] = &[
    ("PUT", "/api/v1/agent-state/{user_id}"),
    ("PUT", "/api/v1/queues/{id}/members/{user_id}"),
    ("DELETE", "/api/v1/queues/{id}/members/{user_id}"),
    ("POST", "/api/v1/calls"),
    ("POST", "/api/v1/calls/{id}/enqueue"),
    ("POST", "/api/v1/calls/{id}/dequeue"),
    ("POST", "/api/v1/calls/{id}/ring"),
    ("POST", "/api/v1/calls/{id}/miss"),
    ("GET", "/api/v1/wallboard"),
];

fn is_forbidden(role: &str, method: &str, path: &str) -> bool {
    let among = |calls: &[(&str, &str)]| calls.contains(&(method, path));
    ADMINS_ONLY.iter().any(|prefix| path.starts_with(prefix))
        || among(QUEUE_SETUP)
        || (role == "agent" && among(NOT_FOR_AGENTS))
}

/// Every documented call of the API: method and path.
pub async fn calls(server: &Server) -> Vec<(String, String)> {
    let document = server.anonymous().get("/openapi.json").await.expect(200).body;
    let paths = document["paths"].as_object().expect("paths").clone();
    let mut calls = Vec::new();
    for (path, item) in paths.iter().filter(|(path, _)| path.starts_with("/api/v1/")) {
        for method in item.as_object().expect("methods").keys().filter(|key| *key != "parameters") {
            calls.push((method.to_uppercase(), path.clone()));
        }
    }
    assert!(calls.len() > 15, "{calls:?}");
    calls
}

/// Ids of things that the development tenant has.
struct Things {
    user: String,
    call: String,
    webhook: String,
    log: String,
    queue: String,
}

impl Things {
    async fn make(server: &Server, admin: &Client) -> Self {
        let (_, user) = server.user("kim@example.com", "agent").await;
        // Nobody listens there; the log entry of the attempt is what counts.
        let webhook = json!({ "url": "http://127.0.0.1:9/", "retry_count": 0, "timeout": 1 });
        let webhook = admin.post("/api/v1/webhooks", webhook).await.expect(201).data()["id"].to_string();
        let tested = admin.post_empty(&format!("/api/v1/webhooks/{webhook}/test")).await.expect(200);
        let call =
            json!({ "id": "c1", "direction": "inbound", "from": { "number": "1" }, "to": { "number": "2" } });
        let call = admin.post("/api/v1/calls", call).await.expect(201).text_of("id").to_owned();
        admin.post_empty("/api/v1/calls/c1/end").await.expect(200);
        let queue = json!({ "name": "Sales", "channel": "voice" });
        let queue = admin.post("/api/v1/queues", queue).await.expect(201).text_of("id").to_owned();
        admin.put(&format!("/api/v1/queues/{queue}/members/{user}"), json!({})).await.expect(200);
        Self { user, call, webhook, log: tested.data()["log_id"].to_string(), queue }
    }

    fn fill(&self, path: &str) -> String {
        let id = match path.split('/').nth(3) {
            Some("webhooks") => &self.webhook,
            Some("calls") => &self.call,
            Some("queues") => &self.queue,
            _ => &self.user,
        };
        path.replace("{log_id}", &self.log).replace("{user_id}", &self.user).replace("{id}", id)
    }
}

pub async fn call(client: &Client, method: &str, path: &str) -> u16 {
    let request = client.request(method.parse().expect("a method"), path);
    // An empty object is no good body for most calls; but whoever may not call learns that first.
    let request = if matches!(method, "POST" | "PUT" | "PATCH") { request.json(&json!({})) } else { request };
    request.await.status
}

async fn everything(admin: &Client) -> Vec<Value> {
    let mut all = Vec::new();
    for path in
        ["/api/v1/users", "/api/v1/webhooks", "/api/v1/webhooks/1/logs", "/api/v1/calls", "/api/v1/queues"]
    {
        all.push(admin.get(path).await.expect(200).data().clone());
    }
    all
}

on_both! {
    async fn each_role_may_call_what_the_table_says(server) {
        let admin = server.admin().await;
        let things = Things::make(&server, &admin).await;
        let supervisor = server.user("lee@example.com", "supervisor").await.0;
        let agent = server.login("kim@example.com", PASSWORD).await;
        let before = eventually("all deliveries to end", async || {
            let all = everything(&admin).await;
            (!all[2].to_string().contains(r#""pending""#)).then_some(all)
        })
        .await;
        let calls = calls(&server).await;
        for (client, role) in [(agent, "agent"), (supervisor, "supervisor")] {
            for (method, path) in calls.iter().filter(|(method, path)| is_forbidden(role, method, path)) {
                let status = call(&client, method, &things.fill(path)).await;
                assert_eq!(status, 403, "{role}: {method} {path}");
            }
        }
        assert_eq!(everything(&admin).await, before);
    }

    async fn nobody_may_call_anything_without_signing_in(server) {
        let things = Things::make(&server, &server.admin().await).await;
        for (method, path) in calls(&server).await {
            if path == "/api/v1/auth/login" || path == "/api/v1/auth/refresh" {
                continue;
            }
            let status = call(&server.anonymous(), &method, &things.fill(&path)).await;
            assert_eq!(status, 401, "{method} {path}");
        }
    }

    async fn another_tenants_things_do_not_exist_for_its_admin(server) {
        let admin = server.admin().await;
        let things = Things::make(&server, &admin).await;
        let stranger = server.other_tenant("other").await;
        let before = everything(&admin).await;
        for (method, path) in calls(&server).await {
            if path.contains('{') {
                let status = call(&stranger, &method, &things.fill(&path)).await;
                // A bad body may be noticed first; it tells nothing about the thing.
                let hidden = status == 404 || (status == 422 && matches!(method.as_str(), "POST" | "PUT"));
                assert!(hidden, "{method} {path}: {status}");
            }
        }
        assert_eq!(everything(&admin).await, before);
    }
}
