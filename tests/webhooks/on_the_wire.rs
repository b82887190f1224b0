//! What an endpoint receives.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::{ALL, happen, health_begins_with, path, webhook};
use crate::harness::macros::on_both;
use crate::harness::sink::{Received, Reply, Sink};
use crate::harness::{Server, json, token};

/// The signature of Standard Webhooks over id, moment and body.
fn standard_signature(received: &Received, key: &[u8]) -> String {
    let (id, sent_at) = (received.header("webhook-id"), received.header("webhook-timestamp"));
    token::webhook_signature(key, id, sent_at, &received.body)
}

on_both! {
    async fn body_and_headers_are_as_documented(server) {
        let sink = Sink::start().await;
        let admin = server.admin().await;
        let id = webhook(&admin, json!({
            "url": sink.url(), "secret": "test-secret-123", "events": ["agent.state.changed"],
            "headers": { "X-Key": "ours" },
        })).await;
        happen(&admin, "lunch").await;
        let received = sink.wait_for(1).await.remove(0);

        assert_eq!((received.method.as_str(), received.path.as_str()), ("POST", "/hook"));
        let body = received.json();
        assert_eq!(body["event"], "agent.state.changed");
        assert_eq!(body["tenant_id"], "tenant-123");
        assert_eq!(body["data"]["reason"], "lunch", "endpoints get the full view: {body}");
        assert_eq!(body["id"], received.header("webhook-id"));
        assert_eq!(body["seq"], 2, "after agent.login: {body}");

        let listed = [
            ("content-type", "application/json"),
            ("x-webhook-id", &id.to_string()),
            ("x-tenant-id", "tenant-123"),
            ("x-webhook-event", "agent.state.changed"),
            ("x-webhook-attempt", "1"),
            ("x-key", "ours"),
        ];
        for (name, value) in listed {
            assert_eq!(received.header(name), value, "{name}");
        }
        let delivery: i64 = received.header("x-webhook-delivery").parse().expect("the log id");
        let health = server.anonymous().get("/health").await.expect(200);
        let version = health.body["version"].as_str().expect("a version");
        assert_eq!(received.header("user-agent"), format!("callcenter/{version}"));
        assert!(received.header("webhook-timestamp").parse::<i64>().expect("unix seconds") > 1_700_000_000);
        assert!(received.is_signed_by("test-secret-123"));
        assert_eq!(received.header("webhook-signature"), standard_signature(&received, b"test-secret-123"));

        let entry = admin.get(&format!("{}/logs/{delivery}", path(&id))).await.expect(200);
        assert_eq!(entry.data()["event_id"], body["id"]);
    }

    async fn a_made_secret_is_decoded_for_the_standard_signature_only(server) {
        let sink = Sink::start().await;
        let admin = server.admin().await;
        let made = admin.post(ALL, json!({ "url": sink.url() })).await.expect(201);
        let secret = made.text_of("secret");
        admin.post_empty(&format!("{}/test", path(&made.data()["id"]))).await.expect(200);
        let received = sink.wait_for(1).await.remove(0);
        assert!(received.is_signed_by(secret));
        let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).expect("base64");
        assert_eq!(received.header("webhook-signature"), standard_signature(&received, &key));
    }

    async fn a_test_is_sent_at_once_whatever_is_set(server) {
        let sink = Sink::start().await;
        let admin = server.admin().await;
        let id = webhook(&admin, json!({ "url": sink.url(), "events": ["call.*"], "is_active": false })).await;
        let tested = admin.post_empty(&format!("{}/test", path(&id))).await.expect(200);
        let data = tested.data();
        assert_eq!((&data["status"], &data["http_status"]), (&json!("success"), &json!(200)));
        assert!(data["response_time_ms"].is_number() && data["log_id"].is_i64(), "{}", tested.text);
        let body = sink.received().remove(0).json();
        assert_eq!(body["event"], "webhook.test");
        assert!(body.get("seq").is_none(), "{body}");
        assert_eq!(body["data"]["webhook_id"], id);
        assert_eq!(body["data"]["tenant_id"], "tenant-123");
        assert_eq!(body["data"]["requested_by"], "user-456");
    }

    async fn a_test_waits_for_no_order_and_no_pause(server) {
        let (stalling, pausing) = (Sink::start().await, Sink::start().await);
        let admin = server.admin().await;
        happen(&admin, "on duty").await;
        let of = |sink: &Sink| json!({ "url": sink.url(), "ordering": "strict", "timeout": 60 });
        let ordered = webhook(&admin, of(&stalling)).await;
        let paused = webhook(&admin, of(&pausing)).await;
        stalling.reply_next([Reply::stall()]);
        pausing.reply_next([Reply::status(429).header("retry-after", "900")]);
        happen(&admin, "first").await;
        happen(&admin, "second").await;
        stalling.wait_for(1).await;
        health_begins_with(&admin, &paused, "paused until 20").await;
        for (id, sink) in [(&ordered, &stalling), (&paused, &pausing)] {
            let tested = admin.post_empty(&format!("{}/test", path(id))).await.expect(200);
            assert_eq!(tested.data()["status"], "success", "{}", tested.text);
            let heard: Vec<_> = sink.received().iter().map(|request| request.json()["event"].clone()).collect();
            assert_eq!(heard, ["agent.state.changed", "webhook.test"], "the others wait on");
        }
    }

    async fn a_failed_test_is_told_and_not_repeated(server, JWT_ACCESS_TTL = "7d") {
        let sink = Sink::start().await;
        let admin = server.admin().await;
        let id = webhook(&admin, json!({ "url": sink.url(), "timeout": 1 })).await;
        sink.reply_next([Reply::status(500), Reply::close(), Reply::stall()]);
        for http_status in [json!(500), json!(null), json!(null)] {
            let tested = admin.post_empty(&format!("{}/test", path(&id))).await.expect(200);
            assert_eq!(tested.data()["status"], "failed", "{}", tested.text);
            assert_eq!(tested.data()["http_status"], http_status, "{}", tested.text);
            assert!(!tested.text_of("error").is_empty(), "{}", tested.text);
        }
        server.advance(std::time::Duration::from_secs(3600)).await;
        admin.post_empty(&format!("{}/test", path(&id))).await.expect(200);
        assert_eq!(sink.received().len(), 4, "only what was asked for");
    }
}
