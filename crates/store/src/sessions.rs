//! Sign-ins. Tokens themselves are nowhere stored: they carry a proof made with the server's secret.

use crate::{Conn, Result, from_row, on};
use model::{SessionId, TenantId, Timestamp, UserId};

/// A sign-in as stored.
#[derive(Debug, Clone)]
pub struct Session {
    /// The tenant.
    pub tenant: TenantId,
    /// The sign-in.
    pub id: SessionId,
    /// Who signed in.
    pub user: UserId,
    /// How often the refresh token was exchanged; only the token of this number is good.
    pub generation: i64,
    /// When it was last exchanged.
    pub rotated_at: Timestamp,
    /// When it can no longer be exchanged.
    pub expires_at: Timestamp,
    /// When it was ended, if so.
    pub ended_at: Option<Timestamp>,
}

struct Row {
    user_id: String,
    generation: i64,
    rotated_at: i64,
    expires_at: i64,
    ended_at: Option<i64>,
}

from_row!(Row: user_id, generation, rotated_at, expires_at, ended_at);

/// Adds a sign-in.
pub async fn insert(conn: Conn<'_>, session: &Session) -> Result<()> {
    on!(conn, c => sqlx::query(
        "INSERT INTO sessions (tenant_id, id, user_id, generation, rotated_at, created_at, expires_at)
         VALUES (?, ?, ?, ?, ?, ?, ?)")
        .bind(session.tenant.as_str()).bind(session.id.as_str()).bind(session.user.as_str()).bind(session.generation)
        .bind(session.rotated_at.0).bind(session.rotated_at.0).bind(session.expires_at.0)
        .execute(c).await.map(|_| ()))
}

/// The sign-in of that id, its row locked if the connection is in a transaction that writes.
pub async fn lock(mut conn: Conn<'_>, tenant: &TenantId, id: &SessionId) -> Result<Option<Session>> {
    let sql = if conn.is_mysql() {
        "SELECT * FROM sessions WHERE tenant_id = ? AND id = ? FOR UPDATE"
    } else {
        "SELECT * FROM sessions WHERE tenant_id = ? AND id = ?"
    };
    let row: Option<Row> = on!(conn.again(), c => sqlx::query_as(sql)
        .bind(tenant.as_str()).bind(id.as_str()).fetch_optional(c).await)?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Session {
        tenant: tenant.clone(),
        id: id.clone(),
        user: UserId::parse(&row.user_id).map_err(|_| crate::corrupt("sessions.user_id", &row.user_id))?,
        generation: row.generation,
        rotated_at: Timestamp(row.rotated_at),
        expires_at: Timestamp(row.expires_at),
        ended_at: row.ended_at.map(Timestamp),
    }))
}

/// Whether the user's sign-in can still be used.
pub async fn is_open(
    conn: Conn<'_>,
    tenant: &TenantId,
    id: &SessionId,
    user: &UserId,
    now: Timestamp,
) -> Result<bool> {
    let count: i64 = on!(conn, c => sqlx::query_scalar(
        "SELECT COUNT(*) FROM sessions WHERE tenant_id = ? AND id = ? AND user_id = ? AND ended_at IS NULL AND expires_at > ?")
        .bind(tenant.as_str()).bind(id.as_str()).bind(user.as_str()).bind(now.0).fetch_one(c).await)?;
    Ok(count > 0)
}

/// Moves to the next generation.
pub async fn rotate(
    conn: Conn<'_>,
    tenant: &TenantId,
    id: &SessionId,
    generation: i64,
    now: Timestamp,
    expires_at: Timestamp,
) -> Result<()> {
    on!(conn, c => sqlx::query(
        "UPDATE sessions SET generation = ?, rotated_at = ?, expires_at = ? WHERE tenant_id = ? AND id = ?")
        .bind(generation).bind(now.0).bind(expires_at.0).bind(tenant.as_str()).bind(id.as_str())
        .execute(c).await.map(|_| ()))
}

/// Ends one sign-in.
pub async fn end(conn: Conn<'_>, tenant: &TenantId, id: &SessionId, now: Timestamp) -> Result<()> {
    on!(conn, c => sqlx::query("UPDATE sessions SET ended_at = ? WHERE tenant_id = ? AND id = ? AND ended_at IS NULL")
        .bind(now.0).bind(tenant.as_str()).bind(id.as_str()).execute(c).await.map(|_| ()))
}

/// The user's sign-ins that nobody has ended, and when each runs out: a while ago, if that was not tidied up yet.
pub async fn open_of_user(
    conn: Conn<'_>,
    tenant: &TenantId,
    user: &UserId,
) -> Result<Vec<(SessionId, Timestamp)>> {
    let rows: Vec<(String, i64)> = on!(conn, c => sqlx::query_as(
        "SELECT id, expires_at FROM sessions WHERE tenant_id = ? AND user_id = ? AND ended_at IS NULL ORDER BY id")
        .bind(tenant.as_str()).bind(user.as_str()).fetch_all(c).await)?;
    let read = |(id, expires_at): &(String, i64)| {
        let id = SessionId::parse(id).map_err(|_| crate::corrupt("sessions.id", id))?;
        Ok((id, Timestamp(*expires_at)))
    };
    rows.iter().map(read).collect()
}
