//! `POST /api/v1/auth/change-password`

use super::{me, refresh, session};
use crate::harness::macros::on_both;
use crate::harness::server::PASSWORD;
use crate::harness::ws::Ws;
use crate::harness::{Answer, Client, Server, json};

async fn change(client: &Client, current: &str, new: &str) -> Answer {
    let body = json!({ "current_password": current, "new_password": new });
    client.post("/api/v1/auth/change-password", body).await
}

on_both! {
    async fn a_new_password_ends_all_other_sessions_of_the_user(server) {
        let own = session(&server).await;
        let other = session(&server).await;
        let (mut closing, _) = Ws::connect(&server, &other.client).await;
        change(&own.client, "password", PASSWORD).await.succeeded();

        assert_eq!(closing.close_code().await, 4401);
        me(&other.client).await.assert_error(401);
        refresh(&server, &other.refresh_token).await.assert_error(401);
        me(&own.client).await.expect(200);
        server.try_login("admin@example.com", "password").await.assert_error(401);
        server.try_login("admin@example.com", PASSWORD).await.expect(200);
    }

    async fn without_the_current_password_nothing_changes(server) {
        let own = session(&server).await;
        let other = session(&server).await;
        let status = change(&own.client, "not the password", PASSWORD).await.status;
        assert!(matches!(status, 401 | 403 | 422), "{status}");
        me(&other.client).await.expect(200);
        server.try_login("admin@example.com", "password").await.expect(200);
    }

    async fn the_new_password_must_keep_the_rules(server) {
        let own = session(&server).await;
        for bad in ["", "too short", "1234567890", &"x".repeat(257)] {
            change(&own.client, "password", bad).await.assert_error(422).names("new_password");
        }
        server.try_login("admin@example.com", "password").await.expect(200);
    }
}
