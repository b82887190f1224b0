//! Starts that cannot succeed: one clear line, exit code 1.

use super::assert_refused;
use crate::harness::Server;
use crate::harness::mariadb::MariaDb;

#[tokio::test]
async fn a_port_in_use() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let ended = Server::builder().env("SERVER_PORT", &port).start_refused().await;
    assert_refused(&ended, &[&port, "in use"]);
}

#[tokio::test]
async fn a_second_server_on_the_same_sqlite_file() {
    let first = Server::builder().start().await;
    let ended = first.another().start_refused().await;
    assert_refused(&ended, &["callcenter.db"]);
    // And the first one has not noticed.
    first.admin().await.get("/api/v1/auth/me").await.expect(200);
}

#[tokio::test]
async fn the_file_is_free_again_after_a_kill() {
    let first = Server::builder().start().await;
    first.kill_9();
    first.another().start().await.admin().await;
}

#[tokio::test]
async fn an_unreachable_database() {
    let ended = Server::builder().mariadb().env("DB_PORT", "1").start_refused().await;
    assert_refused(&ended, &["127.0.0.1:1"]);
    assert!(!format!("{ended:?}").contains(crate::harness::mariadb::PASSWORD), "{ended:?}");
}

#[tokio::test]
async fn a_database_that_refuses_the_password() {
    let ended = Server::builder().mariadb().env("DB_PASSWORD", "not the password").start_refused().await;
    assert_refused(&ended, &["callcenter"]);
}

#[tokio::test]
async fn a_sqlite_file_that_is_none() {
    let setup = Server::builder().env("DB_PATH", "database.txt").prepare().await;
    std::fs::write(
        setup.dir.path().join("database.txt"),
        "this is a text and no database at all\n".repeat(50),
    )
    .unwrap();
    let ended = setup.run(&[], "").await;
    assert_refused(&ended, &["database.txt"]);
}

#[tokio::test]
async fn several_servers_may_start_at_once_on_an_empty_database() {
    let database = MariaDb::shared().await.create_database().await;
    let start = || Server::builder().mariadb().env("DB_NAME", &database).start();
    let (first, second, third) = tokio::join!(start(), start(), start());
    for server in [first, second, third] {
        let users = server.admin().await.get("/api/v1/users").await.expect(200);
        assert_eq!(users.data().as_array().unwrap().len(), 1);
    }
}
