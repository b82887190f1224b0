//! The calls that take a body, and bodies that are nearly good.

use hyper::Method;

use crate::harness::server::new_user;
use crate::harness::{Value, json};

/// One call with a body: who makes it, a good body, and the fields that must be there. `{queue}` in its path stands for the
/// queue that there is.
pub struct Call {
    pub method: Method,
    pub path: &'static str,
    pub signed_in: bool,
    pub good: Value,
    pub required: &'static [&'static str],
}

impl Call {
    /// Where nothing must be said, nothing may be.
    pub fn may_have_no_body(&self) -> bool {
        self.method == Method::POST && self.required.is_empty()
    }
}

pub fn calls() -> Vec<Call> {
    let call = |method, path, signed_in, good, required| Call { method, path, signed_in, good, required };
    let webhook = json!({
        "name": "Name", "url": "https://example.com/hook", "events": ["*"], "secret": "a secret",
        "retry_count": 3, "timeout": 30, "ordering": "none", "mask_personal_data": false,
        "headers": { "X-Key": "value" }, "description": "What for", "is_active": true,
    });
    vec![
        call(
            Method::POST,
            "/api/v1/auth/login",
            false,
            json!({ "email": "nobody@example.com", "password": "x" }),
            &["email", "password"],
        ),
        call(
            Method::POST,
            "/api/v1/auth/refresh",
            false,
            json!({ "refresh_token": "x" }),
            &["refresh_token"],
        ),
        call(
            Method::POST,
            "/api/v1/auth/change-password",
            true,
            json!({ "current_password": "x", "new_password": "a new password" }),
            &["current_password", "new_password"],
        ),
        call(
            Method::POST,
            "/api/v1/users",
            true,
            new_user("kim@example.com", "agent"),
            &["email", "password", "name", "role"],
        ),
        call(
            Method::PATCH,
            "/api/v1/users/user-456",
            true,
            json!({ "name": "Name", "is_active": true }),
            &[],
        ),
        call(
            Method::POST,
            "/api/v1/agent-state/me",
            true,
            json!({ "state": "away", "reason": "lunch" }),
            &["state"],
        ),
        call(
            Method::PUT,
            "/api/v1/agent-state/user-456",
            true,
            json!({ "state": "away", "reason": "lunch", "if_version": 0, "force": false }),
            &["state"],
        ),
        call(
            Method::POST,
            "/api/v1/agent-state/me/wrap-up/extend",
            true,
            json!({ "seconds": 60 }),
            &["seconds"],
        ),
        call(
            Method::PATCH,
            "/api/v1/settings",
            true,
            json!({ "timezone": "UTC", "disconnect_policy": "keep", "grace_seconds": 5, "erase_after_days": 30 }),
            &[],
        ),
        call(
            Method::POST,
            "/api/v1/api-keys",
            true,
            json!({ "name": "Name", "scopes": ["events:read"], "expires_at": "2100-01-01T00:00:00Z" }),
            &["name", "scopes"],
        ),
        call(Method::POST, "/api/v1/webhooks", true, webhook.clone(), &["url"]),
        call(Method::PUT, "/api/v1/webhooks/1", true, webhook.clone(), &["url"]),
        call(Method::PATCH, "/api/v1/webhooks/1", true, webhook, &[]),
    ]
    .into_iter()
    .chain(of_agents().into_iter().chain(of_queues()).chain(of_calls()).map(|(method, path, good, required)| {
        call(method, path, true, good, required)
    }))
    .collect()
}

type Row = (Method, &'static str, Value, &'static [&'static str]);

/// Those with a body that may be left out as well.
fn of_agents() -> Vec<Row> {
    ["available", "away", "break"]
        .map(|what| {
            let path = match what {
                "available" => "/api/v1/agent-state/me/available",
                "away" => "/api/v1/agent-state/me/away",
                _ => "/api/v1/agent-state/me/break",
            };
            (Method::POST, path, json!({ "reason": "lunch" }), &[][..])
        })
        .into()
}

fn of_queues() -> Vec<Row> {
    let queue = json!({
        "name": "Support", "channel": "voice", "external_name": "8001", "short_abandon_seconds": 5,
        "sla": { "threshold_seconds": 20, "target_percent": 80 }, "wrap_up_seconds": 30,
    });
    let pause = "/api/v1/queues/{queue}/members/user-456/pause";
    vec![
        (Method::POST, "/api/v1/queues", queue.clone(), &["name", "channel"]),
        (Method::PATCH, "/api/v1/queues/{queue}", queue, &[]),
        (Method::POST, pause, json!({ "reason": "training" }), &[]),
    ]
}

/// Reports on the call that there is, which is answered.
fn of_calls() -> Vec<Row> {
    let new = json!({
        "id": "c2", "external_id": "pbx-2", "client_ref": "crm-2", "direction": "inbound",
        "from": { "number": "+4930901820", "name": "Anna" }, "to": { "number": "+4930555000" },
        "queue_id": "queue-1", "user_id": "user-456",
    });
    let user = json!({ "user_id": "user-456" });
    let missed = json!({ "user_id": "user-456", "outcome": "no_answer" });
    let transfer = json!({ "kind": "blind", "to": { "number": "+33140000000" } });
    let ended =
        json!({ "ended_by": "customer", "outcome": "merged", "hangup_cause": 16, "merged_into": "c9" });
    let noted = json!({ "disposition": "sold", "tags": ["x"], "attributes": { "order": "17" } });
    let post = |path, good, required: &'static [&'static str]| (Method::POST, path, good, required);
    vec![
        post("/api/v1/calls", new, &["direction", "from", "from.number", "to", "to.number"]),
        post("/api/v1/calls/c1/enqueue", json!({ "queue_id": "queue-1" }), &["queue_id"]),
        post("/api/v1/calls/c1/dequeue", json!({ "reason": "timeout" }), &["reason"]),
        post("/api/v1/calls/c1/ring", user.clone(), &["user_id"]),
        post("/api/v1/calls/c1/miss", missed, &["user_id", "outcome"]),
        post("/api/v1/calls/c1/answer", user.clone(), &["user_id"]),
        post("/api/v1/calls/c1/hold", user.clone(), &["user_id"]),
        post("/api/v1/calls/c1/unhold", user, &["user_id"]),
        post("/api/v1/calls/c1/transfer", transfer, &["kind", "to"]),
        post("/api/v1/calls/c1/end", ended, &[]),
        (Method::PATCH, "/api/v1/calls/c1", noted, &[]),
    ]
}

/// The fields of a body with their values: `from`, `from.number` and so on. What a webhook's headers are called is its own
/// business.
pub fn fields(body: &Value) -> Vec<(String, Value)> {
    let mut all = Vec::new();
    for (name, value) in body.as_object().into_iter().flatten() {
        all.push((name.clone(), value.clone()));
        if name != "headers" {
            all.extend(fields(value).into_iter().map(|(inner, value)| (format!("{name}.{inner}"), value)));
        }
    }
    all
}

/// The object that has the field, and the field's own name in it.
fn place<'a, 'b>(body: &'a mut Value, field: &'b str) -> (&'a mut serde_json::Map<String, Value>, &'b str) {
    let (body, name) = match field.rsplit_once('.') {
        Some((parent, name)) => (&mut body[parent], name),
        None => (body, field),
    };
    (body.as_object_mut().expect("an object"), name)
}

pub fn with(good: &Value, field: &str, value: Value) -> Value {
    let mut body = good.clone();
    let (object, name) = place(&mut body, field);
    object.insert(name.into(), value);
    body
}

pub fn without(good: &Value, field: &str) -> Value {
    let mut body = good.clone();
    let (object, name) = place(&mut body, field);
    object.remove(name);
    body
}

/// A value of none of the types that a field like `value` takes.
pub fn wrong_types(value: &Value) -> Vec<Value> {
    let all = [json!("text"), json!(7), json!(true), json!(["x"]), json!({ "a": 1 })];
    let same = |a: &Value, b: &Value| std::mem::discriminant(a) == std::mem::discriminant(b);
    all.into_iter().filter(|other| !same(other, value)).collect()
}
