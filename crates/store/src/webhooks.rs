//! Webhook endpoints as set up.

use crate::{Conn, Error, Result, corrupt, from_row, on};
use model::webhook::{EventPattern, Ordering};
use model::{TenantId, Timestamp, WebhookId};
use std::collections::BTreeMap;

/// An endpoint as stored.
#[derive(Debug, Clone)]
pub struct Webhook {
    /// Unique over all tenants; 0 before it is stored.
    pub id: WebhookId,
    /// The tenant.
    pub tenant: TenantId,
    /// For people.
    pub name: String,
    /// Where deliveries go.
    pub url: String,
    /// What it subscribes to.
    pub events: Vec<EventPattern>,
    /// Signs deliveries.
    pub secret: String,
    /// Still signs beside the present one, until the moment given.
    pub previous_secret: Option<(String, Timestamp)>,
    /// Whether deliveries are queued at all.
    pub is_active: bool,
    /// Retries after the first attempt.
    pub retry_count: i64,
    /// The time limit of one attempt, in seconds.
    pub timeout_seconds: i64,
    /// The order of deliveries.
    pub ordering: Ordering,
    /// Whether personal data is masked.
    pub mask_personal_data: bool,
    /// Further headers of every delivery.
    pub headers: BTreeMap<String, String>,
    /// For people.
    pub description: Option<String>,
    /// Why the platform switched it off.
    pub disabled_reason: Option<String>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last edited.
    pub updated_at: Timestamp,
}

struct Row {
    id: i64,
    tenant_id: String,
    name: String,
    url: String,
    events: String,
    secret: String,
    previous_secret: Option<String>,
    previous_secret_until: Option<i64>,
    is_active: bool,
    retry_count: i64,
    timeout: i64,
    ordering: String,
    mask_personal_data: bool,
    headers: Option<String>,
    description: Option<String>,
    disabled_reason: Option<String>,
    created_at: i64,
    updated_at: i64,
}

from_row!(
    Row: id, tenant_id, name, url, events, secret, previous_secret, previous_secret_until, is_active,
    retry_count, timeout, ordering, mask_personal_data, headers, description, disabled_reason, created_at,
    updated_at
);

impl TryFrom<Row> for Webhook {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let events: Vec<String> =
            serde_json::from_str(&row.events).map_err(|error| corrupt("webhooks.events", error))?;
        let headers = row.headers.as_deref().map(serde_json::from_str).transpose();
        Ok(Self {
            id: WebhookId(row.id),
            tenant: TenantId::parse(&row.tenant_id)
                .map_err(|_| corrupt("webhooks.tenant_id", &row.tenant_id))?,
            name: row.name,
            url: row.url,
            events: events
                .iter()
                .map(|text| EventPattern::parse(text).map_err(|_| corrupt("webhooks.events", text)))
                .collect::<Result<_>>()?,
            secret: row.secret,
            previous_secret: row.previous_secret.zip(row.previous_secret_until.map(Timestamp)),
            is_active: row.is_active,
            retry_count: row.retry_count,
            timeout_seconds: row.timeout,
            ordering: Ordering::parse(&row.ordering)
                .ok_or_else(|| corrupt("webhooks.ordering", &row.ordering))?,
            mask_personal_data: row.mask_personal_data,
            headers: headers.map_err(|error| corrupt("webhooks.headers", error))?.unwrap_or_default(),
            description: row.description,
            disabled_reason: row.disabled_reason,
            created_at: Timestamp(row.created_at),
            updated_at: Timestamp(row.updated_at),
        })
    }
}

fn events_text(webhook: &Webhook) -> String {
    let names: Vec<String> = webhook.events.iter().map(EventPattern::to_text).collect();
    serde_json::to_string(&names).unwrap_or_default()
}

fn headers_text(webhook: &Webhook) -> Option<String> {
    (!webhook.headers.is_empty()).then(|| serde_json::to_string(&webhook.headers).unwrap_or_default())
}

/// Adds an endpoint and gives its id.
pub async fn insert(conn: Conn<'_>, webhook: &Webhook) -> Result<WebhookId> {
    const INSERT: &str =
        "INSERT INTO webhooks (tenant_id, name, url, events, secret, is_active, retry_count, timeout,
        ordering, mask_personal_data, headers, description, created_at, updated_at)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    let (events, headers) = (events_text(webhook), headers_text(webhook));
    macro_rules! bound {
        () => {
            sqlx::query(INSERT)
                .bind(webhook.tenant.as_str())
                .bind(&webhook.name)
                .bind(&webhook.url)
                .bind(&events)
                .bind(&webhook.secret)
                .bind(webhook.is_active)
                .bind(webhook.retry_count)
                .bind(webhook.timeout_seconds)
                .bind(webhook.ordering.as_str())
                .bind(webhook.mask_personal_data)
                .bind(&headers)
                .bind(&webhook.description)
                .bind(webhook.created_at.0)
                .bind(webhook.updated_at.0)
        };
    }
    let id = match conn {
        Conn::MySql(c) => {
            let done = crate::db::in_time(std::pin::pin!(bound!().execute(c))).await?;
            i64::try_from(done.last_insert_id()).unwrap_or_default()
        }
        Conn::Sqlite(c) => crate::db::in_time(std::pin::pin!(bound!().execute(c))).await?.last_insert_rowid(),
    };
    Ok(WebhookId(id))
}

/// How many endpoints a tenant has, active or not.
pub async fn count(conn: Conn<'_>, tenant: &TenantId) -> Result<i64> {
    on!(conn, c => sqlx::query_scalar("SELECT COUNT(*) FROM webhooks WHERE tenant_id = ?")
        .bind(tenant.as_str()).fetch_one(c).await)
}

/// Overwrites an endpoint's row.
pub async fn update(conn: Conn<'_>, webhook: &Webhook) -> Result<()> {
    let (previous, until) = webhook.previous_secret.clone().unzip();
    on!(conn, c => sqlx::query(
        "UPDATE webhooks SET name = ?, url = ?, events = ?, secret = ?, previous_secret = ?, previous_secret_until = ?,
         is_active = ?, retry_count = ?, timeout = ?, ordering = ?, mask_personal_data = ?, headers = ?, description = ?,
         disabled_reason = ?, updated_at = ? WHERE tenant_id = ? AND id = ?")
        .bind(&webhook.name).bind(&webhook.url).bind(events_text(webhook)).bind(&webhook.secret).bind(&previous)
        .bind(until.map(|at| at.0)).bind(webhook.is_active).bind(webhook.retry_count).bind(webhook.timeout_seconds)
        .bind(webhook.ordering.as_str()).bind(webhook.mask_personal_data).bind(headers_text(webhook))
        .bind(&webhook.description).bind(&webhook.disabled_reason).bind(webhook.updated_at.0)
        .bind(webhook.tenant.as_str()).bind(webhook.id.0).execute(c).await.map(|_| ()))
}

/// Removes an endpoint; gives whether it was there.
pub async fn delete(conn: Conn<'_>, tenant: &TenantId, id: WebhookId) -> Result<bool> {
    let removed = on!(conn, c => sqlx::query("DELETE FROM webhooks WHERE tenant_id = ? AND id = ?")
        .bind(tenant.as_str()).bind(id.0).execute(c).await.map(|done| done.rows_affected()))?;
    Ok(removed > 0)
}

/// The endpoint of that id.
pub async fn find(conn: Conn<'_>, tenant: &TenantId, id: WebhookId) -> Result<Option<Webhook>> {
    find_with(conn, "SELECT * FROM webhooks WHERE tenant_id = ? AND id = ?", tenant, id).await
}

/// The endpoint of that id, locked until the transaction ends.
pub async fn lock(conn: Conn<'_>, tenant: &TenantId, id: WebhookId) -> Result<Option<Webhook>> {
    let sql = if conn.is_mysql() {
        "SELECT * FROM webhooks WHERE tenant_id = ? AND id = ? FOR UPDATE"
    } else {
        "SELECT * FROM webhooks WHERE tenant_id = ? AND id = ?"
    };
    find_with(conn, sql, tenant, id).await
}

async fn find_with(
    conn: Conn<'_>,
    sql: &'static str,
    tenant: &TenantId,
    id: WebhookId,
) -> Result<Option<Webhook>> {
    let row: Option<Row> =
        on!(conn, c => sqlx::query_as(sql).bind(tenant.as_str()).bind(id.0).fetch_optional(c).await)?;
    row.map(TryInto::try_into).transpose()
}

/// A tenant's endpoints by id, after the id `after`, `limit` at most.
pub async fn page(conn: Conn<'_>, tenant: &TenantId, after: i64, limit: i64) -> Result<Vec<Webhook>> {
    let rows: Vec<Row> = on!(conn, c => sqlx::query_as(
        "SELECT * FROM webhooks WHERE tenant_id = ? AND id > ? ORDER BY id LIMIT ?")
        .bind(tenant.as_str()).bind(after).bind(limit).fetch_all(c).await)?;
    rows.into_iter().map(TryInto::try_into).collect()
}

/// What the broadcaster needs to know of an active endpoint.
#[derive(Debug, Clone)]
pub struct Subscription {
    /// The endpoint.
    pub webhook: WebhookId,
    /// What it subscribes to.
    pub events: Vec<EventPattern>,
    /// The order of its deliveries.
    pub ordering: Ordering,
}

/// The subscriptions of a tenant's active endpoints. A row that somebody edited into nonsense is left out.
pub async fn subscriptions(conn: Conn<'_>, tenant: &TenantId) -> Result<Vec<Subscription>> {
    let rows: Vec<Row> = on!(conn, c => sqlx::query_as(
        "SELECT * FROM webhooks WHERE tenant_id = ? AND is_active = TRUE ORDER BY id")
        .bind(tenant.as_str()).fetch_all(c).await)?;
    let mut subscriptions = Vec::with_capacity(rows.len());
    for row in rows {
        let id = row.id;
        match Webhook::try_from(row) {
            Ok(webhook) => subscriptions.push(Subscription {
                webhook: webhook.id,
                events: webhook.events,
                ordering: webhook.ordering,
            }),
            Err(error) => tracing::warn!(webhook_id = id, %error, "Webhook left out: its row cannot be read"),
        }
    }
    Ok(subscriptions)
}

/// How an endpoint has fared of late.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Health {
    /// The endpoint.
    pub webhook_id: i64,
    /// Attempts without success since the last one that succeeded.
    pub consecutive_failures: i64,
    /// When the first of them ended, in milliseconds since 1970.
    pub failing_since: Option<i64>,
    /// Until when it asked to be left alone, in milliseconds since 1970.
    pub paused_until: Option<i64>,
}

from_row!(Health: webhook_id, consecutive_failures, failing_since, paused_until);

impl Health {
    /// As it stands at that moment: a pause that is over is none.
    #[must_use]
    pub fn at(self, now: Timestamp) -> Self {
        Self { paused_until: self.paused_until.filter(|until| *until > now.0), ..self }
    }
}

/// How a tenant's endpoints from `first` to `last` have fared; those without an attempt are left out.
pub async fn health(
    conn: Conn<'_>,
    tenant: &TenantId,
    first: WebhookId,
    last: WebhookId,
) -> Result<Vec<Health>> {
    on!(conn, c => sqlx::query_as(
        "SELECT webhook_id, consecutive_failures, failing_since, paused_until FROM webhook_health
         WHERE tenant_id = ? AND webhook_id BETWEEN ? AND ?")
        .bind(tenant.as_str()).bind(first.0).bind(last.0).fetch_all(c).await)
}

/// The endpoints of all tenants that asked to be left alone until after `now`, and until when.
pub async fn paused(conn: Conn<'_>, now: Timestamp) -> Result<Vec<(WebhookId, Timestamp)>> {
    let rows: Vec<(i64, i64)> = on!(conn, c => sqlx::query_as(
        "SELECT webhook_id, paused_until FROM webhook_health WHERE paused_until > ?")
        .bind(now.0).fetch_all(c).await)?;
    Ok(rows.into_iter().map(|(id, until)| (WebhookId(id), Timestamp(until))).collect())
}
