//! Who may call what, walked over every documented call with every role and with another tenant's admin.

use crate::calls::{CALLS, Center, report};
use crate::harness::macros::on_both;
use crate::harness::server::PASSWORD;
use crate::harness::sse::Sse;
use crate::harness::wait::eventually;
use crate::harness::{Client, Server, Value, json};

/// What agents and supervisors may not do. Everything else is open to every signed-in user, save what follows.
const ADMINS_ONLY: &[&str] =
    &["/api/v1/users", "/api/v1/webhooks", "/api/v1/api-keys", "/api/v1/ws/connections", "/api/v1/settings"];

/// The same of single calls.
const SINGLE_ADMINS_ONLY: &[(&str, &str)] = &[
    ("POST", "/api/v1/events"),
    ("POST", "/api/v1/queues"),
    ("PATCH", "/api/v1/queues/{id}"),
    ("DELETE", "/api/v1/queues/{id}"),
];

/// What agents may not do, and supervisors may.
const NOT_FOR_AGENTS: &[(&str, &str)] = &[
    ("GET", "/api/v1/agent-state/stats"),
    ("PUT", "/api/v1/agent-state/{user_id}"),
    ("POST", "/api/v1/agent-state/{user_id}/wrap-up/end"),
    ("POST", "/api/v1/agent-state/{user_id}/wrap-up/extend"),
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
    match role {
        "admin" => false,
        "agent" if among(NOT_FOR_AGENTS) => true,
        _ => ADMINS_ONLY.iter().any(|prefix| path.starts_with(prefix)) || among(SINGLE_ADMINS_ONLY),
    }
}

const ADMIN: &str = "admin@example.com";

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
        let (kim, user) = server.user("kim@example.com", "agent").await;
        // Nobody listens there; the log entry of the attempt is what counts.
        let webhook = json!({ "url": "http://127.0.0.1:9/", "retry_count": 0, "timeout": 1 });
        let webhook = admin.post("/api/v1/webhooks", webhook).await.expect(201).data()["id"].to_string();
        let tested = admin.post_empty(&format!("/api/v1/webhooks/{webhook}/test")).await.expect(200);
        kim.post("/api/v1/agent-state/me", json!({ "state": "available" })).await.expect(200);
        let call = json!({
            "id": "c1", "direction": "inbound", "from": { "number": "1" }, "to": { "number": "2" }, "user_id": user,
        });
        let call = admin.post("/api/v1/calls", call).await.expect(201).text_of("id").to_owned();
        admin.post("/api/v1/calls/c1/answer", json!({ "user_id": user })).await.expect(200);
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

/// The call with that role's own agent and call in it, in a session of its own where it ends one.
async fn tried(
    server: &Server,
    email: &str,
    client: &Client,
    things: &Things,
    (method, path): (&str, &str),
) -> u16 {
    match path {
        "/api/v1/auth/logout" if email == ADMIN => call(&server.another_admin().await, method, path).await,
        "/api/v1/auth/logout" => call(&server.login(email, PASSWORD).await, method, path).await,
        // An answer without an end.
        "/api/v1/events/stream" => match Sse::open(server, client, "", &[]).await {
            Ok(_) => 200,
            Err((status, _)) => status,
        },
        _ => call(client, method, &things.fill(path)).await,
    }
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

    async fn each_role_is_let_in_wherever_the_table_says(server, RATE_LIMIT_API = "off") {
        let admin = server.admin().await;
        let things = Things::make(&server, &admin).await;
        let supervisor = server.user("lee@example.com", "supervisor").await.0;
        let agent = server.login("kim@example.com", PASSWORD).await;
        // What shows comes before what removes, and before what an admin removes comes everybody else.
        let mut calls = calls(&server).await;
        calls.retain(|(_, path)| path != "/api/v1/auth/login" && path != "/api/v1/auth/refresh");
        calls.sort_by_key(|(method, _)| ["GET", "POST", "PUT", "PATCH", "DELETE"].iter().position(|one| one == method));
        for (client, role, email) in
            [(agent, "agent", "kim@example.com"), (supervisor, "supervisor", "lee@example.com"), (admin, "admin", ADMIN)]
        {
            for (method, path) in calls.iter().filter(|(method, path)| !is_forbidden(role, method, path)) {
                let status = tried(&server, email, &client, &things, (method, path)).await;
                let is_let_in = if method == "GET" { status == 200 } else { ![401, 403].contains(&status) };
                assert!(is_let_in, "{role}: {method} {path}: {status}");
            }
        }
    }

    async fn supervisors_report_calls_and_see_the_wallboard_and_agents_act_in_their_own(server) {
        let center = Center::open(&server).await;
        let supervisor = server.user("sam@example.com", "supervisor").await.0;
        let begin = json!({
            "id": "c1", "direction": "inbound", "from": { "number": "1" }, "to": { "number": "2" }, "queue_id": center.queue,
        });
        supervisor.post(CALLS, begin).await.expect(201);
        let (kim, lee) = (json!({ "user_id": center.kim_id }), json!({ "user_id": center.lee_id }));
        report(&supervisor, "c1", "dequeue", json!({ "reason": "timeout" })).await.expect(200);
        report(&supervisor, "c1", "enqueue", json!({ "queue_id": center.queue })).await.expect(200);
        report(&supervisor, "c1", "ring", lee.clone()).await.expect(200);
        let missed = json!({ "user_id": center.lee_id, "outcome": "caller_gone" });
        report(&supervisor, "c1", "miss", missed).await.expect(200);
        report(&supervisor, "c1", "ring", kim.clone()).await.expect(200);
        let shown = supervisor.get("/api/v1/wallboard").await.expect(200);
        assert_eq!(shown.data()["calls"][0]["id"], "c1");

        let one = format!("{CALLS}/c1");
        for what in ["answer", "hold", "unhold"] {
            report(&center.kim, "c1", what, kim.clone()).await.expect(200);
        }
        assert_eq!(center.kim.get(&one).await.expect(200).data()["user_id"], json!(center.kim_id));
        let noted = center.kim.patch(&one, json!({ "disposition": "sold" })).await.expect(200);
        assert_eq!(noted.data()["disposition"], "sold");
        let transfer = json!({ "kind": "attended", "to": lee });
        report(&center.kim, "c1", "transfer", transfer).await.expect(200);
        report(&center.lee, "c1", "end", json!({})).await.expect(200);
        assert_eq!(supervisor.get(&one).await.expect(200).data()["state"], "ended");
        let seen = center.kim.get(CALLS).await.expect(200);
        assert_eq!(seen.data()[0]["id"], "c1");
        supervisor.patch(&one, json!({ "disposition": "kept" })).await.expect(200);
        let (_, max) = server.user("max@example.com", "agent").await;
        supervisor.put(&format!("/api/v1/agent-state/{max}"), json!({ "state": "away" })).await.expect(200);
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
