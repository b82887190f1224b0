//! Leases of running servers. What a server whose lease is over owned is free again.

use crate::{Conn, Result, on};
use model::{ServerId, Timestamp};

/// Enters a server, or prolongs its lease.
pub async fn renew(conn: Conn<'_>, id: &ServerId, now: Timestamp, until: Timestamp) -> Result<()> {
    let sql = if conn.is_mysql() {
        "INSERT INTO servers (id, started_at, lease_until) VALUES (?, ?, ?)
         ON DUPLICATE KEY UPDATE lease_until = VALUES(lease_until)"
    } else {
        "INSERT INTO servers (id, started_at, lease_until) VALUES (?, ?, ?)
         ON CONFLICT (id) DO UPDATE SET lease_until = excluded.lease_until"
    };
    on!(conn, c => sqlx::query(sql).bind(id.as_str()).bind(now.0).bind(until.0).execute(c).await.map(|_| ()))
}

/// Whether that server's lease still holds.
pub async fn is_alive(conn: Conn<'_>, id: &ServerId, now: Timestamp) -> Result<bool> {
    let count: i64 = on!(conn, c => sqlx::query_scalar("SELECT COUNT(*) FROM servers WHERE id = ? AND lease_until > ?")
        .bind(id.as_str()).bind(now.0).fetch_one(c).await)?;
    Ok(count > 0)
}

/// The servers whose lease is over, locked so that they cannot come back while the caller takes over.
pub async fn lock_dead(conn: Conn<'_>, now: Timestamp) -> Result<Vec<ServerId>> {
    let sql = if conn.is_mysql() {
        "SELECT id FROM servers WHERE lease_until <= ? LIMIT 16 FOR UPDATE SKIP LOCKED"
    } else {
        "SELECT id FROM servers WHERE lease_until <= ? LIMIT 16"
    };
    let ids: Vec<String> = on!(conn, c => sqlx::query_scalar(sql).bind(now.0).fetch_all(c).await)?;
    Ok(ids.iter().filter_map(|id| ServerId::parse(id).ok()).collect())
}

/// Removes a server that has stopped, or whose things were taken over.
pub async fn remove(conn: Conn<'_>, id: &ServerId) -> Result<()> {
    on!(conn, c => sqlx::query("DELETE FROM servers WHERE id = ?").bind(id.as_str()).execute(c).await.map(|_| ()))
}

/// Ends every lease at once. For SQLite, where a process that holds the file lock knows that it is alone.
pub async fn expire_all(conn: Conn<'_>) -> Result<()> {
    on!(conn, c => sqlx::query("UPDATE servers SET lease_until = 0").execute(c).await.map(|_| ()))
}
