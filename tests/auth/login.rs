//! `POST /api/v1/auth/login`, `GET /api/v1/auth/me`

use super::me;
use crate::harness::macros::on_both;
use crate::harness::server::{PASSWORD, new_user};
use crate::harness::{Server, json, token};

on_both! {
    async fn the_development_admin_gets_tokens_and_itself(server) {
        let answer = server.try_login("admin@example.com", "password").await.expect(200);
        let data = answer.data();
        assert_eq!(data["token_type"], "Bearer");
        assert_eq!(data["expires_in"], 3600);
        assert!(!answer.text_of("refresh_token").is_empty());
        assert_eq!(data["user"]["id"], "user-456");
        assert_eq!(data["user"]["tenant_id"], "tenant-123");

        let own = me(&server.with_token(answer.text_of("access_token"))).await.expect(200);
        assert_eq!(own.data()["id"], "user-456");
        assert_eq!(own.data()["tenant_id"], "tenant-123");
        assert_eq!(own.data()["email"], "admin@example.com");
        assert_eq!(own.data()["role"], "admin");
        assert_eq!(own.data()["is_active"], true);
        for field in ["name", "extension"] {
            assert!(own.data().get(field).is_some(), "{field} is listed: {}", own.text);
        }
        assert!(!own.text.contains("argon2"), "no hash leaves the server: {}", own.text);
    }

    async fn the_access_token_says_what_the_contract_lists(server, JWT_ACCESS_TTL = "5m") {
        let claims = token::claims(server.admin().await.token());
        assert_eq!(claims["sub"], "user-456");
        assert_eq!(claims["tenant_id"], "tenant-123");
        assert_eq!(claims["role"], "admin");
        assert!(claims["sid"].is_string() && claims["jti"].is_string(), "{claims}");
        let lifetime = claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap();
        assert_eq!(lifetime, 300);
    }

    async fn a_wrong_password_and_an_unknown_account_are_told_apart_by_nothing(server) {
        let wrong = server.try_login("admin@example.com", "not the password").await;
        let unknown = server.try_login("nobody@example.com", "not the password").await;
        wrong.assert_error(401);
        unknown.assert_error(401);
        assert_eq!(wrong.body["error"], unknown.body["error"]);
    }

    async fn the_email_is_taken_in_any_case(server) {
        server.try_login("ADMIN@Example.COM", "password").await.expect(200);
        server.try_login("admin@example.com", "PASSWORD").await.assert_error(401);
    }

    async fn a_deactivated_user_gets_the_answer_of_a_wrong_password(server) {
        let mut body = new_user("away@example.com", "agent");
        body["is_active"] = json!(false);
        server.admin().await.post("/api/v1/users", body).await.expect(201);
        let right = server.try_login("away@example.com", PASSWORD).await;
        let wrong = server.try_login("away@example.com", "not the password").await;
        right.assert_error(401);
        assert_eq!(right.body["error"], wrong.body["error"]);
    }

    async fn failed_log_ins_are_throttled_for_that_account_only(server, RATE_LIMIT_LOGIN = "3/min") {
        server.user("colleague@example.com", "agent").await;
        for _ in 0..3 {
            server.try_login("admin@example.com", "not the password").await.assert_error(401);
        }
        // Even the right password has to wait, or guessing would go on unharmed.
        server.try_login("admin@example.com", "password").await.assert_error(429);
        server.try_login("colleague@example.com", PASSWORD).await.expect(200);
    }

    async fn the_addresses_of_an_ipv6_network_are_throttled_together(server, RATE_LIMIT_LOGIN = "3/min", TRUSTED_PROXIES = "127.0.0.1") {
        let wrong = json!({ "email": "admin@example.com", "password": "not the password" });
        let from = async |address: &str| {
            let login = server.anonymous().post("/api/v1/auth/login", wrong.clone());
            login.header("x-forwarded-for", address).await.status
        };
        for end in ["::1", "::2", ":ffff:ffff:ffff:ffff"] {
            assert_eq!(from(&format!("2001:db8:1:2{end}")).await, 401);
        }
        assert_eq!(from("2001:db8:1:2:1:2:3:4").await, 429);
        assert_eq!(from("2001:db8:1:3::1").await, 401, "a neighbour is another one");
    }

    async fn successful_log_ins_are_not_throttled(server, RATE_LIMIT_LOGIN = "3/min") {
        for _ in 0..5 {
            server.try_login("admin@example.com", "password").await.expect(200);
        }
    }

    async fn nobody_is_nobody(server) {
        me(&server.anonymous()).await.assert_error(401);
    }

    async fn tokens_survive_a_restart(server) {
        let admin = server.admin().await;
        server.kill_9();
        server.restart().await;
        me(&admin).await.expect(200);
    }
}
