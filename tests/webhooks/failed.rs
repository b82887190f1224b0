//! `GET /api/v1/webhooks/failed`

use super::{ALL, happen, path, webhook};
use crate::harness::macros::on_both;
use crate::harness::sink::{Reply, Sink};
use crate::harness::wait::eventually;
use crate::harness::{Client, Server, Value, json};

const FAILED: &str = "/api/v1/webhooks/failed";

async fn failed(admin: &Client, count: usize) -> Vec<Value> {
    eventually("the failures", async || {
        let entries = admin.get(FAILED).await.expect(200).data().as_array().unwrap().clone();
        (entries.len() == count).then_some(entries)
    })
    .await
}

on_both! {
    async fn the_failures_of_all_webhooks_are_listed_newest_first(server) {
        let sink = Sink::start().await;
        sink.reply_always(Reply::status(500));
        let admin = server.admin().await;
        happen(&admin, "on duty").await;
        let good = Sink::start().await;
        webhook(&admin, json!({ "url": good.url() })).await;
        let one = webhook(&admin, json!({ "url": sink.url(), "retry_count": 0 })).await;
        assert_eq!(failed(&admin, 0).await.len(), 0);
        happen(&admin, "first").await;
        failed(&admin, 1).await;
        let other = webhook(&admin, json!({ "url": sink.url(), "retry_count": 0 })).await;
        happen(&admin, "second").await;
        let entries = failed(&admin, 3).await;
        assert!(entries.iter().all(|entry| entry["status"] == "failed" && entry["http_status"] == 500));
        assert!(entries[0]["id"].as_i64() > entries[1]["id"].as_i64(), "{entries:?}");
        assert_eq!(entries[2]["webhook_id"], one);
        assert!(entries.iter().any(|entry| entry["webhook_id"] == other));

        let page = admin.get(&format!("{FAILED}?limit=2")).await.expect(200);
        let cursor = page.body["meta"]["next_cursor"].as_str().expect("a next page");
        let rest = admin.get(&format!("{FAILED}?limit=2&cursor={cursor}")).await.expect(200);
        assert_eq!(*rest.data(), json!([entries[2]]));
        assert!(rest.body["meta"]["next_cursor"].is_null(), "{}", rest.text);

        let stranger = server.other_tenant("other").await;
        assert_eq!(*stranger.get(FAILED).await.expect(200).data(), json!([]));
        admin.delete(&path(&other)).await.succeeded();
        failed(&admin, 2).await;
        admin.get(ALL).await.expect(200);
    }
}
