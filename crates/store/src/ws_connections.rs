//! Each WebSocket, for the lists of several servers. Knows nothing of presence.

use crate::rows::{MOST, padded, parts};
use crate::{Conn, Result, corrupt, from_row, on};
use model::{ConnectionId, ServerId, TenantId, Timestamp, UserId};
use sqlx::QueryBuilder;

/// A WebSocket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection {
    /// Its id.
    pub id: ConnectionId,
    /// Which server it is to.
    pub server: ServerId,
    /// Whose it is; none for a program.
    pub user: Option<UserId>,
    /// When it began.
    pub connected_at: Timestamp,
    /// Where it comes from.
    pub remote_addr: String,
    /// What the client calls itself, up to 300 characters.
    pub user_agent: Option<String>,
}

/// Adds connections.
pub async fn insert(mut conn: Conn<'_>, tenant: &TenantId, connections: &[Connection]) -> Result<()> {
    let ignore = if conn.is_mysql() { "INSERT IGNORE" } else { "INSERT OR IGNORE" };
    for some in parts(connections) {
        on!(conn.again(), c => {
            let mut insert = QueryBuilder::new(ignore);
            insert.push(" INTO ws_connections (tenant_id, id, server_id, user_id, connected_at, remote_addr, user_agent) ");
            insert.push_values(some, |mut row, it| {
                row.push_bind(tenant.as_str()).push_bind(it.id.as_str()).push_bind(it.server.as_str())
                    .push_bind(it.user.as_ref().map(UserId::as_str)).push_bind(it.connected_at.0)
                    .push_bind(it.remote_addr.as_str()).push_bind(it.user_agent.as_deref());
            });
            insert.build().execute(c).await.map(|_| ())
        })?;
    }
    Ok(())
}

/// Removes connections.
pub async fn remove(mut conn: Conn<'_>, tenant: &TenantId, ids: &[ConnectionId]) -> Result<()> {
    for some in ids.chunks(MOST) {
        on!(conn.again(), c => {
            let mut delete = QueryBuilder::new("DELETE FROM ws_connections WHERE tenant_id = ");
            delete.push_bind(tenant.as_str()).push(" AND id IN (");
            let mut list = delete.separated(", ");
            for id in padded(some) {
                list.push_bind(id.as_str());
            }
            delete.push(")");
            delete.build().execute(c).await.map(|_| ())
        })?;
    }
    Ok(())
}

struct Row {
    id: String,
    server_id: String,
    user_id: Option<String>,
    connected_at: i64,
    remote_addr: String,
    user_agent: Option<String>,
}

from_row!(Row: id, server_id, user_id, connected_at, remote_addr, user_agent);

/// The tenant's connections to living servers other than `own`, by id, behind the id `after`.
pub async fn page_elsewhere(
    conn: Conn<'_>,
    tenant: &TenantId,
    own: &ServerId,
    now: Timestamp,
    after: &str,
    limit: i64,
) -> Result<Vec<Connection>> {
    let rows: Vec<Row> = on!(conn, c => sqlx::query_as(
        "SELECT w.id, w.server_id, w.user_id, w.connected_at, w.remote_addr, w.user_agent FROM ws_connections w
         JOIN servers s ON s.id = w.server_id AND s.lease_until > ?
         WHERE w.tenant_id = ? AND w.server_id <> ? AND w.id > ? ORDER BY w.id LIMIT ?")
        .bind(now.0).bind(tenant.as_str()).bind(own.as_str()).bind(after).bind(limit).fetch_all(c).await)?;
    rows.into_iter().map(read).collect()
}

/// Whether a living server other than `own` has that connection of the tenant.
pub async fn is_elsewhere(
    conn: Conn<'_>,
    tenant: &TenantId,
    own: &ServerId,
    now: Timestamp,
    id: &ConnectionId,
) -> Result<bool> {
    let count: i64 = on!(conn, c => sqlx::query_scalar(
        "SELECT COUNT(*) FROM ws_connections w JOIN servers s ON s.id = w.server_id AND s.lease_until > ?
         WHERE w.tenant_id = ? AND w.server_id <> ? AND w.id = ?")
        .bind(now.0).bind(tenant.as_str()).bind(own.as_str()).bind(id.as_str()).fetch_one(c).await)?;
    Ok(count > 0)
}

fn read(row: Row) -> Result<Connection> {
    let user = row.user_id.map(|id| UserId::parse(&id).map_err(|_| corrupt("ws_connections.user_id", &id)));
    Ok(Connection {
        id: ConnectionId::parse(&row.id).map_err(|_| corrupt("ws_connections.id", &row.id))?,
        server: ServerId::parse(&row.server_id)
            .map_err(|_| corrupt("ws_connections.server_id", &row.server_id))?,
        user: user.transpose()?,
        connected_at: Timestamp(row.connected_at),
        remote_addr: row.remote_addr,
        user_agent: row.user_agent,
    })
}
