//! What waits in the lanes of ordered endpoints, in queues: one for each subject, or one for all. A queue's first delivery
//! is the next to be sent, or being sent, or waits for its retry; whatever stands behind it waits for it.

use crate::deliveries::{Delivery, Holder, NewDelivery, Owner, read_many};
use crate::rows::{padded, parts};
use crate::{Conn, Result, on};
use model::{LogId, TenantId, Timestamp, WebhookId};
use sqlx::QueryBuilder;
use std::collections::HashMap;

/// Enters new deliveries that have their places in lanes.
pub(crate) async fn insert(mut conn: Conn<'_>, rows: &[NewDelivery], now: Timestamp) -> Result<()> {
    let place = |new: &NewDelivery| match new.owner {
        Owner::Lane(queue) => Some((new.tenant.clone(), new.webhook.0, queue, new.id.0)),
        Owner::Server(_) | Owner::Nobody => None,
    };
    let places: Vec<(TenantId, i64, i64, i64)> = rows.iter().filter_map(place).collect();
    for places in parts(&places) {
        on!(conn.again(), c => {
            let mut insert = QueryBuilder::new(
                "INSERT INTO webhook_lane_queue (webhook_id, queue, log_id, tenant_id, due_at) ");
            insert.push_values(places, |mut row, (tenant, webhook, queue, log)| {
                row.push_bind(*webhook).push_bind(*queue).push_bind(*log).push_bind(tenant.as_str()).push_bind(now.0);
            });
            insert.build().execute(c).await.map(|_| ())
        })?;
    }
    Ok(())
}

/// The queues of a lane after `after`, `limit` at most, and when the first delivery of each is due, whatever their lengths.
pub async fn queues(
    conn: Conn<'_>,
    tenant: &TenantId,
    webhook: WebhookId,
    after: i64,
    limit: usize,
) -> Result<Vec<(i64, Timestamp)>> {
    if conn.is_mysql() {
        return queues_by_rows(conn, tenant, webhook, after, limit).await;
    }
    let rows: Vec<(i64, Option<i64>)> = on!(conn, c => sqlx::query_as(
        "WITH RECURSIVE queues (queue, number) AS (
           SELECT MIN(queue), 1 FROM webhook_lane_queue WHERE webhook_id = ? AND queue > ?
           UNION ALL
           SELECT (SELECT MIN(queue) FROM webhook_lane_queue WHERE webhook_id = ? AND queue > queues.queue), number + 1
           FROM queues WHERE queues.queue IS NOT NULL AND number < ?)
         SELECT queue, (SELECT due_at FROM webhook_lane_queue q WHERE q.webhook_id = ? AND q.queue = queues.queue
           AND q.tenant_id = ? ORDER BY log_id LIMIT 1) FROM queues WHERE queue IS NOT NULL")
        .bind(webhook.0).bind(after).bind(webhook.0).bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .bind(webhook.0).bind(tenant.as_str()).fetch_all(c).await)?;
    Ok(rows.into_iter().filter_map(|(queue, due_at)| Some((queue, Timestamp(due_at?)))).collect())
}

/// Rows that are read at once to find queues, at most.
const ROWS: usize = 128;

/// Some rows at a time, each time from the next queue on: many where queues are short, few where the last ones were long. That
/// `steps` tells why.
async fn queues_by_rows(
    mut conn: Conn<'_>,
    tenant: &TenantId,
    webhook: WebhookId,
    after: i64,
    limit: usize,
) -> Result<Vec<(i64, Timestamp)>> {
    let mut queues: Vec<(i64, Timestamp)> = Vec::new();
    let mut asked = ROWS;
    while queues.len() < limit {
        let after = queues.last().map_or(after, |(queue, _)| *queue);
        let rows: Vec<(i64, i64)> = on!(conn.again(), c => sqlx::query_as(
            "SELECT queue, due_at FROM webhook_lane_queue FORCE INDEX (PRIMARY)
             WHERE webhook_id = ? AND tenant_id = ? AND queue > ? ORDER BY queue, log_id LIMIT ?")
            .bind(webhook.0).bind(tenant.as_str()).bind(after).bind(i64::try_from(asked).unwrap_or(i64::MAX))
            .fetch_all(c).await)?;
        let (before, is_end) = (queues.len(), rows.len() < asked);
        for (queue, due_at) in rows {
            if queues.last().is_none_or(|(last, _)| *last != queue) {
                queues.push((queue, Timestamp(due_at)));
            }
        }
        if is_end {
            break;
        }
        // Twice as many as were worth their while.
        asked = (2 * (queues.len() - before)).min(ROWS);
    }
    queues.truncate(limit);
    Ok(queues)
}

/// A part of a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// The queue.
    pub queue: i64,
    /// The delivery before it.
    pub after: LogId,
    /// Deliveries, at most.
    pub limit: usize,
}

/// What was found in parts of queues.
#[derive(Debug, Default)]
pub struct Found {
    /// By queue, when its first delivery is due, and the deliveries in order.
    pub deliveries: HashMap<i64, (Timestamp, Vec<Delivery>)>,
    /// Places without a delivery that waits: nothing would ever free them.
    pub empty: Vec<Place>,
}

/// The deliveries in those parts of queues.
pub async fn read(
    mut conn: Conn<'_>,
    tenant: &TenantId,
    webhook: WebhookId,
    parts: &[Part],
) -> Result<Found> {
    if parts.is_empty() {
        return Ok(Found::default());
    }
    let rows: Vec<(i64, i64, i64)> = on!(conn.again(), c => {
        let mut select = QueryBuilder::new("");
        // Parts of nothing bring them to a power of two.
        let nothing = Part { queue: 0, after: LogId(0), limit: 0 };
        for at in 0..parts.len().next_power_of_two() {
            let part = parts.get(at).unwrap_or(&nothing);
            select.push(if at == 0 { "" } else { " UNION ALL " });
            select.push("SELECT * FROM (SELECT queue, log_id, due_at FROM webhook_lane_queue WHERE webhook_id = ");
            select.push_bind(webhook.0).push(" AND tenant_id = ").push_bind(tenant.as_str());
            select.push(" AND queue = ").push_bind(part.queue).push(" AND log_id > ").push_bind(part.after.0);
            select.push(" ORDER BY log_id LIMIT ").push_bind(i64::try_from(part.limit).unwrap_or(i64::MAX));
            select.push(format!(") AS part_{at}"));
        }
        select.build_query_as().fetch_all(c).await
    })?;
    let ids: Vec<i64> = rows.iter().map(|(_, id, _)| *id).collect();
    let mut places: HashMap<i64, (i64, i64)> =
        rows.into_iter().map(|(queue, id, due_at)| (id, (queue, due_at))).collect();
    let mut found = Found::default();
    for delivery in read_many(conn, tenant, &ids, Holder::Lanes).await? {
        let Some((queue, due_at)) = places.remove(&delivery.id.0) else { continue };
        found.deliveries.entry(queue).or_insert((Timestamp(due_at), Vec::new())).1.push(delivery);
    }
    found.empty =
        places.into_iter().map(|(log, (queue, _))| Place { webhook, queue, log: LogId(log) }).collect();
    Ok(found)
}

/// A delivery's place in a lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The endpoint.
    pub webhook: WebhookId,
    /// The queue.
    pub queue: i64,
    /// The delivery.
    pub log: LogId,
}

/// Takes finished deliveries out of their queues.
pub async fn remove(conn: Conn<'_>, places: &[Place]) -> Result<()> {
    if places.is_empty() {
        return Ok(());
    }
    let mysql = conn.is_mysql();
    on!(conn, c => {
        let mut delete = QueryBuilder::new("DELETE FROM webhook_lane_queue WHERE (webhook_id, queue, log_id) IN ");
        delete.push(if mysql { "(" } else { "(VALUES " });
        for (at, place) in padded(places).enumerate() {
            delete.push(if at == 0 { "(" } else { ",(" }).push_bind(place.webhook.0).push(",");
            delete.push_bind(place.queue).push(",").push_bind(place.log.0).push(")");
        }
        delete.push(")").build().execute(c).await.map(|_| ())
    })
}

/// Lets a delivery, and with it its queue, wait until then.
pub async fn postpone(conn: Conn<'_>, place: Place, due_at: Timestamp) -> Result<()> {
    on!(conn, c => sqlx::query(
        "UPDATE webhook_lane_queue SET due_at = ? WHERE webhook_id = ? AND queue = ? AND log_id = ?")
        .bind(due_at.0).bind(place.webhook.0).bind(place.queue).bind(place.log.0).execute(c).await.map(|_| ()))
}

/// Makes up to `limit` deliveries of an endpoint's lane due that wait for their retries; gives how many.
pub async fn make_due(
    conn: Conn<'_>,
    tenant: &TenantId,
    webhook: WebhookId,
    now: Timestamp,
    limit: i64,
) -> Result<u64> {
    let sql = if conn.is_mysql() {
        "UPDATE webhook_lane_queue SET due_at = ? WHERE webhook_id = ? AND tenant_id = ? AND due_at > ? LIMIT ?"
    } else {
        "UPDATE webhook_lane_queue SET due_at = ? WHERE (webhook_id, queue, log_id) IN (SELECT webhook_id, queue, log_id
         FROM webhook_lane_queue WHERE webhook_id = ? AND tenant_id = ? AND due_at > ? LIMIT ?)"
    };
    on!(conn, c => sqlx::query(sql).bind(now.0).bind(webhook.0).bind(tenant.as_str()).bind(now.0).bind(limit)
        .execute(c).await.map(|done| done.rows_affected()))
}

/// Removes an endpoint's deliveries from its lane whose numbers lie in that range.
pub(crate) async fn remove_range(conn: Conn<'_>, webhook: WebhookId, first: i64, last: i64) -> Result<()> {
    on!(conn, c => sqlx::query("DELETE FROM webhook_lane_queue WHERE webhook_id = ? AND log_id BETWEEN ? AND ?")
        .bind(webhook.0).bind(first).bind(last).execute(c).await.map(|_| ()))
}
