//! What sessions with the database are like, however its server is set up: the store's promises rest on it.

use super::*;
use std::time::Duration;
use store::Conn;

/// A database on the MySQL or MariaDB to test with, if there is one.
async fn mysql() -> Option<Database> {
    let text = std::env::var("STORE_TEST_MYSQL").ok()?;
    Some(new_mysql_database(&text).await)
}

fn of_mysql(conn: Conn<'_>) -> &mut sqlx::MySqlConnection {
    let connection = match conn {
        Conn::MySql(connection) => Some(connection),
        Conn::Sqlite(_) => None,
    };
    connection.unwrap()
}

async fn ask_sqlite(conn: Conn<'_>, pragma: &'static str) -> String {
    let connection = match conn {
        Conn::Sqlite(connection) => Some(connection),
        Conn::MySql(_) => None,
    };
    let connection = connection.unwrap();
    let sql = format!("SELECT CAST({pragma} AS TEXT) FROM pragma_{pragma}");
    sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(connection).await.unwrap()
}

#[tokio::test]
async fn sessions_of_mysql_read_what_is_committed_wait_shortly_and_end_in_silence() {
    let Some(database) = mysql().await else { return };
    let store = Store::connect(&database).await.unwrap();
    let (mut reader, mut tx) = (store.read().await.unwrap(), store.begin().await.unwrap());
    for conn in [reader.conn(), tx.conn()] {
        let shown: Vec<(String, String)> =
            sqlx::query_as("SHOW SESSION VARIABLES").fetch_all(of_mysql(conn)).await.unwrap();
        let variables: BTreeMap<String, String> = shown.into_iter().collect();
        // Under another name in MariaDB before 11.
        let isolation = variables.get("transaction_isolation").or(variables.get("tx_isolation"));
        assert_eq!(isolation.unwrap(), "READ-COMMITTED");
        assert_eq!(variables["innodb_lock_wait_timeout"], "2");
        assert_eq!(variables["wait_timeout"], "60");
        assert!(variables["sql_mode"].contains("STRICT_TRANS_TABLES"));
        // MariaDB alone has it.
        assert_eq!(variables.get("idle_transaction_timeout").map_or("10", String::as_str), "10");
    }
}

#[tokio::test]
async fn sqlite_flushes_what_it_commits() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::connect(&Database::Sqlite(folder.path().join("test.db"))).await.unwrap();
    let mut tx = store.begin().await.unwrap();
    assert_eq!(ask_sqlite(tx.conn(), "synchronous").await, "2", "FULL");
    assert_eq!(ask_sqlite(tx.conn(), "journal_mode").await, "wal");
}

const CONNECTION: &str = "SELECT CAST(CONNECTION_ID() AS SIGNED)";

/// Has the session end soon when it is idle; gives its number.
async fn ends_soon(conn: Conn<'_>) -> i64 {
    let connection = of_mysql(conn);
    connection.execute("SET SESSION wait_timeout = 2").await.unwrap();
    sqlx::query_scalar(CONNECTION).fetch_one(connection).await.unwrap()
}

async fn open_sessions(conn: Conn<'_>) -> Vec<i64> {
    let ids = "SELECT CAST(id AS SIGNED) FROM information_schema.processlist";
    sqlx::query_scalar(ids).fetch_all(of_mysql(conn)).await.unwrap()
}

#[tokio::test]
async fn connections_that_the_server_has_closed_are_replaced() {
    let Some(database) = mysql().await else { return };
    let store = Store::connect(&database).await.unwrap();
    let (mut reader, mut tx) = (store.read().await.unwrap(), store.begin().await.unwrap());
    let ended = [ends_soon(reader.conn()).await, ends_soon(tx.conn()).await];
    drop(reader);
    tx.commit().await.unwrap();
    let another = Store::connect(&database).await.unwrap();
    let mut looking = another.read().await.unwrap();
    let gone = async {
        while open_sessions(looking.conn()).await.iter().any(|id| ended.contains(id)) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), gone).await.unwrap();
    for _ in 0..3 {
        let (mut reader, mut tx) = (store.read().await.unwrap(), store.begin().await.unwrap());
        for conn in [reader.conn(), tx.conn()] {
            let id: i64 = sqlx::query_scalar(CONNECTION).fetch_one(of_mysql(conn)).await.unwrap();
            assert!(!ended.contains(&id));
        }
        tx.commit().await.unwrap();
    }
}
