//! `/health`, `/health/live`, `/health/ready`, `/metrics`, `/`

use std::sync::Arc;

use crate::harness::Server;
use crate::harness::macros::on_both;
use crate::harness::mariadb::MariaDb;
use crate::harness::wait::eventually;

on_both! {
    async fn a_healthy_server_says_so_without_an_envelope(server) {
        let health = server.anonymous().get("/health").await.expect(200);
        assert!(health.body["status"].is_string() && health.body["version"].is_string(), "{}", health.text);
        for check in ["database", "redis", "webhooks"] {
            assert!(health.body["checks"].get(check).is_some(), "{check}: {}", health.text);
        }
        assert!(health.body.get("success").is_none(), "{}", health.text);
        server.anonymous().get("/health/live").await.expect(200);
        server.anonymous().get("/health/ready").await.expect(200);
    }

    async fn methods_that_clients_make_up_are_counted_as_one(server) {
        for word in ["MADE", "UP", "WORDS"] {
            server.anonymous().request(word.parse().unwrap(), "/health").await.expect(405);
        }
        let metrics = server.anonymous().get("/metrics").await.expect(200);
        assert!(metrics.text.contains(r#"method="(other)""#), "{}", metrics.text);
        assert!(!metrics.text.contains("WORDS"), "{}", metrics.text);
    }

    async fn metrics_are_in_prometheus_form(server) {
        server.admin().await;
        let metrics = server.anonymous().get("/metrics").await.expect(200);
        assert!(metrics.text.contains("# TYPE callcenter_"), "{}", metrics.text);
        assert!(metrics.text.contains("# HELP callcenter_"), "{}", metrics.text);
    }

    async fn metrics_with_a_token_need_it(server, METRICS_TOKEN = "the-token-of-the-metrics") {
        assert_eq!(server.anonymous().get("/metrics").await.status, 401);
        assert_eq!(server.with_token("another-token").get("/metrics").await.status, 401);
        server.with_token("the-token-of-the-metrics").get("/metrics").await.expect(200);
    }

    async fn the_front_page_is_a_page(server) {
        let page = server.anonymous().get("/").await.expect(200);
        assert!(page.header("content-type").starts_with("text/html"), "{:?}", page.headers);
    }
}

#[tokio::test]
async fn without_its_database_a_server_lives_is_not_ready_and_recovers() {
    let database = Arc::new(MariaDb::start().await);
    let server = Server::builder().mariadb_at(&database).start().await;
    let admin = server.admin().await;
    database.kill_9();

    eventually("readiness to end", async || {
        (server.anonymous().get("/health/ready").await.status == 503).then_some(())
    })
    .await;
    server.anonymous().get("/health/live").await.expect(200);
    let answer = admin.get("/api/v1/users").await;
    answer.assert_error(503);

    database.start_again().await;
    eventually("the server to recover", async || {
        (admin.get("/api/v1/users").await.status == 200).then_some(())
    })
    .await;
    server.anonymous().get("/health/ready").await.expect(200);
}

#[tokio::test]
async fn a_frozen_database_is_answered_with_503_not_with_silence() {
    let database = Arc::new(MariaDb::start().await);
    let server = Server::builder().mariadb_at(&database).start().await;
    let admin = server.admin().await;
    database.freeze();
    // Its threads stop one by one, so the first questions may still be answered; the harness bounds each by itself.
    eventually("an answer of 503", async || (admin.get("/api/v1/users").await.status == 503).then_some(()))
        .await;
    database.thaw();
    eventually("the server to recover", async || {
        (admin.get("/api/v1/users").await.status == 200).then_some(())
    })
    .await;
}
