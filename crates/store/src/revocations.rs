//! What every server must forget at once. Rows are read again for a while, because ids commit out of order.

use crate::{Conn, Result, corrupt, on};
use model::{ApiKeyId, ConnectionId, SessionId, TenantId, Timestamp, UserId};

/// What is no longer as it was.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Revoked {
    /// This sign-in has ended.
    Session(SessionId),
    /// This user's role or activity changed, or the user is gone.
    User(UserId),
    /// This API key was removed.
    Key(ApiKeyId),
    /// This WebSocket was closed by an admin.
    Connection(ConnectionId),
}

/// A revocation as read by a server.
#[derive(Debug, Clone)]
pub struct Revocation {
    /// Counts over all tenants.
    pub id: i64,
    /// The tenant.
    pub tenant: TenantId,
    /// What to forget.
    pub revoked: Revoked,
}

/// Tells all servers.
pub async fn insert(conn: Conn<'_>, tenant: &TenantId, revoked: &Revoked, now: Timestamp) -> Result<()> {
    let (kind, target) = match revoked {
        Revoked::Session(id) => ("session", id.as_str()),
        Revoked::User(id) => ("user", id.as_str()),
        Revoked::Key(id) => ("key", id.as_str()),
        Revoked::Connection(id) => ("connection", id.as_str()),
    };
    on!(conn, c => sqlx::query("INSERT INTO revocations (tenant_id, kind, target, created_at) VALUES (?, ?, ?, ?)")
        .bind(tenant.as_str()).bind(kind).bind(target).bind(now.0).execute(c).await.map(|_| ()))
}

/// All revocations, of every tenant, made at `since` or later.
pub async fn since(conn: Conn<'_>, since: Timestamp) -> Result<Vec<Revocation>> {
    let rows: Vec<(i64, String, String, String)> = on!(conn, c => sqlx::query_as(
        "SELECT id, tenant_id, kind, target FROM revocations WHERE created_at >= ? ORDER BY id")
        .bind(since.0).fetch_all(c).await)?;
    rows.into_iter().map(read).collect()
}

fn read((id, tenant, kind, target): (i64, String, String, String)) -> Result<Revocation> {
    let tenant = TenantId::parse(&tenant).map_err(|_| corrupt("revocations.tenant_id", &tenant))?;
    let unreadable = || corrupt("revocations.target", &target);
    let revoked = match kind.as_str() {
        "session" => Revoked::Session(SessionId::parse(&target).map_err(|_| unreadable())?),
        "key" => Revoked::Key(ApiKeyId::parse(&target).map_err(|_| unreadable())?),
        "connection" => Revoked::Connection(ConnectionId::parse(&target).map_err(|_| unreadable())?),
        "user" => Revoked::User(UserId::parse(&target).map_err(|_| unreadable())?),
        _ => return Err(corrupt("revocations.kind", kind)),
    };
    Ok(Revocation { id, tenant, revoked })
}
