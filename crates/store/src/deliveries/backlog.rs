//! What is not delivered yet, over all tenants, for whoever watches the platform.

use super::pending::COUNTED_AT_MOST;
use super::{IN_LANE, NOBODY};
use crate::{Conn, Result, on};
use model::Timestamp;

/// Endpoints looked at for the oldest delivery, for each owner: some 10 µs each.
const ENDPOINTS: i64 = 10_000;

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
        "SELECT COUNT(*) FROM (SELECT id FROM webhook_logs WHERE owner IN ('', '-') LIMIT ?) AS waiting")
        .bind(COUNTED_AT_MOST).fetch_one(c).await)?;
    let mut owners: Vec<String> =
        on!(conn.again(), c => sqlx::query_scalar("SELECT id FROM servers").fetch_all(c).await)?;
    owners.extend([NOBODY, IN_LANE].map(str::to_owned));
    let mut oldest: Option<i64> = None;
    for owner in owners {
        let queued = ends_of_lanes(conn.again(), &owner).await?;
        let first = queued.into_iter().flat_map(|(first, last)| [first, last]).flatten().min();
        oldest = oldest.into_iter().chain(first).min();
    }
    Ok(Backlog { waiting, oldest: oldest.map(Timestamp) })
}

/// When the deliveries were queued that are due first and last at each endpoint. By way of the endpoints, because MySQL does
/// not step through an index from one to the next.
async fn ends_of_lanes(conn: Conn<'_>, owner: &str) -> Result<Vec<(Option<i64>, Option<i64>)>> {
    on!(conn, c => sqlx::query_as(
        "SELECT (SELECT created_at FROM webhook_logs WHERE owner = ? AND webhook_id = w.id
                 ORDER BY next_attempt_at LIMIT 1),
                (SELECT created_at FROM webhook_logs WHERE owner = ? AND webhook_id = w.id
                 ORDER BY next_attempt_at DESC LIMIT 1)
         FROM webhooks w LIMIT ?")
        .bind(owner).bind(owner).bind(ENDPOINTS).fetch_all(c).await)
}
