//! Reads deliveries as their log shows them.

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
