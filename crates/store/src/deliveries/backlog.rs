//! What is not delivered yet, over all tenants, for whoever watches the platform.

use super::pending::COUNTED_AT_MOST;
use super::{IN_LANE, TO_BE_CLAIMED, blocks};
use crate::{Conn, Result, on};
use model::Timestamp;

/// Endpoints looked at for the oldest delivery, for each of what it may wait for: some 10 µs each.
const ENDPOINTS: i64 = 10_000;
/// Blocks looked at for the oldest one that a server has, some 100 µs each. Where servers have more at once, what is oldest may
/// stand in another one.
const BLOCKS: i64 = 1_000;

/// What is not delivered yet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Deliveries that wait in the database; not counted beyond [`COUNTED_AT_MOST`].
    pub waiting: i64,
    /// When the oldest one that is not done was queued, of those that are due first and last at each endpoint: the first
    /// has waited longest for its turn, the last has most retries behind it.
    pub oldest: Option<Timestamp>,
}

/// Reads it by the index of what is due.
pub async fn backlog(mut conn: Conn<'_>) -> Result<Backlog> {
    let waiting = on!(conn.again(), c => sqlx::query_scalar(
        "SELECT COUNT(*) FROM (SELECT id FROM webhook_logs WHERE waits IN ('', '-') LIMIT ?) AS waiting")
        .bind(COUNTED_AT_MOST).fetch_one(c).await)?;
    let blocks = blocks::of_all_servers(conn.again(), None, BLOCKS).await?;
    let mut oldest = blocks::oldest(conn.again(), &blocks).await?;
    for waits in [TO_BE_CLAIMED, IN_LANE] {
        let queued = ends_of_lanes(conn.again(), waits).await?;
        let first = queued.into_iter().flat_map(|(first, last)| [first, last]).flatten().min();
        oldest = oldest.into_iter().chain(first).min();
    }
    Ok(Backlog { waiting, oldest: oldest.map(Timestamp) })
}

/// When the deliveries were queued that are due first and last at each endpoint. By way of the endpoints, because MySQL does
/// not step through an index from one to the next.
async fn ends_of_lanes(conn: Conn<'_>, waits: &str) -> Result<Vec<(Option<i64>, Option<i64>)>> {
    on!(conn, c => sqlx::query_as(
        "SELECT (SELECT created_at FROM webhook_logs WHERE waits = ? AND webhook_id = w.id
                 ORDER BY next_attempt_at LIMIT 1),
                (SELECT created_at FROM webhook_logs WHERE waits = ? AND webhook_id = w.id
                 ORDER BY next_attempt_at DESC LIMIT 1)
         FROM webhooks w LIMIT ?")
        .bind(waits).bind(waits).bind(ENDPOINTS).fetch_all(c).await)
}
