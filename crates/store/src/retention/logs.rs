//! Old deliveries, with their attempts. Those that are pending stay, however old.

use super::{Range, leading};
use crate::{Conn, Result, on};
use model::{TenantId, Timestamp};
use sqlx::QueryBuilder;

/// The log's first entries behind number `after` from before `before`, `limit` at most, pending ones among them; none if
/// it goes on later.
pub async fn old_logs(
    mut conn: Conn<'_>,
    tenant: &TenantId,
    after: i64,
    before: Timestamp,
    limit: i64,
) -> Result<Option<Range>> {
    const READ: &str =
        "SELECT id, created_at FROM webhook_logs WHERE tenant_id = ? AND id > ? ORDER BY id LIMIT ?";
    // Most logs have nothing to give at most times: one row tells.
    let first: Vec<(i64, i64)> = on!(conn.again(), c => sqlx::query_as(READ)
        .bind(tenant.as_str()).bind(after).bind(1).fetch_all(c).await)?;
    if leading(&first, before, limit).is_none() {
        return Ok(None);
    }
    let rows: Vec<(i64, i64)> = on!(conn, c => sqlx::query_as(READ)
        .bind(tenant.as_str()).bind(after).bind(limit).fetch_all(c).await)?;
    Ok(leading(&rows, before, limit))
}

/// How many rows went.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Removed {
    /// Deliveries.
    pub logs: u64,
    /// Attempts of them.
    pub attempts: u64,
}

/// Removes those entries that are not pending.
pub async fn delete_logs(
    mut conn: Conn<'_>,
    tenant: &TenantId,
    range: Range,
    before: Timestamp,
) -> Result<Removed> {
    let mut removed = Removed::default();
    for (table, counted) in [("webhook_attempts", true), ("webhook_failures", false)] {
        let rows = on!(conn.again(), c => {
            let mut delete = QueryBuilder::new("DELETE FROM ");
            delete.push(table).push(" WHERE tenant_id = ").push_bind(tenant.as_str());
            delete.push(" AND log_id BETWEEN ").push_bind(range.first).push(" AND ").push_bind(range.last);
            // One that somebody has just queued again stays, with its attempts.
            delete.push(" AND log_id IN (SELECT id FROM webhook_logs WHERE tenant_id = ").push_bind(tenant.as_str());
            delete.push(" AND id BETWEEN ").push_bind(range.first).push(" AND ").push_bind(range.last);
            delete.push(" AND status <> 'pending' AND created_at < ").push_bind(before.0).push(")");
            delete.build().execute(c).await.map(|done| done.rows_affected())
        })?;
        removed.attempts += if counted { rows } else { 0 };
    }
    removed.logs = on!(conn, c => sqlx::query(
        "DELETE FROM webhook_logs WHERE tenant_id = ? AND id BETWEEN ? AND ? AND status <> 'pending' AND created_at < ?")
        .bind(tenant.as_str()).bind(range.first).bind(range.last).bind(before.0)
        .execute(c).await.map(|done| done.rows_affected()))?;
    Ok(removed)
}
