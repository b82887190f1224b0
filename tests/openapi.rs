//! `/openapi.json`, `/docs`. That real answers validate against the document is checked at every call of every test.

use crate::harness::{Server, Value, browser};

/// The calls that clients rely on; the document must have at least these.
const CALLS: &[&str] = &[
    "post /api/v1/auth/login",
    "post /api/v1/auth/refresh",
    "post /api/v1/auth/logout",
    "post /api/v1/auth/change-password",
    "get /api/v1/auth/me",
    "post /api/v1/auth/ws-ticket",
    "get /api/v1/users",
    "post /api/v1/users",
    "get /api/v1/users/{id}",
    "patch /api/v1/users/{id}",
    "delete /api/v1/users/{id}",
    "get /api/v1/agent-state",
    "get /api/v1/agent-state/me",
    "post /api/v1/agent-state/me",
    "get /api/v1/agent-state/available",
    "post /api/v1/agent-state/me/available",
    "post /api/v1/agent-state/me/away",
    "post /api/v1/agent-state/me/break",
    "post /api/v1/agent-state/me/break/end",
    "post /api/v1/agent-state/me/wrap-up/end",
    "post /api/v1/agent-state/me/wrap-up/extend",
    "get /api/v1/agent-state/{user_id}",
    "get /api/v1/calls",
    "post /api/v1/calls",
    "get /api/v1/calls/{id}",
    "patch /api/v1/calls/{id}",
    "post /api/v1/calls/{id}/enqueue",
    "post /api/v1/calls/{id}/dequeue",
    "post /api/v1/calls/{id}/ring",
    "post /api/v1/calls/{id}/miss",
    "post /api/v1/calls/{id}/answer",
    "post /api/v1/calls/{id}/hold",
    "post /api/v1/calls/{id}/unhold",
    "post /api/v1/calls/{id}/transfer",
    "post /api/v1/calls/{id}/end",
    "get /api/v1/wallboard",
    "put /api/v1/agent-state/{user_id}",
    "get /api/v1/agent-state/{user_id}/history",
    "get /api/v1/settings",
    "patch /api/v1/settings",
    "get /api/v1/webhooks",
    "post /api/v1/webhooks",
    "get /api/v1/webhooks/failed",
    "get /api/v1/webhooks/{id}",
    "put /api/v1/webhooks/{id}",
    "patch /api/v1/webhooks/{id}",
    "delete /api/v1/webhooks/{id}",
    "post /api/v1/webhooks/{id}/test",
    "post /api/v1/webhooks/{id}/rotate-secret",
    "post /api/v1/webhooks/{id}/replay",
    "get /api/v1/webhooks/{id}/logs",
    "post /api/v1/webhooks/{id}/logs/{log_id}/retry",
    "get /api/v1/webhooks/{id}/stats",
    "post /api/v1/events",
    "get /api/v1/events",
    "get /api/v1/events/stream",
    "get /api/v1/event-types",
    "get /api/v1/queues",
    "post /api/v1/queues",
    "get /api/v1/queues/{id}",
    "patch /api/v1/queues/{id}",
    "delete /api/v1/queues/{id}",
    "get /api/v1/queues/{id}/members",
    "put /api/v1/queues/{id}/members/{user_id}",
    "delete /api/v1/queues/{id}/members/{user_id}",
    "post /api/v1/queues/{id}/members/{user_id}/pause",
    "post /api/v1/queues/{id}/members/{user_id}/unpause",
    "get /api/v1/queues/{id}/entries",
    "get /api/v1/queues/{id}/stats",
    "get /api/v1/ws/stats",
    "get /api/v1/ws/connections",
    "delete /api/v1/ws/connections/{id}",
    "get /api/v1/ws/users/online",
    "get /api/v1/ws/users/{id}/online",
    "get /health",
    "get /health/live",
    "get /health/ready",
    "get /metrics",
    "get /ws",
];

async fn document(server: &Server) -> Value {
    server.anonymous().get("/openapi.json").await.expect(200).body
}

fn documented(document: &Value) -> Vec<String> {
    let paths = document["paths"].as_object().expect("paths");
    let calls = paths.iter().flat_map(|(path, item)| {
        let methods = item.as_object().expect("methods").keys();
        methods.filter(|method| *method != "parameters").map(move |method| format!("{method} {path}"))
    });
    calls.collect()
}

#[tokio::test]
async fn the_document_has_every_call() {
    let server = Server::builder().start().await;
    let document = document(&server).await;
    assert!(
        document["openapi"].as_str().is_some_and(|version| version.starts_with("3.1")),
        "{}",
        document["openapi"]
    );
    let documented = documented(&document);
    let missing: Vec<_> =
        CALLS.iter().filter(|call| !documented.iter().any(|known| known == *call)).collect();
    assert!(missing.is_empty(), "not documented: {missing:?}\ndocumented: {documented:#?}");
}

#[tokio::test]
async fn every_documented_call_exists() {
    let server = Server::builder().start().await;
    for call in documented(&document(&server).await) {
        let (method, path) = call.split_once(' ').expect("method and path");
        let path = path.replace("{id}", "1").replace("{user_id}", "user-456").replace("{log_id}", "1");
        let method = method.to_uppercase().parse().expect("a method");
        let answer = server.anonymous().request(method, &path).await;
        assert!(!matches!(answer.status, 404 | 405), "{call}: {}", answer.status);
        if path.starts_with("/api/v1/") && !path.starts_with("/api/v1/auth/") {
            assert_eq!(answer.status, 401, "{call} without credentials");
        }
    }
}

#[tokio::test]
async fn every_call_says_what_it_is_for_and_how_it_fails() {
    let server = Server::builder().start().await;
    let document = document(&server).await;
    for call in documented(&document) {
        let (method, path) = call.split_once(' ').expect("method and path");
        let operation = &document["paths"][path][method];
        assert!(operation["summary"].is_string() || operation["description"].is_string(), "{call}");
        assert!(operation["operationId"].is_string(), "{call}");
        if path.starts_with("/api/v1/") {
            let responses = operation["responses"].as_object().expect("responses");
            assert!(responses.keys().any(|status| status.starts_with('2')), "{call}: {responses:?}");
            assert!(responses.contains_key("401"), "{call}: {:?}", responses.keys());
        }
    }
}

#[tokio::test]
async fn a_browser_shows_every_call_and_asks_nobody_else() {
    let server = Server::builder().start().await;
    let page = server.anonymous().get("/docs").await.expect(200);
    assert!(page.header("content-type").starts_with("text/html"), "{:?}", page.headers);
    // Which the browser sees to.
    assert!(page.header("content-security-policy").starts_with("default-src 'none'; connect-src 'self';"));
    let (shown, said) = browser::rendered(&format!("{}/docs", server.address.base())).await;
    for (path, _) in document(&server).await["paths"].as_object().expect("paths") {
        assert!(shown.contains(&format!("</span>{path}</code>")), "{path} is not in\n{shown}");
    }
    // Errors of scripts, and what was not let through.
    assert!(!said.contains("CONSOLE"), "{said}");
    let (_, said) = browser::rendered("data:text/html,<script>null.x</script>").await;
    assert!(said.contains("CONSOLE"), "an error would show: {said}");
}
