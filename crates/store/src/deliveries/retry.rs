//! Queues a finished delivery once more.

use super::TO_BE_CLAIMED;
use super::log::AttemptEntry;
use crate::{Conn, Result, on};
use model::{LogId, TenantId, Timestamp};

/// Makes a finished delivery pending again, due now, with all retries of its schedule before it. Its attempts count on.
/// Gives whether it was finished.
pub async fn queue_again(mut conn: Conn<'_>, tenant: &TenantId, id: LogId, now: Timestamp) -> Result<bool> {
    let queued = on!(conn.again(), c => sqlx::query(
        "UPDATE webhook_logs SET status = 'pending', waits = ?, next_attempt_at = ?, completed_at = NULL, retries = 0
         WHERE tenant_id = ? AND id = ? AND status <> 'pending'")
        .bind(TO_BE_CLAIMED).bind(now.0).bind(tenant.as_str()).bind(id.0).execute(c).await.map(|done| done.rows_affected()))?;
    super::failures::forget(conn, tenant, id).await?;
    Ok(queued > 0)
}

/// Gives an attempt that stood in the delivery's row alone a row of its own, before the next one overwrites it.
pub async fn keep_only_attempt(
    conn: Conn<'_>,
    tenant: &TenantId,
    id: LogId,
    attempt: &AttemptEntry,
) -> Result<()> {
    let sql = if conn.is_mysql() {
        "INSERT IGNORE INTO webhook_attempts (tenant_id, log_id, attempt, attempted_at, http_status, duration_ms, error,
         response_body) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
    } else {
        "INSERT OR IGNORE INTO webhook_attempts (tenant_id, log_id, attempt, attempted_at, http_status, duration_ms, error,
         response_body) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
    };
    on!(conn, c => sqlx::query(sql).bind(tenant.as_str()).bind(id.0).bind(attempt.attempt).bind(attempt.attempted_at)
        .bind(attempt.http_status).bind(attempt.duration_ms).bind(&attempt.error).bind(&attempt.response_body)
        .execute(c).await.map(|_| ()))
}

/// Whether the delivery can be sent again: it has a payload of its own, or its event is from `since` or later.
pub async fn has_payload(conn: Conn<'_>, tenant: &TenantId, id: LogId, since: Timestamp) -> Result<bool> {
    let count: i64 = on!(conn, c => sqlx::query_scalar(
        "SELECT COUNT(*) FROM webhook_logs l LEFT JOIN events e ON e.tenant_id = l.tenant_id AND e.seq = l.event_seq
         WHERE l.tenant_id = ? AND l.id = ? AND (l.payload IS NOT NULL OR e.created_at >= ?)")
        .bind(tenant.as_str()).bind(id.0).bind(since.0).fetch_one(c).await)?;
    Ok(count > 0)
}
