//! What the platform remembers about itself: a few named values.

use crate::{Conn, Result, on};

/// The value of that name.
pub async fn get(conn: Conn<'_>, name: &str) -> Result<Option<String>> {
    on!(conn, c => sqlx::query_scalar("SELECT value FROM platform WHERE name = ?").bind(name).fetch_optional(c).await)
}

/// Writes `value` unless there is one already, and gives what then stands there.
pub async fn get_or_put(mut conn: Conn<'_>, name: &str, value: &str) -> Result<String> {
    let insert = if conn.is_mysql() {
        "INSERT IGNORE INTO platform (name, value) VALUES (?, ?)"
    } else {
        "INSERT OR IGNORE INTO platform (name, value) VALUES (?, ?)"
    };
    on!(conn.again(), c => sqlx::query(insert).bind(name).bind(value).execute(c).await.map(|_| ()))?;
    Ok(get(conn, name).await?.unwrap_or_else(|| value.to_owned()))
}

/// Writes `value` if `old` still stands there; gives whether it did.
pub async fn replace(conn: Conn<'_>, name: &str, old: &str, value: &str) -> Result<bool> {
    const REPLACE: &str = "UPDATE platform SET value = ? WHERE name = ? AND value = ?";
    on!(conn, c => sqlx::query(REPLACE).bind(value).bind(name).bind(old).execute(c).await.map(|done| done.rows_affected() == 1))
}

/// Writes `value`, replacing what was there.
pub async fn put(conn: Conn<'_>, name: &str, value: &str) -> Result<()> {
    on!(conn, c => sqlx::query("REPLACE INTO platform (name, value) VALUES (?, ?)")
        .bind(name).bind(value).execute(c).await.map(|_| ()))
}

/// The database's own time; none for SQLite, which has the machine's.
pub async fn database_time(conn: Conn<'_>) -> Result<Option<model::Timestamp>> {
    if !conn.is_mysql() {
        return Ok(None);
    }
    let now = "SELECT CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED)";
    let ms: i64 = on!(conn, c => sqlx::query_scalar(now).fetch_one(c).await)?;
    Ok(Some(model::Timestamp(ms)))
}

/// Asks the database for nothing, to see whether it answers.
pub async fn ping(conn: Conn<'_>) -> Result<()> {
    on!(conn, c => sqlx::query("SELECT 1").execute(c).await.map(|_| ()))
}

/// Whether the database flushes every commit to disk before it answers.
pub async fn flushes_commits(conn: Conn<'_>) -> Result<bool> {
    if !conn.is_mysql() {
        // Ours to set, and set so.
        return Ok(true);
    }
    let setting = "SELECT CAST(@@innodb_flush_log_at_trx_commit AS SIGNED)";
    let setting: i64 = on!(conn, c => sqlx::query_scalar(setting).fetch_one(c).await)?;
    Ok(setting == 1)
}
