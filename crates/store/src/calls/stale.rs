//! Calls that nobody reports on any more.

use crate::{Conn, Result, corrupt, on};
use model::{CallId, TenantId, Timestamp};

/// Up to `limit` calls, of every tenant, that go on and of which nothing was heard since `before`, the oldest first.
pub async fn stale(conn: Conn<'_>, before: Timestamp, limit: i64) -> Result<Vec<(TenantId, CallId)>> {
    let rows: Vec<(String, String)> = on!(conn, c => sqlx::query_as(
        "SELECT tenant_id, id FROM calls WHERE ended_at IS NULL AND reported_at <= ? ORDER BY reported_at LIMIT ?")
        .bind(before.0).bind(limit).fetch_all(c).await)?;
    let read = |(tenant, id): (String, String)| {
        let tenant = TenantId::parse(&tenant).map_err(|_| corrupt("calls.tenant_id", &tenant))?;
        Ok((tenant, CallId::parse(&id).map_err(|_| corrupt("calls.id", &id))?))
    };
    rows.into_iter().map(read).collect()
}
