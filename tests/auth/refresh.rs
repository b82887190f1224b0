//! `POST /api/v1/auth/refresh`

use std::time::Duration;

use super::{me, refresh, session};
use crate::harness::Server;
use crate::harness::macros::on_both;
use crate::harness::server::PASSWORD;

const AFTER_THE_GRACE: Duration = Duration::from_secs(11);

on_both! {
    async fn a_refresh_gives_a_new_pair_and_spends_the_old_token(server) {
        let old = session(&server).await;
        let new = refresh(&server, &old.refresh_token).await.expect(200);
        assert_ne!(new.text_of("refresh_token"), old.refresh_token);
        assert_eq!(new.data()["token_type"], "Bearer");
        assert_eq!(new.data()["expires_in"], 3600);
        me(&server.with_token(new.text_of("access_token"))).await.expect(200);

        server.advance(AFTER_THE_GRACE).await;
        refresh(&server, &old.refresh_token).await.assert_error(401);
    }

    async fn an_answer_lost_on_the_way_can_be_asked_for_again(server) {
        let old = session(&server).await;
        let first = refresh(&server, &old.refresh_token).await.expect(200);
        let second = refresh(&server, &old.refresh_token).await.expect(200);
        assert_eq!(first.text_of("refresh_token"), second.text_of("refresh_token"));
        // And the session goes on from there.
        refresh(&server, second.text_of("refresh_token")).await.expect(200);
    }

    async fn a_spent_token_used_later_ends_the_session(server) {
        let old = session(&server).await;
        let new = refresh(&server, &old.refresh_token).await.expect(200);
        let bystander = session(&server).await;

        server.advance(AFTER_THE_GRACE).await;
        refresh(&server, &old.refresh_token).await.assert_error(401);
        refresh(&server, new.text_of("refresh_token")).await.assert_error(401);
        me(&server.with_token(new.text_of("access_token"))).await.assert_error(401);
        me(&old.client).await.assert_error(401);
        me(&bystander.client).await.expect(200);
    }

    async fn a_grandparent_token_ends_the_session_even_at_once(server) {
        let first = session(&server).await;
        let second = refresh(&server, &first.refresh_token).await.expect(200);
        let third = refresh(&server, second.text_of("refresh_token")).await.expect(200);
        refresh(&server, &first.refresh_token).await.assert_error(401);
        refresh(&server, third.text_of("refresh_token")).await.assert_error(401);
    }

    async fn a_refresh_outlives_the_access_token_but_not_its_own_time(server, JWT_REFRESH_TTL = "2h") {
        let old = session(&server).await;
        server.advance(Duration::from_secs(3601)).await;
        me(&old.client).await.assert_error(401);
        let new = refresh(&server, &old.refresh_token).await.expect(200);

        server.advance(Duration::from_secs(2 * 3600 + 1)).await;
        refresh(&server, new.text_of("refresh_token")).await.assert_error(401);
    }

    async fn only_a_refresh_token_refreshes(server) {
        let own = session(&server).await;
        let mut tampered = own.refresh_token.clone();
        tampered.push('A');
        for bad in ["", "garbage", "ccr_a.b.c.d", own.client.token(), &tampered] {
            let status = refresh(&server, bad).await.status;
            assert!(matches!(status, 401 | 422), "{bad}: {status}");
        }
        me(&server.with_token(&own.refresh_token)).await.assert_error(401);
        refresh(&server, &own.refresh_token).await.expect(200);
    }

    async fn a_deactivated_user_cannot_refresh(server) {
        let (_, id) = server.user("agent@example.com", "agent").await;
        let own = server.try_login("agent@example.com", PASSWORD).await.expect(200);
        let admin = server.admin().await;
        let path = format!("/api/v1/users/{id}");
        admin.patch(&path, crate::harness::json!({ "is_active": false })).await.expect(200);
        refresh(&server, own.text_of("refresh_token")).await.assert_error(401);
    }
}
