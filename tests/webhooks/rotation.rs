//! `POST …/{id}/rotate-secret`

use std::time::Duration;

use super::{happen, path, webhook};
use crate::harness::macros::on_both;
use crate::harness::sink::Sink;
use crate::harness::{Server, json};

on_both! {
    async fn after_a_rotation_both_secrets_sign_for_a_day(server, JWT_ACCESS_TTL = "7d") {
        let sink = Sink::start().await;
        let admin = server.admin().await;
        happen(&admin, "on duty").await;
        let id = webhook(&admin, json!({ "url": sink.url(), "secret": "the old one" })).await;
        let rotate = format!("{}/rotate-secret", path(&id));
        let rotated = admin.post_empty(&rotate).await.expect(200);
        let secret = rotated.text_of("secret").to_owned();
        assert!(secret.starts_with("whsec_"), "{}", rotated.text);
        assert_eq!(rotated.data()["id"], id);
        assert!(!admin.get(&path(&id)).await.expect(200).text.contains(&secret), "shown once");

        happen(&admin, "within the day").await;
        let received = sink.wait_for(1).await.remove(0);
        assert!(received.is_signed_by(&secret), "{:?}", received.headers);
        assert_eq!(received.header("webhook-signature").split(' ').count(), 2, "{:?}", received.headers);

        server.advance(Duration::from_secs(24 * 3600 + 1)).await;
        happen(&admin, "after the day").await;
        let received = sink.wait_for(2).await.remove(1);
        assert!(received.is_signed_by(&secret), "{:?}", received.headers);
        assert_eq!(received.header("webhook-signature").split(' ').count(), 1, "{:?}", received.headers);
    }

    async fn a_rotation_takes_a_secret_of_ones_own(server) {
        let sink = Sink::start().await;
        let admin = server.admin().await;
        let id = webhook(&admin, json!({ "url": sink.url() })).await;
        let rotate = format!("{}/rotate-secret", path(&id));
        let rotated = admin.post(&rotate, json!({ "secret": "ours" })).await.expect(200);
        assert_eq!(rotated.text_of("secret"), "ours");
        for bad in [json!({ "secret": "" }), json!({ "secret": "whsec_***" }), json!({ "secrets": "x" }), json!([])] {
            admin.post(&rotate, bad).await.assert_error(422);
        }
        admin.post_empty(&format!("{}/test", path(&id))).await.expect(200);
        assert!(sink.wait_for(1).await[0].is_signed_by("ours"));
        admin.post_empty("/api/v1/webhooks/999999/rotate-secret").await.assert_error(404);
    }
}
