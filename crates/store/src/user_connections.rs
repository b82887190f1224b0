//! Which users have WebSockets to which servers. Knows nothing of when a user counts as online.

use crate::rows::{padded, parts, push_in};
use crate::{Conn, Result, corrupt, from_row, on};
use model::{ServerId, TenantId, Timestamp, UserId};
use sqlx::QueryBuilder;

/// Whom a row is about: a user, or all programs.
pub type Owner = Option<UserId>;

/// One owner's connections to one server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Whose they are.
    pub owner: Owner,
    /// The server.
    pub server: ServerId,
    /// How many.
    pub connections: i64,
    /// When the row was last written.
    pub changed_at: Timestamp,
    /// When the last one ended, if it has, and why.
    pub gone: Option<(Timestamp, String)>,
}

struct Stored {
    user_id: String,
    server_id: String,
    connections: i64,
    changed_at: i64,
    gone_at: Option<i64>,
    gone_because: Option<String>,
}

from_row!(Stored: user_id, server_id, connections, changed_at, gone_at, gone_because);

fn text(owner: &Owner) -> &str {
    owner.as_ref().map_or("", UserId::as_str)
}

fn owner(text: &str) -> Result<Owner> {
    if text.is_empty() {
        return Ok(None);
    }
    UserId::parse(text).map(Some).map_err(|_| corrupt("user_connections.user_id", text))
}

impl Stored {
    fn read(self) -> Result<Row> {
        let server = ServerId::parse(&self.server_id)
            .map_err(|_| corrupt("user_connections.server_id", &self.server_id))?;
        Ok(Row {
            owner: owner(&self.user_id)?,
            server,
            connections: self.connections,
            changed_at: Timestamp(self.changed_at),
            gone: self.gone_at.map(|at| (Timestamp(at), self.gone_because.unwrap_or_default())),
        })
    }
}

/// Locks those users, so that nobody else changes their rows here until the transaction ends.
pub async fn lock(conn: Conn<'_>, tenant: &TenantId, owners: &[Owner]) -> Result<()> {
    if !conn.is_mysql() || owners.iter().all(Option::is_none) {
        // The one writer of SQLite is lock enough.
        return Ok(());
    }
    on!(conn, c => {
        let mut select = QueryBuilder::new("SELECT id FROM users WHERE tenant_id = ");
        select.push_bind(tenant.as_str());
        let owners: Vec<_> = owners.iter().flatten().collect();
        push_in(&mut select, " AND id", padded(&owners).map(|owner| owner.as_str()));
        select.push(" ORDER BY id FOR UPDATE");
        select.build().fetch_all(c).await.map(|_| ())
    })
}

/// All rows of those owners.
pub async fn of(conn: Conn<'_>, tenant: &TenantId, owners: &[Owner]) -> Result<Vec<Row>> {
    let rows: Vec<Stored> = on!(conn, c => {
        let mut select = QueryBuilder::new(
            "SELECT user_id, server_id, connections, changed_at, gone_at, gone_because FROM user_connections
             WHERE tenant_id = ");
        select.push_bind(tenant.as_str()).push(" AND user_id IN (");
        let mut list = select.separated(", ");
        for owner in padded(owners) {
            list.push_bind(text(owner));
        }
        select.push(")");
        select.build_query_as().fetch_all(c).await
    })?;
    rows.into_iter().map(Stored::read).collect()
}

/// Writes rows, new or known.
pub async fn put(mut conn: Conn<'_>, tenant: &TenantId, rows: &[Row]) -> Result<()> {
    let on_known = if conn.is_mysql() {
        " ON DUPLICATE KEY UPDATE connections = VALUES(connections), changed_at = VALUES(changed_at),
          gone_at = VALUES(gone_at), gone_because = VALUES(gone_because)"
    } else {
        " ON CONFLICT (tenant_id, user_id, server_id) DO UPDATE SET connections = excluded.connections,
          changed_at = excluded.changed_at, gone_at = excluded.gone_at, gone_because = excluded.gone_because"
    };
    for rows in parts(rows) {
        on!(conn.again(), c => {
            let mut insert = QueryBuilder::new(
                "INSERT INTO user_connections (tenant_id, user_id, server_id, connections, changed_at, gone_at, gone_because) ");
            insert.push_values(rows, |mut values, row| {
                values.push_bind(tenant.as_str()).push_bind(text(&row.owner)).push_bind(row.server.as_str())
                    .push_bind(row.connections).push_bind(row.changed_at.0)
                    .push_bind(row.gone.as_ref().map(|(at, _)| at.0))
                    .push_bind(row.gone.as_ref().map(|(_, why)| why.as_str()));
            });
            insert.push(on_known);
            insert.build().execute(c).await.map(|_| ())
        })?;
    }
    Ok(())
}

/// Removes rows.
pub async fn remove(mut conn: Conn<'_>, tenant: &TenantId, rows: &[&Row]) -> Result<()> {
    for row in rows {
        on!(conn.again(), c => sqlx::query(
            "DELETE FROM user_connections WHERE tenant_id = ? AND user_id = ? AND server_id = ?")
            .bind(tenant.as_str()).bind(text(&row.owner)).bind(row.server.as_str()).execute(c).await.map(|_| ()))?;
    }
    Ok(())
}

/// Owners, of every tenant, with rows whose last connection ended at `before` or earlier.
pub async fn gone(conn: Conn<'_>, before: Timestamp, limit: i64) -> Result<Vec<(TenantId, Owner)>> {
    let rows: Vec<(String, String)> = on!(conn, c => sqlx::query_as(
        "SELECT tenant_id, user_id FROM user_connections WHERE gone_at <= ? ORDER BY gone_at LIMIT ?")
        .bind(before.0).bind(limit).fetch_all(c).await)?;
    let read = |(tenant, user): &(String, String)| {
        let tenant = TenantId::parse(tenant).map_err(|_| corrupt("user_connections.tenant_id", tenant))?;
        Ok((tenant, owner(user)?))
    };
    rows.iter().map(read).collect()
}

/// Servers that have rows, of any tenant, and no lease any more. Rows written after `before` may be of a server that has
/// just begun.
pub async fn strays(conn: Conn<'_>, now: Timestamp, before: Timestamp) -> Result<Vec<ServerId>> {
    let ids: Vec<String> = on!(conn, c => sqlx::query_scalar(
        "SELECT DISTINCT server_id FROM user_connections u WHERE changed_at <= ? AND gone_at IS NULL AND NOT EXISTS
           (SELECT 1 FROM servers s WHERE s.id = u.server_id AND s.lease_until > ?) LIMIT 64")
        .bind(before.0).bind(now.0).fetch_all(c).await)?;
    Ok(ids.iter().filter_map(|id| ServerId::parse(id).ok()).collect())
}

/// Takes all connections of that server, of every tenant, as ended now.
pub async fn abandon(mut conn: Conn<'_>, server: &ServerId, now: Timestamp, why: &str) -> Result<u64> {
    let done = on!(conn.again(), c => sqlx::query(
        "UPDATE user_connections SET connections = 0, changed_at = ?, gone_at = ?, gone_because = ?
         WHERE server_id = ? AND gone_at IS NULL")
        .bind(now.0).bind(now.0).bind(why).bind(server.as_str()).execute(c).await
        .map(|done| done.rows_affected()))?;
    on!(conn, c => sqlx::query("DELETE FROM ws_connections WHERE server_id = ?")
        .bind(server.as_str()).execute(c).await.map(|_| ()))?;
    Ok(done)
}

/// How many rows of living connections that server has, of all tenants.
pub async fn count(conn: Conn<'_>, server: &ServerId) -> Result<i64> {
    on!(conn, c => sqlx::query_scalar("SELECT COUNT(*) FROM user_connections WHERE server_id = ? AND gone_at IS NULL")
        .bind(server.as_str()).fetch_one(c).await)
}

/// What joins rows with the leases of other servers that live.
const LIVE_ELSEWHERE: &str = "JOIN servers s ON s.id = u.server_id AND s.lease_until > ?
    WHERE u.tenant_id = ? AND u.server_id <> ? AND u.connections > 0";

/// The user's connections to servers other than `own`.
pub async fn connections_elsewhere(
    conn: Conn<'_>,
    tenant: &TenantId,
    user: &UserId,
    own: &ServerId,
    now: Timestamp,
) -> Result<i64> {
    let sql = format!(
        "SELECT CAST(COALESCE(SUM(u.connections), 0) AS {}) FROM user_connections u {LIVE_ELSEWHERE} AND u.user_id = ?",
        integer(&conn)
    );
    on!(conn, c => sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).bind(now.0).bind(tenant.as_str()).bind(own.as_str())
        .bind(user.as_str()).fetch_one(c).await)
}

/// All connections of the tenant to servers other than `own`.
pub async fn total_elsewhere(
    conn: Conn<'_>,
    tenant: &TenantId,
    own: &ServerId,
    now: Timestamp,
) -> Result<i64> {
    let sql = format!(
        "SELECT CAST(COALESCE(SUM(u.connections), 0) AS {}) FROM user_connections u {LIVE_ELSEWHERE}",
        integer(&conn)
    );
    on!(conn, c => sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).bind(now.0).bind(tenant.as_str()).bind(own.as_str())
        .fetch_one(c).await)
}

fn integer(conn: &Conn<'_>) -> &'static str {
    if conn.is_mysql() { "SIGNED" } else { "INTEGER" }
}

/// The tenant's users with connections to servers other than `own`.
pub async fn users_elsewhere(
    conn: Conn<'_>,
    tenant: &TenantId,
    own: &ServerId,
    now: Timestamp,
) -> Result<Vec<UserId>> {
    let sql =
        format!("SELECT DISTINCT u.user_id FROM user_connections u {LIVE_ELSEWHERE} AND u.user_id <> ''");
    let ids: Vec<String> = on!(conn, c => sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).bind(now.0)
        .bind(tenant.as_str()).bind(own.as_str()).fetch_all(c).await)?;
    Ok(ids.iter().filter_map(|id| UserId::parse(id).ok()).collect())
}

/// When the user was last heard of by any server, as far as that was written down.
pub async fn last_seen(conn: Conn<'_>, tenant: &TenantId, user: &UserId) -> Result<Option<Timestamp>> {
    let at: Option<Option<i64>> = on!(conn, c => sqlx::query_scalar(
        "SELECT last_seen_at FROM users WHERE tenant_id = ? AND id = ?")
        .bind(tenant.as_str()).bind(user.as_str()).fetch_optional(c).await)?;
    Ok(at.flatten().map(Timestamp))
}

/// Writes down when a user was last heard of.
pub async fn note_seen(conn: Conn<'_>, tenant: &TenantId, user: &UserId, at: Timestamp) -> Result<()> {
    on!(conn, c => sqlx::query("UPDATE users SET last_seen_at = ? WHERE tenant_id = ? AND id = ?")
        .bind(at.0).bind(tenant.as_str()).bind(user.as_str()).execute(c).await.map(|_| ()))
}
