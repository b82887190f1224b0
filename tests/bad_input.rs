//! Every call with a body, fed everything that is not one. Nothing is ever stored.

use hyper::Method;

use crate::harness::macros::on_both;
use crate::harness::server::new_user;
use crate::harness::{Client, Server, Value, json};

/// One call with a body: who makes it, a good body, and the fields that must be there.
struct Call {
    method: Method,
    path: &'static str,
    signed_in: bool,
    good: Value,
    required: &'static [&'static str],
}

fn calls() -> Vec<Call> {
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
}

/// A value of none of the types that a field like `value` takes.
fn wrong_types(value: &Value) -> Vec<Value> {
    let all = [json!("text"), json!(7), json!(true), json!(["x"]), json!({ "a": 1 })];
    let same = |a: &Value, b: &Value| std::mem::discriminant(a) == std::mem::discriminant(b);
    all.into_iter().filter(|other| !same(other, value)).collect()
}

/// All that the calls above could have changed.
async fn everything(admin: &Client) -> Vec<Value> {
    let mut all = Vec::new();
    let lists = ["/api/v1/users", "/api/v1/webhooks", "/api/v1/api-keys", "/api/v1/agent-state"];
    for path in lists.into_iter().chain(["/api/v1/agent-state/me", "/api/v1/settings"]) {
        let mut answer = admin.get(path).await.expect(200);
        answer.body.as_object_mut().unwrap().remove("meta");
        all.push(answer.body);
    }
    all
}

/// A server with one webhook, so that the calls on it have something to spoil.
async fn prepared(server: &Server) -> Client {
    let admin = server.admin().await;
    admin.post("/api/v1/webhooks", json!({ "url": "https://example.com/first" })).await.expect(201);
    admin
}

fn request(server: &Server, admin: &Client, call: &Call) -> crate::harness::http::Request {
    let client = if call.signed_in { admin.clone() } else { server.anonymous() };
    client.request(call.method.clone(), call.path)
}

on_both! {
    async fn bodies_that_are_not_json_are_400(server) {
        let admin = prepared(&server).await;
        let before = everything(&admin).await;
        for call in calls() {
            for bad in ["{", "", "{\"a\":}", "nonsense", "{} {}", "{'a':1}", "\u{feff}{}"] {
                let answer = request(&server, &admin, &call).raw("application/json", bad).await;
                assert_eq!(answer.status, 400, "{} {bad:?}: {}", call.path, answer.text);
            }
            let not_utf8 = b"{\"\xff\xfe\":1}".to_vec();
            request(&server, &admin, &call).raw("application/json", not_utf8).await.assert_error(400);
            // No object either way; what matters is that it is refused without using up the stack.
            let deep = request(&server, &admin, &call).raw("application/json", "[".repeat(20_000)).await;
            assert!(matches!(deep.status, 400 | 422), "{}", deep.text);
        }
        assert_eq!(everything(&admin).await, before);
    }

    async fn json_that_is_no_object_is_422(server) {
        let admin = prepared(&server).await;
        for call in calls() {
            for bad in ["[]", "null", "1", "\"text\"", "true"] {
                let answer = request(&server, &admin, &call).raw("application/json", bad).await;
                assert_eq!(answer.status, 422, "{} {bad}: {}", call.path, answer.text);
            }
        }
    }

    async fn unknown_fields_are_422_and_named(server) {
        let admin = prepared(&server).await;
        let before = everything(&admin).await;
        for call in calls() {
            let mut body = call.good.clone();
            body["surprise"] = json!(1);
            request(&server, &admin, &call).json(&body).await.assert_error(422).names("surprise");
        }
        assert_eq!(everything(&admin).await, before);
    }

    async fn values_of_a_wrong_type_are_422_and_named(server) {
        let admin = prepared(&server).await;
        let before = everything(&admin).await;
        for call in calls() {
            for (field, value) in call.good.as_object().unwrap() {
                for wrong in wrong_types(value) {
                    let mut body = call.good.clone();
                    body[field] = wrong;
                    request(&server, &admin, &call).json(&body).await.assert_error(422).names(field);
                }
            }
        }
        assert_eq!(everything(&admin).await, before);
    }

    async fn missing_fields_are_422_and_named(server) {
        let admin = prepared(&server).await;
        let before = everything(&admin).await;
        for call in calls() {
            for field in call.required {
                let mut body = call.good.clone();
                body.as_object_mut().unwrap().remove(*field);
                request(&server, &admin, &call).json(&body).await.assert_error(422).names(field);
                body[*field] = Value::Null;
                request(&server, &admin, &call).json(&body).await.assert_error(422).names(field);
            }
        }
        assert_eq!(everything(&admin).await, before);
    }

    async fn a_body_over_a_mebibyte_is_413(server) {
        let admin = prepared(&server).await;
        let before = everything(&admin).await;
        for call in calls() {
            let mut body = call.good.clone();
            let field = body.as_object().unwrap().keys().next().unwrap().clone();
            body[field] = json!("x".repeat(1 << 20));
            request(&server, &admin, &call).json(&body).await.assert_error(413);
        }
        assert_eq!(everything(&admin).await, before);
    }

    async fn a_foreign_content_type_is_415(server) {
        let admin = prepared(&server).await;
        let before = everything(&admin).await;
        for call in calls() {
            let body = call.good.to_string();
            for foreign in ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", "nonsense"] {
                let answer = request(&server, &admin, &call).raw(foreign, body.clone()).await;
                assert_eq!(answer.status, 415, "{} {foreign:?}: {}", call.path, answer.text);
            }
        }
        assert_eq!(everything(&admin).await, before);
    }

    async fn a_charset_beside_the_content_type_is_fine(server) {
        let body = json!({ "email": "admin@example.com", "password": "password" }).to_string();
        for good in ["application/json; charset=utf-8", "Application/JSON", "application/json;charset=UTF-8"] {
            server.anonymous().request(Method::POST, "/api/v1/auth/login").raw(good, body.clone()).await.expect(200);
        }
    }

    async fn a_wrong_method_is_405_and_an_unknown_path_404(server) {
        let admin = server.admin().await;
        for call in calls() {
            let answer = admin.request(Method::TRACE, call.path).await;
            assert_eq!(answer.status, 405, "{}: {}", call.path, answer.text);
            assert!(answer.header("allow").contains(call.method.as_str()), "{}: {:?}", call.path, answer.headers);
        }
        for path in ["/api/v1", "/api/v1/", "/api/v1/nothing", "/api/v1/users/a/b", "/api/v2/users", "/api/v1//users"] {
            let answer = admin.get(path).await;
            assert_eq!(answer.status, 404, "{path}: {}", answer.text);
            assert_eq!(answer.body["success"], false, "{path}: {}", answer.text);
        }
    }

    async fn without_credentials_a_bad_body_is_401(server) {
        // Strangers learn nothing about the fields of what they may not call.
        for call in calls().into_iter().filter(|call| call.signed_in) {
            let anonymous = server.anonymous();
            anonymous.request(call.method.clone(), call.path).raw("application/json", "{").await.assert_error(401);
            anonymous.request(call.method, call.path).json(&json!({ "surprise": 1 })).await.assert_error(401);
        }
    }
}
