//! Reads a delivery as its log shows it.

use crate::{Conn, Result, from_row, on};
use model::{LogId, TenantId, WebhookId};
use sqlx::QueryBuilder;

/// A delivery as its log shows it.
#[derive(Debug, Clone)]
pub struct LogEntry {
    /// Its number in the tenant.
    pub id: i64,
    /// Where it goes.
    pub webhook_id: i64,
    /// The event.
    pub event_id: String,
    /// The event's number; none if it is not in the log.
    pub event_seq: Option<i64>,
    /// The event's name.
    pub event: String,
    /// `pending`, `success` or `failed`.
    pub status: String,
    /// Attempts made so far.
    pub attempts: i64,
    /// The last answer's status.
    pub http_status: Option<i64>,
    /// How long the last attempt took.
    pub response_time_ms: Option<i64>,
    /// What was wrong with the last attempt.
    pub error: Option<String>,
    /// The answer to a first attempt that succeeded.
    pub response_body: Option<String>,
    /// When it was queued.
    pub created_at: i64,
    /// When it was done.
    pub completed_at: Option<i64>,
    /// When it is tried next.
    pub next_attempt_at: Option<i64>,
}

from_row!(
    LogEntry: id, webhook_id, event_id, event_seq, event, status, attempts, http_status, response_time_ms,
    error, response_body, created_at, completed_at, next_attempt_at
);

/// What an entry is read from, of a table called `l`.
pub(super) const COLUMNS: &str =
    "SELECT l.id, l.webhook_id, l.event_id, l.event_seq, l.event, l.status, l.attempts,
    l.http_status, l.response_time_ms, l.error, l.response_body, l.created_at, l.completed_at,
    COALESCE(l.next_attempt_at, CASE l.status WHEN 'pending' THEN l.created_at END) AS next_attempt_at";

/// One entry of an endpoint's log.
pub async fn entry(
    conn: Conn<'_>,
    tenant: &TenantId,
    webhook: WebhookId,
    id: LogId,
) -> Result<Option<LogEntry>> {
    on!(conn, c => {
        let mut select = QueryBuilder::new(COLUMNS);
        select.push(" FROM webhook_logs l WHERE l.tenant_id = ").push_bind(tenant.as_str());
        select.push(" AND l.webhook_id = ").push_bind(webhook.0).push(" AND l.id = ").push_bind(id.0);
        select.build_query_as().fetch_optional(c).await
    })
}

/// One attempt as stored.
#[derive(Debug, Clone)]
pub struct AttemptEntry {
    /// 1, 2, …
    pub attempt: i64,
    /// When it began.
    pub attempted_at: i64,
    /// The answer's status.
    pub http_status: Option<i64>,
    /// How long it took.
    pub duration_ms: i64,
    /// What was wrong.
    pub error: Option<String>,
    /// The beginning of the answer's body.
    pub response_body: Option<String>,
}

from_row!(AttemptEntry: attempt, attempted_at, http_status, duration_ms, error, response_body);

/// The stored attempts of a delivery, in order.
pub async fn attempts(conn: Conn<'_>, tenant: &TenantId, id: LogId) -> Result<Vec<AttemptEntry>> {
    on!(conn, c => sqlx::query_as(
        "SELECT attempt, attempted_at, http_status, duration_ms, error, response_body FROM webhook_attempts
         WHERE tenant_id = ? AND log_id = ? ORDER BY attempt")
        .bind(tenant.as_str()).bind(id.0).fetch_all(c).await)
}
