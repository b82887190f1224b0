//! Queues as set up.

use crate::rows::{padded, push_in};
use crate::{Conn, Error, Result, corrupt, from_row, on};
use model::queues::{Channel, Queue, Settings};
use model::{QueueId, TenantId, Timestamp};
use sqlx::QueryBuilder;
use std::time::Duration;

/// A queue as stored.
#[derive(Debug, Clone)]
pub struct Stored {
    /// The queue.
    pub queue: Queue,
    /// When it was set up.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

struct Row {
    id: String,
    name: String,
    channel: String,
    external_name: Option<String>,
    threshold_seconds: i64,
    target_percent: i64,
    short_abandon_seconds: Option<i64>,
    wrap_up_seconds: i64,
    created_at: i64,
    updated_at: i64,
}

from_row!(
    Row: id, name, channel, external_name, threshold_seconds, target_percent, short_abandon_seconds,
    wrap_up_seconds, created_at, updated_at
);

impl TryFrom<Row> for Stored {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let settings = Settings {
            threshold: seconds("queues.threshold_seconds", row.threshold_seconds)?,
            target_percent: u8::try_from(row.target_percent)
                .map_err(|_| corrupt("queues.target_percent", row.target_percent))?,
            short_abandon: row
                .short_abandon_seconds
                .map(|number| seconds("queues.short_abandon_seconds", number))
                .transpose()?,
            wrap_up: seconds("queues.wrap_up_seconds", row.wrap_up_seconds)?,
        };
        let queue = Queue {
            id: queue_id(&row.id)?,
            name: row.name,
            channel: Channel::parse(&row.channel).ok_or_else(|| corrupt("queues.channel", &row.channel))?,
            external_name: row.external_name,
            settings,
        };
        Ok(Self { queue, created_at: Timestamp(row.created_at), updated_at: Timestamp(row.updated_at) })
    }
}

fn seconds(column: &'static str, number: i64) -> Result<Duration> {
    u64::try_from(number).map(Duration::from_secs).map_err(|_| corrupt(column, number))
}

fn in_seconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)
}

pub(crate) fn queue_id(text: &str) -> Result<QueueId> {
    QueueId::parse(text).map_err(|_| corrupt("queues.id", text))
}

/// Adds a queue. `Duplicate` if the tenant has one of that name.
pub async fn insert(conn: Conn<'_>, tenant: &TenantId, queue: &Queue, now: Timestamp) -> Result<()> {
    let settings = &queue.settings;
    on!(conn, c => sqlx::query(
        "INSERT INTO queues (tenant_id, id, name, channel, external_name, threshold_seconds, target_percent,
         short_abandon_seconds, wrap_up_seconds, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
        .bind(tenant.as_str()).bind(queue.id.as_str()).bind(&queue.name).bind(queue.channel.as_str())
        .bind(&queue.external_name).bind(in_seconds(settings.threshold)).bind(i64::from(settings.target_percent))
        .bind(settings.short_abandon.map(in_seconds)).bind(in_seconds(settings.wrap_up)).bind(now.0).bind(now.0)
        .execute(c).await.map(|_| ()))
}

/// Overwrites a queue's name and settings. `Duplicate` if the name is taken.
pub async fn update(conn: Conn<'_>, tenant: &TenantId, queue: &Queue, now: Timestamp) -> Result<()> {
    let settings = &queue.settings;
    on!(conn, c => sqlx::query(
        "UPDATE queues SET name = ?, external_name = ?, threshold_seconds = ?, target_percent = ?,
         short_abandon_seconds = ?, wrap_up_seconds = ?, updated_at = ? WHERE tenant_id = ? AND id = ?")
        .bind(&queue.name).bind(&queue.external_name).bind(in_seconds(settings.threshold))
        .bind(i64::from(settings.target_percent)).bind(settings.short_abandon.map(in_seconds))
        .bind(in_seconds(settings.wrap_up)).bind(now.0).bind(tenant.as_str()).bind(queue.id.as_str())
        .execute(c).await.map(|_| ()))
}

/// Removes a queue; its members and numbers are other tables' rows.
pub async fn delete(conn: Conn<'_>, tenant: &TenantId, queue: &QueueId) -> Result<()> {
    on!(conn, c => sqlx::query("DELETE FROM queues WHERE tenant_id = ? AND id = ?")
        .bind(tenant.as_str()).bind(queue.as_str()).execute(c).await.map(|_| ()))
}

/// How many queues a tenant has.
pub async fn count(conn: Conn<'_>, tenant: &TenantId) -> Result<i64> {
    on!(conn, c => sqlx::query_scalar("SELECT COUNT(*) FROM queues WHERE tenant_id = ?")
        .bind(tenant.as_str()).fetch_one(c).await)
}

/// The queue of that id.
pub async fn find(conn: Conn<'_>, tenant: &TenantId, queue: &QueueId) -> Result<Option<Queue>> {
    Ok(stored(conn, tenant, queue).await?.map(|stored| stored.queue))
}

/// The queue of that id, with when it was set up and changed.
pub async fn stored(conn: Conn<'_>, tenant: &TenantId, queue: &QueueId) -> Result<Option<Stored>> {
    let row: Option<Row> = on!(conn, c => sqlx::query_as("SELECT * FROM queues WHERE tenant_id = ? AND id = ?")
        .bind(tenant.as_str()).bind(queue.as_str()).fetch_optional(c).await)?;
    row.map(TryInto::try_into).transpose()
}

/// Those of these queues that there are, by id, locked in that order until the transaction ends.
pub async fn lock(conn: Conn<'_>, tenant: &TenantId, queues: &[QueueId]) -> Result<Vec<Queue>> {
    let how = if conn.is_mysql() { " FOR UPDATE" } else { "" };
    Ok(select(conn, tenant, queues, how).await?.into_iter().map(|stored| stored.queue).collect())
}

/// Those of these queues that there are, by id.
pub async fn of_ids(conn: Conn<'_>, tenant: &TenantId, queues: &[QueueId]) -> Result<Vec<Queue>> {
    Ok(select(conn, tenant, queues, "").await?.into_iter().map(|stored| stored.queue).collect())
}

async fn select(
    conn: Conn<'_>,
    tenant: &TenantId,
    queues: &[QueueId],
    how: &'static str,
) -> Result<Vec<Stored>> {
    if queues.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<Row> = on!(conn, c => {
        let mut select = QueryBuilder::new("SELECT * FROM queues WHERE tenant_id = ");
        select.push_bind(tenant.as_str());
        push_in(&mut select, " AND id", padded(queues).map(QueueId::as_str));
        select.push(" ORDER BY id").push(how);
        select.build_query_as().fetch_all(c).await
    })?;
    rows.into_iter().map(TryInto::try_into).collect()
}

/// A tenant's queues by id, after the id `after`, `limit` at most.
pub async fn page(conn: Conn<'_>, tenant: &TenantId, after: &str, limit: i64) -> Result<Vec<Stored>> {
    let rows: Vec<Row> = on!(conn, c => sqlx::query_as(
        "SELECT * FROM queues WHERE tenant_id = ? AND id > ? ORDER BY id LIMIT ?")
        .bind(tenant.as_str()).bind(after).bind(limit).fetch_all(c).await)?;
    rows.into_iter().map(TryInto::try_into).collect()
}
