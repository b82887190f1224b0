//! Calls that ended long ago, with their legs and entries. Calls that go on stay, however old.

use crate::rows::padded;
use crate::{Conn, Result, on};
use model::{TenantId, Timestamp};
use sqlx::QueryBuilder;

/// Ids of up to `limit` calls of a tenant that ended before `before`.
pub async fn old_calls(
    conn: Conn<'_>,
    tenant: &TenantId,
    before: Timestamp,
    limit: i64,
) -> Result<Vec<String>> {
    on!(conn, c => sqlx::query_scalar(
        "SELECT id FROM calls WHERE tenant_id = ? AND ended_at < ? ORDER BY ended_at LIMIT ?")
        .bind(tenant.as_str()).bind(before.0).bind(limit).fetch_all(c).await)
}

/// Removes those calls; gives how many there were.
pub async fn delete_calls(mut conn: Conn<'_>, tenant: &TenantId, ids: &[String]) -> Result<u64> {
    let mut calls = 0;
    // The call's own row first: whoever changes a call locks it before anything else.
    for (table, key) in [("calls", "id"), ("call_legs", "call_id"), ("queue_entries", "call_id")] {
        let rows = on!(conn.again(), c => {
            let mut delete = QueryBuilder::new("DELETE FROM ");
            delete.push(table).push(" WHERE tenant_id = ").push_bind(tenant.as_str());
            delete.push(" AND ").push(key).push(" IN (");
            let mut list = delete.separated(", ");
            for id in padded(ids) {
                list.push_bind(id.as_str());
            }
            delete.push(")");
            delete.build().execute(c).await.map(|done| done.rows_affected())
        })?;
        calls += if table == "calls" { rows } else { 0 };
    }
    Ok(calls)
}
