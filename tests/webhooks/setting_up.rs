//! Making, changing and removing webhooks.

use std::future::IntoFuture;

use super::{ALL, path, webhook};
use crate::harness::macros::on_both;
use crate::harness::sink::Sink;
use crate::harness::wait::eventually;
use crate::harness::{Answer, Server, json};

on_both! {
    async fn only_the_url_is_required(server) {
        let admin = server.admin().await;
        let made = admin.post(ALL, json!({ "url": "https://hooks.example.com:8443/a/b?c=d" })).await.expect(201);
        let data = made.data();
        assert!(data["id"].is_i64(), "{}", made.text);
        assert_eq!(data["name"], "hooks.example.com");
        // A host may be longer than a name.
        let long = format!("https://{}.example.com/", ["a"; 110].join("."));
        let long = admin.post(ALL, json!({ "url": long })).await.expect(201);
        assert_eq!(long.text_of("name").len(), 200, "{}", long.text);
        assert_eq!(data["url"], "https://hooks.example.com:8443/a/b?c=d");
        assert_eq!(data["events"], json!(["*"]));
        assert_eq!(data["is_active"], true);
        assert_eq!(data["retry_count"], 7);
        assert_eq!(data["timeout"], 30);
        assert_eq!(data["ordering"], "none");
        assert_eq!(data["mask_personal_data"], false);
        assert!(made.text_of("secret").starts_with("whsec_"), "{}", made.text);
        assert!(made.text_of("secret").len() > 30, "{}", made.text);
        assert_ne!(made.text_of("secret"), long.text_of("secret"));
    }

    async fn all_that_was_set_is_shown_and_every_bound_is_taken(server) {
        let admin = server.admin().await;
        let body = json!({
            "url": "https://example.com/", "description": "for the reports", "headers": { "X-Desk": "7" },
            "retry_count": 20, "timeout": 60, "ordering": "strict",
        });
        let made = admin.post(ALL, body.clone()).await.expect(201);
        let one = path(&made.data()["id"]);
        for answer in [&made, &admin.get(&one).await.expect(200)] {
            for (field, value) in body.as_object().unwrap() {
                assert_eq!(answer.data()[field], *value, "{field}: {}", answer.text);
            }
        }
        assert_eq!(made.text_of("updated_at"), made.text_of("created_at"));
        let edited = eventually("a later millisecond", async || {
            let edited = admin.patch(&one, json!({ "retry_count": 0, "timeout": 1 })).await.expect(200);
            (edited.text_of("updated_at") > made.text_of("updated_at")).then_some(edited)
        })
        .await;
        assert_eq!(edited.data()["created_at"], made.data()["created_at"]);
        assert_eq!(edited.data()["headers"], json!({ "X-Desk": "7" }));
    }

    async fn private_addresses_are_open_in_development(server) {
        let admin = server.admin().await;
        for host in ["10.1.2.3", "172.16.0.1", "192.168.1.5", "[fd00::1]"] {
            let body = json!({ "url": format!("http://{host}/"), "is_active": false });
            admin.post(ALL, body).await.expect(201);
        }
        for host in ["169.254.169.254", "0.0.0.0", "224.0.0.1", "100.64.0.1"] {
            let body = json!({ "url": format!("http://{host}/"), "is_active": false });
            admin.post(ALL, body).await.assert_error(422).names("url");
        }
    }

    async fn a_host_that_does_not_resolve_yet_is_taken(server) {
        let admin = server.admin().await;
        let url = "https://not-there-yet.invalid/hook";
        assert_eq!(admin.post(ALL, json!({ "url": url })).await.expect(201).data()["url"], url);
    }

    async fn a_field_given_twice_is_refused(server) {
        let admin = server.admin().await;
        let twice = r#"{"url":"https://example.com/","url":"https://example.org/"}"#;
        admin.post(ALL, json!({})).raw("application/json", twice).await.assert_error(422).names("url");
        assert_eq!(*admin.get(ALL).await.expect(200).data(), json!([]));
    }

    async fn a_secret_is_shown_when_made_and_not_again(server) {
        let admin = server.admin().await;
        let body = json!({ "url": "https://example.com/", "secret": "a secret of ours" });
        let made = admin.post(ALL, body).await.expect(201);
        assert_eq!(made.text_of("secret"), "a secret of ours");
        let one = path(&made.data()["id"]);
        for answer in [
            admin.get(&one).await.expect(200),
            admin.get(ALL).await.expect(200),
            admin.patch(&one, json!({ "name": "Other" })).await.expect(200),
        ] {
            assert!(!answer.text.contains("a secret of ours"), "{}", answer.text);
        }
    }

    async fn values_out_of_bounds_are_refused_by_name(server) {
        let admin = server.admin().await;
        for (field, bad) in [
            ("url", json!("")),
            ("url", json!("example.com")),
            ("url", json!("ftp://example.com/")),
            ("url", json!("https://")),
            ("url", json!("https://user:password@example.com/")),
            ("url", json!("http://169.254.169.254/latest/meta-data")),
            ("url", json!("http://[fe80::1]/")),
            ("url", json!("http://224.0.0.1/")),
            ("url", json!(format!("https://example.com/{}", "x".repeat(5000)))),
            ("events", json!([])),
            ("events", json!(["agent state changed"])),
            ("events", json!(["Agent.State"])),
            ("events", json!(["*.changed"])),
            ("events", json!(["call.*.more"])),
            ("events", json!(["."])),
            ("events", json!(["call.incomming"])),
            ("events", json!(["order.paid", "connection.ready"])),
            ("events", json!(vec!["order.paid"; 101])),
            ("retry_count", json!(-1)),
            ("retry_count", json!(21)),
            ("timeout", json!(0)),
            ("timeout", json!(61)),
            ("ordering", json!("sometimes")),
            ("secret", json!("")),
            ("name", json!("")),
            ("name", json!("n".repeat(5000))),
        ] {
            let mut body = json!({ "url": "https://example.com/" });
            body[field] = bad.clone();
            let answer = admin.post(ALL, body).await;
            assert_eq!(answer.status, 422, "{field} {bad}: {}", answer.text);
            let details = answer.body["error"]["details"].to_string();
            assert!(details.contains(&format!("\"{field}")), "{field} {bad}: {}", answer.text);
        }
        for header in ["X-Webhook-Signature", "x-webhook-id", "Content-Type", "X-Tenant-ID", "Host", "Connection",
                       "Transfer-Encoding", "Content-Length", "webhook-id", "User-Agent", "X-Webhook-Event", "X-Webhook-Attempt",
                       "X-Webhook-Delivery", "X-Webhook-Anything", "Webhook-Timestamp", "webhook-signature", "Keep-Alive",
                       "Proxy-Connection", "Proxy-Authenticate", "Proxy-Authorization", "TE", "Trailer", "Upgrade",
                       "white space", ""] {
            let body = json!({ "url": "https://example.com/", "headers": { header: "x" } });
            admin.post(ALL, body).await.assert_error(422);
        }
        let body = json!({ "url": "https://example.com/", "headers": { "X-Key": "line\r\nX-Other: 1" } });
        admin.post(ALL, body).await.assert_error(422);
        assert_eq!(*admin.get(ALL).await.expect(200).data(), json!([]));
    }

    async fn webhooks_are_listed_in_pages(server) {
        let admin = server.admin().await;
        for number in 0..5 {
            webhook(&admin, json!({ "url": format!("https://example.com/{number}"), "is_active": false })).await;
        }
        let names = |page: &Answer| {
            let urls = page.data().as_array().unwrap().iter().map(|one| one["url"].as_str().unwrap().to_owned());
            urls.collect::<Vec<_>>()
        };
        let whole = admin.get(ALL).await.expect(200);
        let (mut seen, mut query) = (Vec::new(), format!("{ALL}?limit=2"));
        for count in [2, 2, 1] {
            let page = admin.get(&query).await.expect(200);
            assert_eq!(names(&page).len(), count, "{}", page.text);
            seen.extend(names(&page));
            let cursor = page.body["meta"]["next_cursor"].as_str();
            assert_eq!(cursor.is_none(), count == 1, "{}", page.text);
            query = format!("{ALL}?limit=2&cursor={}", cursor.unwrap_or_default());
        }
        assert_eq!(seen, names(&whole));
        for query in ["limit=0", "limit=1001", "limit=x", "cursor=nonsense"] {
            admin.get(&format!("{ALL}?{query}")).await.assert_error(400);
        }
    }

    async fn catalogue_names_custom_names_and_prefixes_are_taken(server) {
        let admin = server.admin().await;
        for events in [json!(["agent.state.changed"]), json!(["call.*", "order.paid"]), json!(["x"]), json!(["*"])] {
            let made = admin.post(ALL, json!({ "url": "https://example.com/", "events": events })).await.expect(201);
            assert_eq!(made.data()["events"], events);
        }
    }

    async fn a_put_replaces_all_but_the_secret(server) {
        let sink = Sink::start().await;
        let admin = server.admin().await;
        let id = webhook(&admin, json!({
            "url": "https://example.com/", "secret": "kept", "description": "old", "retry_count": 2, "is_active": false,
        })).await;
        let put = admin.put(&path(&id), json!({ "url": sink.url(), "name": "New" })).await.expect(200);
        assert_eq!(put.data()["name"], "New");
        assert_eq!(put.data()["retry_count"], 7, "a default again: {}", put.text);
        assert!(put.data().get("description").is_none_or(serde_json::Value::is_null), "{}", put.text);
        admin.post_empty(&format!("{}/test", path(&id))).await.expect(200);
        assert!(sink.wait_for(1).await[0].is_signed_by("kept"));
    }

    async fn a_patch_changes_what_it_names(server) {
        let admin = server.admin().await;
        let id = webhook(&admin, json!({ "url": "https://example.com/", "retry_count": 2, "timeout": 5 })).await;
        let patched = admin.patch(&path(&id), json!({ "timeout": 6, "events": ["call.*"] })).await.expect(200);
        assert_eq!(patched.data()["timeout"], 6);
        assert_eq!(patched.data()["retry_count"], 2);
        assert_eq!(patched.data()["events"], json!(["call.*"]));
        assert_eq!(patched.data()["url"], "https://example.com/");
        assert_eq!(admin.get(&path(&id)).await.expect(200).data()["timeout"], 6);
    }

    async fn a_deleted_webhook_is_gone_with_its_logs(server) {
        let admin = server.admin().await;
        let id = webhook(&admin, json!({ "url": "https://example.com/" })).await;
        admin.delete(&path(&id)).await.succeeded();
        for call in ["", "/logs", "/stats"] {
            admin.get(&format!("{}{call}", path(&id))).await.assert_error(404);
        }
        admin.post_empty(&format!("{}/test", path(&id))).await.assert_error(404);
        admin.delete(&path(&id)).await.assert_error(404);
        let next = webhook(&admin, json!({ "url": "https://example.com/" })).await;
        assert_ne!(next, id, "ids are not used again");
    }

    async fn ids_that_are_no_numbers_are_not_found(server) {
        let admin = server.admin().await;
        for id in ["abc", "0", "-1", "1.5", "9223372036854775808", "99999999999999999999", "%00", "1%20OR%201"] {
            let answer = admin.get(&format!("{ALL}/{id}")).await;
            assert!(matches!(answer.status, 400 | 404), "{id}: {}", answer.text);
        }
    }
}

#[tokio::test]
async fn production_refuses_private_addresses() {
    let server = Server::builder().production().start().await;
    let admin = server.other_tenant("acme").await;
    for url in [
        "http://127.0.0.1/",
        "https://10.0.0.1/",
        "https://[::1]/",
        "https://[::ffff:10.0.0.1]/",
        "http://0.0.0.0/",
    ] {
        admin.post(ALL, json!({ "url": url })).await.assert_error(422).names("url");
    }
    // What a name resolves to is judged when it is dialled.
    admin.post(ALL, json!({ "url": "https://localhost/" })).await.expect(201);
    let tested = admin.post_empty(&format!("{ALL}/1/test")).await.expect(200);
    assert_eq!(tested.data()["status"], "failed", "{}", tested.text);
}

#[tokio::test]
async fn a_tenant_has_two_thousand_webhooks_at_most() {
    let server = Server::builder().sqlite().env("RATE_LIMIT_API", "off").start().await;
    let admin = server.admin().await;
    let create = || admin.post(ALL, json!({ "url": "https://example.com/", "is_active": false }));
    for _ in 0..250 {
        let some = futures_util::future::join_all((0..8).map(|_| create().into_future()));
        assert!(some.await.iter().all(|answer| answer.status == 201));
    }
    let refused = create().await;
    assert_eq!(refused.assert_error(409).body["error"]["code"], "too_many_webhooks");
    assert_eq!(refused.body["error"]["details"][0]["message"], "full");
    let first = admin.get(&format!("{ALL}?limit=1")).await.expect(200).data()[0]["id"].clone();
    admin.delete(&path(&first)).await.succeeded();
    create().await.expect(201);
}
