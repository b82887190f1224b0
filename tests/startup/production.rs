//! What production refuses.

use super::assert_refused;
use crate::harness::Server;
use crate::harness::server::PASSWORD;

const QUICK_STARTS_SECRET: &str = "your-secret-key-change-this-in-production";

#[tokio::test]
async fn all_that_production_refuses_is_listed_at_once() {
    let development = Server::builder().start().await;
    development.kill_9();
    let ended = development
        .another()
        .production()
        .env("JWT_SECRET", "short")
        .env("DB_PASSWORD", "your-password")
        .env("CORS_ALLOWED_ORIGINS", "*")
        .start_refused()
        .await;
    for words in [["JWT_SECRET"], ["DB_PASSWORD"], ["CORS_ALLOWED_ORIGINS"], ["admin@example.com"]] {
        assert_refused(&ended, &words);
    }
}

#[tokio::test]
async fn production_wants_a_secret_of_its_own() {
    for secret in ["", "only thirty-one bytes long here", QUICK_STARTS_SECRET] {
        let ended = Server::builder().production().env("JWT_SECRET", secret).start_refused().await;
        assert_refused(&ended, &["JWT_SECRET"]);
        assert!(
            secret.is_empty() || !format!("{ended:?}").contains(secret),
            "secrets are not repeated: {ended:?}"
        );
    }
}

#[tokio::test]
async fn production_refuses_what_is_for_tests() {
    let for_tests = Server::builder().production().env("TEST_CLOCK", "on").env("TEST_WEAK_HASHING", "on");
    let ended = for_tests.start_refused().await;
    assert_refused(&ended, &["TEST_CLOCK"]);
    assert_refused(&ended, &["TEST_WEAK_HASHING"]);
}

#[tokio::test]
async fn production_has_no_development_account_and_no_test_calls() {
    let server = Server::builder().production().start().await;
    server.try_login("admin@example.com", "password").await.assert_error(401);
    let body = crate::harness::json!({ "advance_ms": 1 });
    let answer = server.anonymous().post("/test/clock", body).await;
    assert!(matches!(answer.status, 401 | 404), "{}", answer.text);
}

#[tokio::test]
async fn production_starts_once_the_development_account_has_another_password() {
    let server = Server::builder().start().await;
    let arguments = ["user", "reset-password", "--email", "admin@example.com", "--password-stdin"];
    let reset = server.cli_with_input(&arguments, &format!("{PASSWORD}\n")).await;
    assert_eq!(reset.code, Some(0), "{reset:?}");
    server.kill_9();
    let production = server.another().production().start().await;
    production.login("admin@example.com", PASSWORD).await;
}

#[tokio::test]
async fn production_on_mariadb_is_held_to_the_same() {
    let development = Server::builder().mariadb().start().await;
    development.kill_9();
    let ended = development.another().production().start_refused().await;
    assert_refused(&ended, &["admin@example.com"]);
}
