//! What waits in queues now.

use crate::asked::{self, Asked};
use crate::{Conn, Error, Result, corrupt, from_row, on};
use model::calls::Party;
use model::{CallId, EntryId, QueueId, TenantId, Timestamp};
use sqlx::QueryBuilder;

/// How many wait in a queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// The queue's place in what was asked.
    pub place: usize,
    /// How many.
    pub entries: u64,
    /// Since when the oldest of them does.
    pub oldest_joined_at: Timestamp,
}

/// How many wait in these queues; those where nobody does are left out.
pub async fn counts(mut conn: Conn<'_>, all: &[Asked<'_>]) -> Result<Vec<Waiting>> {
    let mut waiting = Vec::new();
    for part in asked::parts(all) {
        let join = asked::join(&conn, "queue_entries e", "queue_entries_waiting");
        let rows: Vec<(i64, i64, i64)> = on!(conn.again(), c => {
            let mut select = QueryBuilder::new("SELECT a.place, COUNT(*), MIN(e.joined_at)");
            asked::push_from(&mut select, part);
            select.push(join).push("ON e.tenant_id = a.tenant_id AND e.queue_id = a.queue_id
                AND e.left_at IS NULL GROUP BY a.place");
            select.build_query_as().fetch_all(c).await
        })?;
        waiting.extend(rows.into_iter().map(|(place, entries, oldest)| Waiting {
            place: asked::place(place),
            entries: u64::try_from(entries).unwrap_or_default(),
            oldest_joined_at: Timestamp(oldest),
        }));
    }
    Ok(waiting)
}

/// A stay that goes on.
#[derive(Debug, Clone)]
pub struct Stay {
    /// Its id.
    pub id: EntryId,
    /// What waits.
    pub call: CallId,
    /// Since when.
    pub joined_at: Timestamp,
    /// To how many agents it was offered.
    pub offers: i64,
    /// Who waits.
    pub from: Party,
}

struct Row {
    id: String,
    call_id: String,
    joined_at: i64,
    offers: i64,
    from_number: String,
    from_name: Option<String>,
    to_number: String,
    to_name: Option<String>,
    is_called: i64,
}

from_row!(Row: id, call_id, joined_at, offers, from_number, from_name, to_number, to_name, is_called);

impl TryFrom<Row> for Stay {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let (number, name) = match row.is_called {
            0 => (row.from_number, row.from_name),
            _ => (row.to_number, row.to_name),
        };
        Ok(Self {
            id: EntryId::parse(&row.id).map_err(|_| corrupt("queue_entries.id", &row.id))?,
            call: CallId::parse(&row.call_id).map_err(|_| corrupt("queue_entries.call_id", &row.call_id))?,
            joined_at: Timestamp(row.joined_at),
            offers: row.offers,
            from: Party { number, name },
        })
    }
}

/// A place in a queue: when a stay began, and its id, which decides between those of one moment.
pub type Place = (Timestamp, String);

/// What waits in a queue behind that place, the longest first, `limit` at most.
pub async fn page(
    conn: Conn<'_>,
    tenant: &TenantId,
    queue: &QueueId,
    after: &Place,
    limit: i64,
) -> Result<Vec<Stay>> {
    let (at, id) = after;
    let rows: Vec<Row> = on!(conn, c => sqlx::query_as(
        // As `Call::customer` tells who is served.
        "SELECT e.id, e.call_id, e.joined_at, e.offers,
         c.from_number, c.from_name, c.to_number, c.to_name,
         CASE WHEN c.direction = 'outbound' OR (c.direction = 'internal' AND EXISTS (SELECT 1 FROM call_legs l
           WHERE l.tenant_id = c.tenant_id AND l.call_id = c.id AND l.number > 0 AND l.role = 'caller')) THEN 1 ELSE 0 END
         AS is_called
         FROM queue_entries e JOIN calls c ON c.tenant_id = e.tenant_id AND c.id = e.call_id
         WHERE e.tenant_id = ? AND e.queue_id = ? AND e.left_at IS NULL
         AND (e.joined_at > ? OR (e.joined_at = ? AND e.id > ?)) ORDER BY e.joined_at, e.id LIMIT ?")
        .bind(tenant.as_str()).bind(queue.as_str()).bind(at.0).bind(at.0).bind(id).bind(limit).fetch_all(c).await)?;
    rows.into_iter().map(TryInto::try_into).collect()
}

/// How many wait in a queue up to that place and at it.
pub async fn ahead(conn: Conn<'_>, tenant: &TenantId, queue: &QueueId, upto: &Place) -> Result<i64> {
    let (at, id) = upto;
    on!(conn, c => sqlx::query_scalar(
        "SELECT COUNT(*) FROM queue_entries WHERE tenant_id = ? AND queue_id = ? AND left_at IS NULL
         AND (joined_at < ? OR (joined_at = ? AND id <= ?))")
        .bind(tenant.as_str()).bind(queue.as_str()).bind(at.0).bind(at.0).bind(id).fetch_one(c).await)
}
