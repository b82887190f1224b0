//! Every call with a body, fed everything that is not one. Nothing is ever stored.

mod table;

use hyper::Method;

use crate::harness::macros::on_both;
use crate::harness::{Client, Server, Value, json};
use table::{Call, calls, fields, with, without, wrong_types};

/// All that these calls could have changed, and how far the log goes.
async fn everything(admin: &Client) -> Vec<Value> {
    let queue = queue(admin).await;
    let members = format!("/api/v1/queues/{queue}/members");
    let mut all = vec![admin.get("/api/v1/events?limit=1").await.expect(200).body["meta"]["seq"].clone()];
    for path in [
        "/api/v1/users",
        "/api/v1/webhooks",
        "/api/v1/api-keys",
        "/api/v1/agent-state",
        "/api/v1/agent-state/me",
        "/api/v1/settings",
        "/api/v1/queues",
        &members,
        "/api/v1/calls",
    ] {
        all.push(timeless(admin.get(path).await.expect(200).data()));
    }
    all
}

/// The same without the durations that go on.
fn timeless(data: &Value) -> Value {
    match data {
        Value::Array(items) => items.iter().map(timeless).collect(),
        Value::Object(fields) => {
            let lasts = |name: &str| name.ends_with("_seconds");
            let rest = fields.iter().filter(|(name, value)| !(lasts(name) && value.is_f64()));
            rest.map(|(name, value)| (name.clone(), timeless(value))).collect()
        }
        other => other.clone(),
    }
}

async fn queue(admin: &Client) -> String {
    admin.get("/api/v1/queues").await.expect(200).data()[0]["id"].as_str().expect("a queue").to_owned()
}

/// A server with a webhook, a queue with a member, and an answered call, so that the calls on them have something to spoil.
async fn prepared(server: &Server) -> Client {
    let admin = server.admin().await;
    // Of an event that never happens: nothing is sent there.
    let webhook = json!({ "url": "https://example.com/first", "events": ["order.paid"] });
    admin.post("/api/v1/webhooks", webhook).await.expect(201);
    admin.post("/api/v1/queues", json!({ "name": "Sales", "channel": "voice" })).await.expect(201);
    admin
        .put(&format!("/api/v1/queues/{}/members/user-456", queue(&admin).await), json!({}))
        .await
        .expect(200);
    let call =
        json!({ "id": "c1", "direction": "inbound", "from": { "number": "1" }, "to": { "number": "2" } });
    admin.post("/api/v1/calls", call).await.expect(201);
    admin.post("/api/v1/calls/c1/answer", json!({ "user_id": "user-456" })).await.expect(200);
    admin
}

/// The calls with the paths of what there is.
async fn prepared_calls(server: &Server) -> (Client, Vec<(String, Call)>) {
    let admin = prepared(server).await;
    let queue = queue(&admin).await;
    let calls = calls().into_iter().map(|call| (call.path.replace("{queue}", &queue), call)).collect();
    (admin, calls)
}

fn request(server: &Server, admin: &Client, path: &str, call: &Call) -> crate::harness::http::Request {
    let client = if call.signed_in { admin.clone() } else { server.anonymous() };
    client.request(call.method.clone(), path)
}

on_both! {
    async fn bodies_that_are_not_json_are_400(server) {
        let (admin, calls) = prepared_calls(&server).await;
        let before = everything(&admin).await;
        for (path, call) in calls {
            let bad = ["{", "", "{\"a\":}", "nonsense", "{} {}", "{'a':1}", "\u{feff}{}"];
            for bad in bad.into_iter().filter(|bad| !(bad.is_empty() && call.may_have_no_body())) {
                let answer = request(&server, &admin, &path, &call).raw("application/json", bad).await;
                assert_eq!(answer.status, 400, "{} {bad:?}: {}", call.path, answer.text);
            }
            let not_utf8 = b"{\"\xff\xfe\":1}".to_vec();
            request(&server, &admin, &path, &call).raw("application/json", not_utf8).await.assert_error(400);
            // No object either way; what matters is that it is refused without using up the stack.
            let deep = request(&server, &admin, &path, &call).raw("application/json", "[".repeat(20_000)).await;
            assert!(matches!(deep.status, 400 | 422), "{}", deep.text);
        }
        assert_eq!(everything(&admin).await, before);
    }

    async fn json_that_is_no_object_is_422(server) {
        let (admin, calls) = prepared_calls(&server).await;
        for (path, call) in calls {
            for bad in ["[]", "null", "1", "\"text\"", "true"] {
                let answer = request(&server, &admin, &path, &call).raw("application/json", bad).await;
                assert_eq!(answer.status, 422, "{} {bad}: {}", call.path, answer.text);
            }
        }
    }

    async fn unknown_fields_are_422_and_named(server) {
        let (admin, calls) = prepared_calls(&server).await;
        let before = everything(&admin).await;
        for (path, call) in calls {
            let mut body = call.good.clone();
            body["surprise"] = json!(1);
            request(&server, &admin, &path, &call).json(&body).await.assert_error(422).names("surprise");
        }
        assert_eq!(everything(&admin).await, before);
    }

    async fn values_of_a_wrong_type_are_422_and_named(server) {
        let (admin, calls) = prepared_calls(&server).await;
        let before = everything(&admin).await;
        for (path, call) in calls {
            for (field, value) in fields(&call.good) {
                for wrong in wrong_types(&value) {
                    let body = with(&call.good, &field, wrong);
                    request(&server, &admin, &path, &call).json(&body).await.assert_error(422).names(&field);
                }
            }
        }
        assert_eq!(everything(&admin).await, before);
    }

    async fn missing_fields_are_422_and_named(server) {
        let (admin, calls) = prepared_calls(&server).await;
        let before = everything(&admin).await;
        for (path, call) in calls {
            for field in call.required {
                for body in [without(&call.good, field), with(&call.good, field, Value::Null)] {
                    request(&server, &admin, &path, &call).json(&body).await.assert_error(422).names(field);
                }
            }
        }
        assert_eq!(everything(&admin).await, before);
    }

    async fn texts_that_are_too_long_are_422_and_named(server) {
        let (admin, calls) = prepared_calls(&server).await;
        let before = everything(&admin).await;
        for (path, call) in calls.iter().filter(|(_, call)| call.signed_in) {
            for (field, _) in fields(&call.good).iter().filter(|(_, value)| value.is_string()) {
                let body = with(&call.good, field, "x".repeat(10_000).into());
                request(&server, &admin, path, call).json(&body).await.assert_error(422).names(field);
            }
        }
        assert_eq!(everything(&admin).await, before);
    }

    async fn a_good_body_tells_no_other_tenant_that_something_is_there(server) {
        let (admin, calls) = prepared_calls(&server).await;
        let before = everything(&admin).await;
        let stranger = server.other_tenant("other").await;
        for (path, call) in &calls {
            let of_a_thing = ["/calls/c1", "/queues/", "/agent-state/user", "/webhooks/1", "/users/"];
            if of_a_thing.iter().any(|part| path.contains(part)) {
                let answer = stranger.request(call.method.clone(), path).json(&call.good).await;
                assert_eq!(answer.status, 404, "{path}: {}", answer.text);
            }
        }
        assert_eq!(everything(&admin).await, before);
    }

    async fn a_body_over_a_mebibyte_is_413(server) {
        let (admin, calls) = prepared_calls(&server).await;
        let before = everything(&admin).await;
        for (path, call) in calls {
            let mut body = call.good.clone();
            let field = body.as_object().unwrap().keys().next().unwrap().clone();
            body[field] = json!("x".repeat(1 << 20));
            request(&server, &admin, &path, &call).json(&body).await.assert_error(413);
        }
        assert_eq!(everything(&admin).await, before);
    }

    async fn a_foreign_content_type_is_415(server) {
        let (admin, calls) = prepared_calls(&server).await;
        let before = everything(&admin).await;
        for (path, call) in calls {
            let body = call.good.to_string();
            for foreign in ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", "nonsense"] {
                let answer = request(&server, &admin, &path, &call).raw(foreign, body.clone()).await;
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
