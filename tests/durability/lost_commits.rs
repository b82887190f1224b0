//! A COMMIT of which the answer was lost took place; one that never arrived did not. Whoever asked is told which, and may
//! repeat what was refused.

use super::ME;
use crate::harness::http::Request;
use crate::harness::mysql_proxy::{MysqlProxy, Point};
use crate::harness::server::new_user;
use crate::harness::sink::Sink;
use crate::harness::ws::Ws;
use crate::harness::{Answer, Client, Server, Value, json, token};

const EVENTS: &str = "/api/v1/events";
const WEBHOOKS: &str = "/api/v1/webhooks";

async fn start() -> (MysqlProxy, Server) {
    let (proxy, builder) = MysqlProxy::before(Server::builder()).await;
    (proxy, builder.start().await)
}

/// The answer to a request, on the way to which the connection to the database is cut at that point.
async fn cut(proxy: &MysqlProxy, point: Point, request: Request) -> Answer {
    let stop = proxy.stop(point);
    tokio::join!(request.into_future(), stop.cut()).0
}

/// Those events of the log that have this type.
async fn log(admin: &Client, kind: &str) -> Vec<Value> {
    let page = admin.get(&format!("{EVENTS}?after=0&limit=200")).await.expect(200);
    let events = page.data().as_array().expect("a list").iter();
    events.filter(|event| event["type"] == kind).cloned().collect()
}

#[tokio::test]
async fn a_published_event_is_accepted_told_and_sent_once() {
    let (proxy, server) = start().await;
    let (admin, sink) = (server.admin().await, Sink::start().await);
    admin.post(WEBHOOKS, json!({ "url": sink.url(), "events": ["order.*"] })).await.expect(201);
    let (mut ws, _) = Ws::connect(&server, &admin).await;
    let publish = || {
        admin.post(EVENTS, json!({ "type": "order.paid", "payload": {} })).header("idempotency-key", "one")
    };
    let point = Point::after_commit_of(&["INSERT INTO events", "order.paid"]);
    let first = cut(&proxy, point, publish()).await.expect(202);
    let again = publish().await.expect(202);
    assert_eq!(first.data(), again.data());
    admin.post(EVENTS, json!({ "type": "order.sent", "payload": {} })).await.expect(202);

    let id = &first.data()["events"][0]["id"];
    assert_eq!(ws.wait_for("order.paid").await["id"], *id);
    assert_eq!(ws.next_event().await["type"], "order.sent", "once on the socket");
    sink.wait_for_event("order.sent").await;
    let received = sink.wait_for(2).await;
    let paid = received.iter().filter(|request| request.json()["id"] == *id).count();
    assert_eq!((received.len(), paid), (2, 1), "once at the endpoint");
    assert_eq!(log(&admin, "order.paid").await.len(), 1, "once in the log");
}

#[tokio::test]
async fn a_change_of_an_agent_and_a_call_are_acknowledged_and_happen_once() {
    let (proxy, server) = start().await;
    let admin = server.admin().await;
    let change = || admin.post(ME, json!({ "state": "busy", "reason": "lunch" }));
    let point = Point::after_commit_of(&["INSERT INTO events", "agent.state.changed", "lunch"]);
    admin.post(ME, json!({ "state": "available" })).await.expect(200);
    let before = log(&admin, "agent.state.changed").await.len();
    cut(&proxy, point, change()).await.expect(200);
    change().await.expect(200);
    assert_eq!(log(&admin, "agent.state.changed").await.len(), before + 1);

    let call =
        json!({ "id": "c1", "direction": "inbound", "from": { "number": "1" }, "to": { "number": "2" } });
    let report = || admin.post("/api/v1/calls", call.clone());
    let point = Point::after_commit_of(&["INSERT INTO events", "call.incoming"]);
    cut(&proxy, point, report()).await.expect(201);
    report().await.expect(200);
    let end = || admin.post("/api/v1/calls/c1/end", json!({}));
    cut(&proxy, Point::after_commit_of(&["INSERT INTO events", "call.ended"]), end()).await.expect(200);
    end().await.expect(200);
    for kind in ["call.incoming", "call.ended"] {
        assert_eq!(log(&admin, kind).await.len(), 1, "{kind}");
    }
}

#[tokio::test]
async fn what_never_reached_the_database_is_refused_and_may_be_repeated() {
    let (proxy, server) = start().await;
    let (admin, sink) = (server.admin().await, Sink::start().await);
    admin.post(WEBHOOKS, json!({ "url": sink.url(), "events": ["order.*"] })).await.expect(201);
    let publish = || {
        admin.post(EVENTS, json!({ "type": "order.paid", "payload": {} })).header("idempotency-key", "one")
    };
    let point = Point::before_commit_of(&["INSERT INTO events", "order.paid"]);
    cut(&proxy, point, publish()).await.assert_error(503);
    assert_eq!(log(&admin, "order.paid").await, Vec::<Value>::new());
    publish().await.expect(202);
    assert_eq!(log(&admin, "order.paid").await.len(), 1);
    sink.wait_for(1).await;
}

async fn count(admin: &Client, path: &str) -> usize {
    admin.get(path).await.expect(200).data().as_array().map_or(0, Vec::len)
}

#[tokio::test]
async fn what_was_set_up_is_there_once() {
    let (proxy, server) = start().await;
    let admin = server.admin().await;
    for (path, body, insert) in [
        (WEBHOOKS, json!({ "url": "http://127.0.0.1:9/" }), &["INSERT INTO webhooks "]),
        ("/api/v1/api-keys", json!({ "name": "A", "scopes": ["events:read"] }), &["INSERT INTO api_keys "]),
        ("/api/v1/users", new_user("kim@example.com", "agent"), &["INSERT INTO users "]),
        ("/api/v1/queues", json!({ "name": "Sales", "channel": "voice" }), &["INSERT INTO queues "]),
    ] {
        let before = count(&admin, path).await;
        let post = || admin.post(path, body.clone());
        cut(&proxy, Point::before_commit_of(insert), post()).await.assert_error(503);
        assert_eq!(count(&admin, path).await, before, "{path}");
        let made = cut(&proxy, Point::after_commit_of(insert), post()).await.expect(201);
        assert_eq!(count(&admin, path).await, before + 1, "{path}");
        if let Some(key) = made.data()["key"].as_str() {
            server.with_token(key).get(EVENTS).await.expect(200);
            continue;
        }
        let found = admin.get(&format!("{path}/{}", made.data()["id"].to_string().trim_matches('"'))).await;
        assert_eq!(found.expect(200).data()["created_at"], made.data()["created_at"], "{path}");
    }
}

#[tokio::test]
async fn a_rotated_secret_is_told_and_the_old_one_signs_on() {
    let (proxy, server) = start().await;
    let (admin, sink) = (server.admin().await, Sink::start().await);
    let body = json!({ "url": sink.url(), "events": ["order.*"], "secret": "the old one" });
    let made = admin.post(WEBHOOKS, body).await.expect(201);
    let rotate = || admin.post_empty(&format!("{WEBHOOKS}/{}/rotate-secret", made.data()["id"]));
    let rotated = cut(&proxy, Point::after_commit_of(&["UPDATE webhooks SET"]), rotate()).await.expect(200);
    admin.post(EVENTS, json!({ "type": "order.paid", "payload": {} })).await.expect(202);
    let received = sink.wait_for(1).await.remove(0);
    assert!(received.is_signed_by(rotated.text_of("secret")), "{:?}", received.headers);
    let (id, sent_at) = (received.header("webhook-id"), received.header("webhook-timestamp"));
    let old = token::webhook_signature(b"the old one", id, sent_at, &received.body);
    assert!(received.header("webhook-signature").contains(&old), "{:?}", received.headers);
}
