//! Endpoints that have been failing, and what was said of it.

use crate::{Conn, Result, from_row, on};
use model::{TenantId, Timestamp, WebhookId};

/// From when on something is to be said.
#[derive(Debug, Clone, Copy)]
pub struct Since {
    /// Attempts in a row without success after which an endpoint counts as failing.
    pub failing_after: i64,
    /// Attempts in a row without success before an endpoint may be switched off.
    pub disabled_after: i64,
    /// Failing since then or longer: to be warned a second time.
    pub warned: Timestamp,
    /// Failing since then or longer: to be switched off.
    pub disabled: Timestamp,
}

/// Endpoints of all tenants of which something is to be said, `limit` at most.
pub async fn due(conn: Conn<'_>, since: Since, limit: i64) -> Result<Vec<(TenantId, WebhookId)>> {
    let rows: Vec<(String, i64)> = on!(conn, c => sqlx::query_as(
        "SELECT tenant_id, webhook_id FROM webhook_health WHERE failing_since IS NOT NULL AND
         ((told = 0 AND consecutive_failures >= ?)
          OR (told < 2 AND consecutive_failures >= ? AND failing_since <= ?)
          OR (told < 3 AND consecutive_failures >= ? AND failing_since <= ?)) LIMIT ?")
        .bind(since.failing_after).bind(since.failing_after).bind(since.warned.0).bind(since.disabled_after)
        .bind(since.disabled.0).bind(limit).fetch_all(c).await)?;
    let parse = |(tenant, id): (String, i64)| Some((TenantId::parse(&tenant).ok()?, WebhookId(id)));
    Ok(rows.into_iter().filter_map(parse).collect())
}

/// How an endpoint has been failing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Failing {
    /// Attempts since the last success.
    pub consecutive_failures: i64,
    /// When the first of them ended.
    pub failing_since: Option<i64>,
    /// What was said of it: 1 that it fails, 2 that its end is near, 3 its end.
    pub told: i64,
    /// The last answer's status.
    pub last_status: Option<i64>,
    /// What was last wrong.
    pub last_error: Option<String>,
}

from_row!(Failing: consecutive_failures, failing_since, told, last_status, last_error);

/// How an endpoint has been failing; `None` if it was never tried.
pub async fn find(conn: Conn<'_>, tenant: &TenantId, webhook: WebhookId) -> Result<Option<Failing>> {
    on!(conn, c => sqlx::query_as(
        "SELECT consecutive_failures, failing_since, told, last_status, last_error FROM webhook_health
         WHERE tenant_id = ? AND webhook_id = ?")
        .bind(tenant.as_str()).bind(webhook.0).fetch_optional(c).await)
}

/// Notes what is said, if things still are as they were found; gives whether they are.
pub async fn tell(
    conn: Conn<'_>,
    tenant: &TenantId,
    webhook: WebhookId,
    found: &Failing,
    told: i64,
) -> Result<bool> {
    let done = on!(conn, c => sqlx::query(
        "UPDATE webhook_health SET told = ? WHERE tenant_id = ? AND webhook_id = ? AND told = ? AND failing_since = ?")
        .bind(told).bind(tenant.as_str()).bind(webhook.0).bind(found.told).bind(found.failing_since)
        .execute(c).await.map(|done| done.rows_affected()))?;
    Ok(done > 0)
}

/// Begins anew, a pause that it asked for included: whoever switches an endpoint on again, or gives it another address, wants it tried.
pub async fn forgive(conn: Conn<'_>, tenant: &TenantId, webhook: WebhookId) -> Result<()> {
    on!(conn, c => sqlx::query(
        "UPDATE webhook_health SET consecutive_failures = 0, failing_since = NULL, told = 0, paused_until = NULL
         WHERE tenant_id = ? AND webhook_id = ?")
        .bind(tenant.as_str()).bind(webhook.0).execute(c).await.map(|_| ()))
}

/// When the oldest delivery that waits for an endpoint was queued, among the thousand that are due first, so that a backlog of a million costs no more.
pub async fn oldest_waiting(
    conn: Conn<'_>,
    tenant: &TenantId,
    webhook: WebhookId,
) -> Result<Option<Timestamp>> {
    let oldest: Option<i64> = on!(conn, c => sqlx::query_scalar(
        "SELECT MIN(created_at) FROM (SELECT created_at FROM webhook_logs
         WHERE waits IN ('', '-') AND webhook_id = ? AND tenant_id = ? ORDER BY next_attempt_at LIMIT 1000) AS first")
        .bind(webhook.0).bind(tenant.as_str()).fetch_one(c).await)?;
    Ok(oldest.map(Timestamp))
}
