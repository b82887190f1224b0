//! How a webhook ends: switched off, gone, deleted; and what becomes of its deliveries then.

use std::time::Duration;

use super::{newest, path, webhook};
use crate::harness::macros::on_both;
use crate::harness::sink::{Reply, Sink};
use crate::harness::{Client, Server, Value, json};

async fn publish(admin: &Client, name: &str) {
    let event = json!({ "type": "order.paid", "payload": { "name": name } });
    admin.post("/api/v1/events", event).await.expect(202);
}

fn names(sink: &Sink) -> Vec<String> {
    let name = |body: Value| body["data"]["name"].as_str().map(str::to_owned);
    sink.received().iter().filter_map(|request| name(request.json())).collect()
}

on_both! {
    async fn an_endpoint_that_is_gone_is_switched_off_at_once(server) {
        let (sink, witness) = (Sink::start().await, Sink::start().await);
        let admin = server.admin().await;
        webhook(&admin, json!({ "url": witness.url(), "events": ["webhook.*"] })).await;
        let id = webhook(&admin, json!({ "url": sink.url() })).await;
        sink.reply_always(Reply::status(410));
        publish(&admin, "one").await;
        let entry = newest(&admin, &id, "the failure", |entry| entry["status"] == "failed").await;
        assert_eq!((&entry["attempts"], &entry["http_status"]), (&json!(1), &json!(410)));
        let told = witness.wait_for_event("webhook.disabled").await.json();
        assert_eq!((&told["data"]["webhook_id"], &told["data"]["reason"]), (&id, &json!("gone_410")), "{told}");
        let webhook = admin.get(&path(&id)).await.expect(200);
        assert_eq!(webhook.data()["is_active"], false, "{}", webhook.text);
        assert!(webhook.text_of("health").starts_with("disabled because"), "{}", webhook.text);
        publish(&admin, "two").await;
        server.advance(Duration::from_secs(3600)).await;
        assert_eq!(names(&sink), ["one"]);
    }

    async fn others_hear_of_an_endpoint_that_is_switched_by_hand_and_it_does_not(server) {
        let (sink, witness) = (Sink::start().await, Sink::start().await);
        let admin = server.admin().await;
        webhook(&admin, json!({ "url": witness.url(), "events": ["webhook.*"] })).await;
        let id = webhook(&admin, json!({ "url": sink.url(), "events": ["webhook.*", "order.*"] })).await;
        let me = admin.get("/api/v1/auth/me").await.expect(200).data()["id"].clone();
        let switch = async |is_active: bool| admin.patch(&path(&id), json!({ "is_active": is_active })).await.expect(200);

        switch(false).await;
        let told = witness.wait_for_event("webhook.disabled").await.json();
        assert_eq!((&told["data"]["webhook_id"], &told["data"]["reason"]), (&id, &json!("manual")), "{told}");
        switch(false).await;
        switch(true).await;
        let told = witness.wait_for_event("webhook.enabled").await.json();
        assert_eq!((&told["data"]["webhook_id"], &told["data"]["by"], &told["data"]["backlog"]), (&id, &me, &json!(0)));
        switch(true).await;
        admin.patch(&path(&id), json!({ "description": "no news" })).await.expect(200);
        admin.put(&path(&id), json!({ "url": sink.url(), "is_active": false })).await.expect(200);
        admin.put(&path(&id), json!({ "url": sink.url(), "events": ["webhook.*", "order.*"] })).await.expect(200);
        publish(&admin, "after").await;
        sink.wait_for(1).await;
        assert_eq!(names(&sink), ["after"], "nothing of itself");
        let log = admin.get("/api/v1/events?types=webhook.*").await.expect(200);
        let kinds: Vec<_> = log.data().as_array().unwrap().iter().map(|event| event["type"].as_str().unwrap()).collect();
        assert_eq!(kinds, ["webhook.disabled", "webhook.enabled", "webhook.disabled", "webhook.enabled"]);
    }

    async fn what_was_queued_when_it_was_switched_off_fails_and_replay_sends_it(server) {
        let (sink, admin) = (Sink::start().await, server.admin().await);
        let id = webhook(&admin, json!({ "url": sink.url() })).await;
        sink.reply_next([Reply::status(500)]);
        publish(&admin, "before").await;
        newest(&admin, &id, "the first attempt", |entry| entry["attempts"] == 1).await;
        admin.patch(&path(&id), json!({ "is_active": false })).await.expect(200);
        let entry = newest(&admin, &id, "the end", |entry| entry["status"] == "failed").await;
        assert_eq!((&entry["error"], &entry["attempts"]), (&json!("webhook inactive"), &json!(1)));
        publish(&admin, "meanwhile").await;
        let logs = admin.get(&format!("{}/logs", path(&id))).await.expect(200);
        assert_eq!(logs.data().as_array().unwrap().len(), 1, "nothing is queued: {}", logs.text);

        admin.patch(&path(&id), json!({ "is_active": true })).await.expect(200);
        let span = json!({ "since": "2020-01-01T00:00:00Z" });
        let replay = admin.post(&format!("{}/replay", path(&id)), span).await.expect(202);
        assert_eq!(replay.data()["queued"], 2, "{}", replay.text);
        sink.wait_for(3).await;
        let mut sent = names(&sink);
        sent.sort_unstable();
        assert_eq!(sent, ["before", "before", "meanwhile"]);
    }

    async fn what_was_queued_for_a_deleted_webhook_is_never_sent(server) {
        let (sink, other) = (Sink::start().await, Sink::start().await);
        let admin = server.admin().await;
        for (before, ordering) in ["none", "subject", "strict"].into_iter().enumerate() {
            let id = webhook(&admin, json!({ "url": sink.url(), "ordering": ordering })).await;
            sink.reply_next([Reply::status(500)]);
            publish(&admin, ordering).await;
            newest(&admin, &id, "the first attempt", |entry| entry["attempts"] == 1).await;
            if ordering == "strict" {
                publish(&admin, "behind").await;
            }
            admin.delete(&path(&id)).await.succeeded();
            assert_eq!(sink.received().len(), before + 1, "{ordering}");
        }
        webhook(&admin, json!({ "url": other.url() })).await;
        server.advance(Duration::from_secs(7)).await;
        publish(&admin, "after").await;
        other.wait_for(1).await;
        assert_eq!(names(&sink), ["none", "subject", "strict"]);
    }

    async fn a_wait_that_is_asked_for_is_an_hour_at_most(server, JWT_ACCESS_TTL = "7d") {
        let (sink, admin) = (Sink::start().await, server.admin().await);
        for (status, wait) in [(429, "86400"), (503, "Fri, 01 Jan 2100 00:00:00 GMT")] {
            let id = webhook(&admin, json!({ "url": sink.url(), "retry_count": 0 })).await;
            sink.reply_next([Reply::status(status).header("retry-after", wait)]);
            publish(&admin, wait).await;
            let entry = newest(&admin, &id, "the first attempt", |entry| entry["attempts"] == 1).await;
            assert_eq!(entry["status"], "pending", "{entry}");
            let error = entry["error"].as_str().expect("words");
            assert!(error.ends_with(", asked to come back in 3600 s"), "{entry}");
            server.advance(Duration::from_secs(3601)).await;
            newest(&admin, &id, "the success", |entry| entry["status"] == "success").await;
            admin.delete(&path(&id)).await.succeeded();
        }
    }
}
