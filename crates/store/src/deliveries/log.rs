//! Reads deliveries as their log shows them, and what they add up to.

use crate::{Conn, Result, on};
use model::{LogId, TenantId, Timestamp, WebhookId};
use sqlx::{FromRow, QueryBuilder};

/// A delivery as its log shows it.
#[derive(Debug, Clone, FromRow)]
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

const COLUMNS: &str =
    "SELECT id, webhook_id, event_id, event_seq, event, status, attempts, http_status, response_time_ms,
    error, response_body, created_at, completed_at, next_attempt_at FROM webhook_logs WHERE tenant_id = ";

/// Which entries to list.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Of this endpoint only; of all that the tenant has otherwise.
    pub webhook: Option<WebhookId>,
    /// With this status only.
    pub status: Option<&'static str>,
    /// About events of this name only.
    pub event: Option<String>,
    /// Queued then or later.
    pub from: Option<Timestamp>,
    /// Queued before that.
    pub to: Option<Timestamp>,
    /// With a lower number only.
    pub before: Option<LogId>,
}

/// Entries of a tenant, newest first, `limit` at most.
pub async fn page(conn: Conn<'_>, tenant: &TenantId, filter: &Filter, limit: i64) -> Result<Vec<LogEntry>> {
    on!(conn, c => {
        let mut select = QueryBuilder::new(COLUMNS);
        select.push_bind(tenant.as_str());
        if let Some(webhook) = filter.webhook {
            select.push(" AND webhook_id = ").push_bind(webhook.0);
        } else {
            // The log of an endpoint that is gone is removed in steps, and is not shown meanwhile.
            select.push(" AND webhook_id IN (SELECT id FROM webhooks WHERE tenant_id = ").push_bind(tenant.as_str()).push(")");
        }
        if let Some(status) = filter.status {
            select.push(" AND status = ").push_bind(status);
        }
        if let Some(event) = &filter.event {
            select.push(" AND event = ").push_bind(event);
        }
        if let Some(from) = filter.from {
            select.push(" AND created_at >= ").push_bind(from.0);
        }
        if let Some(to) = filter.to {
            select.push(" AND created_at < ").push_bind(to.0);
        }
        if let Some(before) = filter.before {
            select.push(" AND id < ").push_bind(before.0);
        }
        select.push(" ORDER BY id DESC LIMIT ").push_bind(limit);
        select.build_query_as().fetch_all(c).await
    })
}

/// One entry of an endpoint's log.
pub async fn entry(
    conn: Conn<'_>,
    tenant: &TenantId,
    webhook: WebhookId,
    id: LogId,
) -> Result<Option<LogEntry>> {
    on!(conn, c => {
        let mut select = QueryBuilder::new(COLUMNS);
        select.push_bind(tenant.as_str()).push(" AND webhook_id = ").push_bind(webhook.0);
        select.push(" AND id = ").push_bind(id.0);
        select.build_query_as().fetch_optional(c).await
    })
}

/// One attempt as stored.
#[derive(Debug, Clone, FromRow)]
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

/// The stored attempts of a delivery, in order.
pub async fn attempts(conn: Conn<'_>, tenant: &TenantId, id: LogId) -> Result<Vec<AttemptEntry>> {
    on!(conn, c => sqlx::query_as(
        "SELECT attempt, attempted_at, http_status, duration_ms, error, response_body FROM webhook_attempts
         WHERE tenant_id = ? AND log_id = ? ORDER BY attempt")
        .bind(tenant.as_str()).bind(id.0).fetch_all(c).await)
}

/// What an endpoint's deliveries add up to.
#[derive(Debug, Clone, Default, FromRow)]
pub struct Stats {
    /// Delivered.
    pub successful: i64,
    /// Given up.
    pub failed: i64,
    /// Waiting or being sent.
    #[sqlx(default)]
    pub pending: i64,
    /// The answered attempts' durations, added up.
    pub latency_ms_sum: i64,
    /// How many attempts were answered.
    pub latency_count: i64,
    /// When the last attempt ended.
    #[sqlx(default)]
    pub last_delivery_at: Option<i64>,
    /// What was last wrong.
    #[sqlx(default)]
    pub last_error: Option<String>,
}

/// What finished since `since`, and what is pending now.
pub async fn stats(
    mut conn: Conn<'_>,
    tenant: &TenantId,
    webhook: WebhookId,
    since: Timestamp,
) -> Result<Stats> {
    let mut stats: Stats = on!(conn.again(), c => sqlx::query_as(
        "SELECT CAST(COALESCE(SUM(successful), 0) AS SIGNED) AS successful, CAST(COALESCE(SUM(failed), 0) AS SIGNED) AS failed,
         CAST(COALESCE(SUM(latency_ms_sum), 0) AS SIGNED) AS latency_ms_sum,
         CAST(COALESCE(SUM(latency_count), 0) AS SIGNED) AS latency_count
         FROM webhook_rollups WHERE tenant_id = ? AND webhook_id = ? AND minute_at > ?")
        .bind(tenant.as_str()).bind(webhook.0).bind(since.0 - 60_000).fetch_one(c).await)?;
    stats.pending = on!(conn.again(), c => sqlx::query_scalar(
        "SELECT COUNT(*) FROM webhook_logs WHERE tenant_id = ? AND webhook_id = ? AND status = 'pending'")
        .bind(tenant.as_str()).bind(webhook.0).fetch_one(c).await)?;
    let last: Option<(Option<i64>, Option<String>)> = on!(conn, c => sqlx::query_as(
        "SELECT last_delivery_at, last_error FROM webhook_health WHERE tenant_id = ? AND webhook_id = ?")
        .bind(tenant.as_str()).bind(webhook.0).fetch_optional(c).await)?;
    (stats.last_delivery_at, stats.last_error) = last.unwrap_or_default();
    Ok(stats)
}
