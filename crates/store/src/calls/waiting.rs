//! Who waits in which queue.

use crate::{Conn, Result, on};
use model::calls::Entry;
use model::{QueueId, TenantId};

/// How many wait in a queue, and a call's place there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waiting {
    /// How many.
    pub size: u32,
    /// The place of the stay that was asked about: 1 is next.
    pub position: Option<u32>,
}

/// How many wait in `queue`, and at which place `entry`, if that is a stay there that goes on.
pub async fn waiting(
    mut conn: Conn<'_>,
    tenant: &TenantId,
    queue: &QueueId,
    entry: Option<&Entry>,
) -> Result<Waiting> {
    let size: i64 = on!(conn.again(), c => sqlx::query_scalar(
        "SELECT COUNT(*) FROM queue_entries WHERE tenant_id = ? AND queue_id = ? AND left_at IS NULL")
        .bind(tenant.as_str()).bind(queue.as_str()).fetch_one(c).await)?;
    let Some(entry) = entry.filter(|entry| entry.open() && entry.queue == *queue) else {
        return Ok(Waiting { size: count(size), position: None });
    };
    let ahead: i64 = on!(conn, c => sqlx::query_scalar(
        "SELECT COUNT(*) FROM queue_entries WHERE tenant_id = ? AND queue_id = ? AND left_at IS NULL
         AND (joined_at < ? OR (joined_at = ? AND id < ?))")
        .bind(tenant.as_str()).bind(queue.as_str()).bind(entry.joined_at.0).bind(entry.joined_at.0)
        .bind(entry.id.as_str()).fetch_one(c).await)?;
    Ok(Waiting { size: count(size), position: Some(count(ahead).saturating_add(1)) })
}

fn count(number: i64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
