//! The event log's old end. It goes from the front without a gap, so that what is left begins at `oldest_seq`; deliveries
//! that still need an event's payload get it first.

use super::{Range, leading};
use crate::hints::use_index;
use crate::{Conn, Result, on};
use model::{LogId, TenantId, Timestamp};
use sqlx::QueryBuilder;

/// The log's first events from before `before`, `limit` at most; none if it begins later.
pub async fn old_events(
    mut conn: Conn<'_>,
    tenant: &TenantId,
    before: Timestamp,
    limit: i64,
) -> Result<Option<Range>> {
    const READ: &str = "SELECT seq, created_at FROM events WHERE tenant_id = ? ORDER BY seq LIMIT ?";
    // Most logs have nothing to give at most times: one row tells.
    let first: Vec<(i64, i64)> =
        on!(conn.again(), c => sqlx::query_as(READ).bind(tenant.as_str()).bind(1).fetch_all(c).await)?;
    if leading(&first, before, limit).is_none() {
        return Ok(None);
    }
    let rows: Vec<(i64, i64)> =
        on!(conn, c => sqlx::query_as(READ).bind(tenant.as_str()).bind(limit).fetch_all(c).await)?;
    Ok(leading(&rows, before, limit))
}

/// Pending deliveries of those events that have no payload of their own, `limit` at most.
pub async fn needed_payloads(
    conn: Conn<'_>,
    tenant: &TenantId,
    range: Range,
    limit: i64,
) -> Result<Vec<LogId>> {
    let by_event = use_index(conn.is_mysql(), "webhook_logs_event");
    let ids: Vec<i64> = on!(conn, c => {
        let mut select = QueryBuilder::new("SELECT id FROM webhook_logs");
        select.push(&by_event).push(" WHERE tenant_id = ").push_bind(tenant.as_str());
        select.push(" AND event_seq BETWEEN ").push_bind(range.first).push(" AND ").push_bind(range.last);
        select.push(" AND status = 'pending' AND payload IS NULL LIMIT ").push_bind(limit);
        select.build_query_scalar().fetch_all(c).await
    })?;
    Ok(ids.into_iter().map(LogId).collect())
}

/// Gives pending deliveries their event's payload and moment, to be sent when the event is gone.
pub async fn keep_payloads(mut conn: Conn<'_>, tenant: &TenantId, ids: &[LogId]) -> Result<()> {
    for id in ids {
        on!(conn.again(), c => sqlx::query(
            "UPDATE webhook_logs SET
               event_at = (SELECT e.created_at FROM events e
                 WHERE e.tenant_id = webhook_logs.tenant_id AND e.seq = webhook_logs.event_seq),
               payload = (SELECT e.payload FROM events e
                 WHERE e.tenant_id = webhook_logs.tenant_id AND e.seq = webhook_logs.event_seq)
             WHERE tenant_id = ? AND id = ? AND status = 'pending' AND payload IS NULL")
            .bind(tenant.as_str()).bind(id.0).execute(c).await.map(|_| ()))?;
    }
    Ok(())
}

/// Removes those events; gives how many.
pub async fn delete_events(
    conn: Conn<'_>,
    tenant: &TenantId,
    range: Range,
    before: Timestamp,
) -> Result<u64> {
    on!(conn, c => sqlx::query("DELETE FROM events WHERE tenant_id = ? AND seq BETWEEN ? AND ? AND created_at < ?")
        .bind(tenant.as_str()).bind(range.first).bind(range.last).bind(before.0)
        .execute(c).await.map(|done| done.rows_affected()))
}
