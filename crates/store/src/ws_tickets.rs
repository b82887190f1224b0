//! Tickets that open one WebSocket each. Only their hashes are kept.

use crate::{Conn, Result, corrupt, on};
use model::{SessionId, TenantId, Timestamp, UserId};

/// A ticket's row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ticket {
    /// The tenant.
    pub tenant: TenantId,
    /// SHA-256 of the ticket, in hex.
    pub hash: String,
    /// Who asked for it.
    pub user: UserId,
    /// The sign-in that it was asked for with.
    pub session: SessionId,
    /// When the access token ends that it was asked for with.
    pub session_until: Timestamp,
    /// When the ticket itself ends.
    pub expires_at: Timestamp,
}

/// Adds a ticket.
pub async fn insert(conn: Conn<'_>, ticket: &Ticket) -> Result<()> {
    on!(conn, c => sqlx::query(
        "INSERT INTO ws_tickets (tenant_id, ticket_hash, user_id, session_id, session_until, expires_at)
         VALUES (?, ?, ?, ?, ?, ?)")
        .bind(ticket.tenant.as_str()).bind(&ticket.hash).bind(ticket.user.as_str()).bind(ticket.session.as_str())
        .bind(ticket.session_until.0).bind(ticket.expires_at.0).execute(c).await.map(|_| ()))
}

/// Takes a ticket out, for one caller on one server: whose DELETE finds the row. `None` if it is not there or has ended.
pub async fn take(
    mut conn: Conn<'_>,
    tenant: &TenantId,
    hash: &str,
    now: Timestamp,
) -> Result<Option<Ticket>> {
    let row: Option<(String, String, i64, i64)> = on!(conn.again(), c => sqlx::query_as(
        "SELECT user_id, session_id, session_until, expires_at FROM ws_tickets
         WHERE tenant_id = ? AND ticket_hash = ? AND expires_at > ?")
        .bind(tenant.as_str()).bind(hash).bind(now.0).fetch_optional(c).await)?;
    let Some((user, session, session_until, expires_at)) = row else { return Ok(None) };
    let taken = on!(conn, c => sqlx::query("DELETE FROM ws_tickets WHERE tenant_id = ? AND ticket_hash = ?")
        .bind(tenant.as_str()).bind(hash).execute(c).await.map(|done| done.rows_affected()))?;
    let ticket = Ticket {
        tenant: tenant.clone(),
        hash: hash.to_owned(),
        user: UserId::parse(&user).map_err(|_| corrupt("ws_tickets.user_id", &user))?,
        session: SessionId::parse(&session).map_err(|_| corrupt("ws_tickets.session_id", &session))?,
        session_until: Timestamp(session_until),
        expires_at: Timestamp(expires_at),
    };
    Ok((taken == 1).then_some(ticket))
}
