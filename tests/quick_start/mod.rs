//! The quick start, word for word: its commands run by the programs that it names, and its outputs compared.
//!
//! Only what it leaves to the reader is replaced: ports, the project folder, the start command (our binary), the
//! container with Redis (a private Redis), the request bin (the sink), the user's id and the passwords.

pub mod document;
mod flow;
mod migrations;
pub mod terminal;
mod walk;

use walk::{SetUp, Walk};

#[tokio::test]
async fn the_quick_start_works_on_mariadb_with_redis() {
    walk(SetUp::MariaDbAndRedis).await;
}

#[tokio::test]
async fn the_quick_start_works_on_mariadb_without_redis() {
    walk(SetUp::MariaDb).await;
}

#[tokio::test]
async fn the_quick_start_works_with_nothing_installed() {
    walk(SetUp::Nothing).await;
}

async fn walk(set_up: SetUp) {
    let mut walk = Walk::begin(set_up).await;
    walk.start_redis().await;
    walk.configure_environment().await;
    walk.run_migrations().await;
    walk.start_server().await;
    walk.test_websocket_connection().await;
    walk.create_a_test_webhook().await;
    walk.test_webhook_delivery().await;
    walk.check_webhook_logs().await;
    walk.test_presence_tracking().await;
    walk.check_redis_presence().await;
    walk.test_hub_statistics().await;
    walk.common_issues();
    let received = walk.agent_state_change_flow().await;
    walk.webhook_payload_format(&received);
    walk.verify_webhook_signature(&received).await;
    walk.assert_at_the_end();
}
