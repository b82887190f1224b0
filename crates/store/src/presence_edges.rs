//! Who came online and who went, for every server to tell its own listeners. Knows nothing of how that is found out.

use crate::{Conn, Result, corrupt, from_row, on, rows};
use model::{EventId, TenantId, Timestamp, UserId};
use sqlx::QueryBuilder;

/// A user's first connection to any server has opened, or the last one has been gone for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edge {
    /// The id of the event that says so, the same on every server.
    pub event: EventId,
    /// The tenant.
    pub tenant: TenantId,
    /// The user.
    pub user: UserId,
    /// When it was found out.
    pub at: Timestamp,
    /// Which of the two.
    pub what: Turn,
}

/// Which way it goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Turn {
    /// The user is here.
    Online {
        /// With so many connections.
        connections: usize,
    },
    /// The user is gone.
    Offline {
        /// When the last connection ended.
        last_seen_at: Timestamp,
        /// Why: `closed`, `timeout` or `revoked`.
        reason: String,
    },
}

struct Stored {
    id: i64,
    tenant_id: String,
    user_id: String,
    event_id: String,
    found_at: i64,
    connections: Option<i64>,
    last_seen_at: Option<i64>,
    reason: Option<String>,
}

from_row!(Stored: id, tenant_id, user_id, event_id, found_at, connections, last_seen_at, reason);

impl Stored {
    fn read(self) -> Result<(i64, Edge)> {
        let bad = |column, text: &str| corrupt(column, text);
        let tenant =
            TenantId::parse(&self.tenant_id).map_err(|_| bad("presence_edges.tenant_id", &self.tenant_id))?;
        let user = UserId::parse(&self.user_id).map_err(|_| bad("presence_edges.user_id", &self.user_id))?;
        let event =
            EventId::parse(&self.event_id).map_err(|_| bad("presence_edges.event_id", &self.event_id))?;
        let at = Timestamp(self.found_at);
        let what = match self.connections {
            Some(count) => Turn::Online { connections: usize::try_from(count).unwrap_or(0) },
            None => Turn::Offline {
                last_seen_at: self.last_seen_at.map_or(at, Timestamp),
                reason: self.reason.unwrap_or_default(),
            },
        };
        Ok((self.id, Edge { event, tenant, user, at, what }))
    }
}

/// Writes edges, in their order. `now` is the moment by the clock that all servers share.
pub async fn insert(mut conn: Conn<'_>, edges: &[Edge], now: Timestamp) -> Result<()> {
    for some in rows::parts(edges) {
        on!(conn.again(), c => {
            let mut insert = QueryBuilder::new(
                "INSERT INTO presence_edges (tenant_id, user_id, event_id, found_at, connections, last_seen_at, reason,
                   written_at) ");
            insert.push_values(some, |mut row, edge| {
                let (connections, gone) = match &edge.what {
                    Turn::Online { connections } => (i64::try_from(*connections).ok(), None),
                    Turn::Offline { last_seen_at, reason } => (None, Some((last_seen_at.0, reason.as_str()))),
                };
                row.push_bind(edge.tenant.as_str()).push_bind(edge.user.as_str()).push_bind(edge.event.as_str())
                    .push_bind(edge.at.0).push_bind(connections).push_bind(gone.map(|(at, _)| at))
                    .push_bind(gone.map(|(_, reason)| reason)).push_bind(now.0);
            });
            insert.build().execute(c).await.map(|_| ())
        })?;
    }
    Ok(())
}

/// Edges of every tenant behind the number `after` that were written at `since` or later, with their numbers and in their
/// order, `limit` at most. Numbers become visible out of order, save those of one user.
pub async fn since(conn: Conn<'_>, after: i64, since: Timestamp, limit: i64) -> Result<Vec<(i64, Edge)>> {
    let rows: Vec<Stored> = on!(conn, c => sqlx::query_as(
        "SELECT id, tenant_id, user_id, event_id, found_at, connections, last_seen_at, reason FROM presence_edges
         WHERE id > ? AND written_at >= ? ORDER BY id LIMIT ?")
        .bind(after).bind(since.0).bind(limit).fetch_all(c).await)?;
    rows.into_iter().map(Stored::read).collect()
}
