//! Webhook deliveries: queue and log in one. A pending one waits to be claimed (`waits` is empty), waits for its turn in a
//! lane (`-`), or a server has it (`sender`); both columns are NULL when it is done.

use crate::hints::use_index;
use crate::lanes::queue;
use crate::rows::parts;
use crate::steps::{self, Steps};
use crate::{Conn, Result, on};
use model::{EventId, EventName, LogId, ServerId, TenantId, Timestamp, WebhookId};
use serde_json::value::RawValue;
use sqlx::{AssertSqlSafe, FromRow, QueryBuilder};
use std::sync::Arc;

mod backlog;
mod blocks;
mod claim;
mod failures;
mod finish;
mod latency;
mod list;
mod log;
mod owned;
mod pending;
mod retry;
mod stats;

pub use backlog::{Backlog, backlog};
pub use blocks::{
    BLOCKS_TOGETHER, Block, Owned, Released, blocks, empty, owned, release, remove_empty,
    senders_without_server,
};
pub(crate) use claim::read_many;
pub use claim::{Claimed, Wish, claim, find};
pub use finish::{Attempt, Holder, Verdict, finish};
pub use latency::Histogram;
pub use list::{Filter, Page, page};
pub use log::{AttemptEntry, LogEntry, attempts, entry};
pub use owned::{Key, still_in_lanes, still_owned, tenant_of_waiting};
pub use pending::{COUNTED_AT_MOST, count_pending};
pub use retry::{has_payload, keep_only_attempt, queue_again};
pub use stats::{Stats, stats};

/// What waits to be claimed.
const TO_BE_CLAIMED: &str = "";
/// What waits in lanes.
const IN_LANE: &str = "-";

/// Who sends a new delivery first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owner {
    /// The server that writes it, which has room for it in memory.
    Server(ServerId),
    /// Whoever claims it.
    Nobody,
    /// Whoever owns the endpoint's lane, after what came before it in that queue.
    Lane(i64),
}

impl Owner {
    /// What it waits for in the database.
    fn waits(&self) -> Option<&'static str> {
        match self {
            Self::Server(_) => None,
            Self::Nobody => Some(TO_BE_CLAIMED),
            Self::Lane(_) => Some(IN_LANE),
        }
    }

    fn sender(&self) -> Option<&str> {
        match self {
            Self::Server(id) => Some(id.as_str()),
            Self::Nobody | Self::Lane(_) => None,
        }
    }
}

/// A delivery about to be written.
#[derive(Debug, Clone)]
pub struct NewDelivery {
    /// The tenant.
    pub tenant: TenantId,
    /// Its number in the tenant.
    pub id: LogId,
    /// Where it goes.
    pub webhook: WebhookId,
    /// The event.
    pub event_id: EventId,
    /// The event's number; none if it is not in the log.
    pub event_seq: Option<i64>,
    /// The event's name.
    pub event: EventName,
    /// The event's subject.
    pub subject: Option<String>,
    /// Who sends it.
    pub owner: Owner,
    /// The payload, if the log does not hold it.
    pub payload: Option<Arc<RawValue>>,
}

/// Writes pending deliveries, due now.
pub async fn insert(mut conn: Conn<'_>, rows: &[NewDelivery], now: Timestamp) -> Result<()> {
    blocks::note_new(conn.again(), rows).await?;
    for chunk in parts(rows) {
        // Most are handed on in memory and have their payload in the log, and each parameter costs the database something.
        let waiting = chunk.iter().any(|new| new.owner.waits().is_some());
        let payloads = chunk.iter().any(|new| new.payload.is_some());
        on!(conn.again(), c => {
            let mut insert = QueryBuilder::new("INSERT INTO webhook_logs (tenant_id, id, webhook_id, event_id, event_seq,
                event, subject, status, sender, created_at");
            insert.push(if waiting { ", waits, next_attempt_at" } else { "" });
            insert.push(if payloads { ", payload) " } else { ") " });
            insert.push_values(chunk, |mut row, new| {
                row.push_bind(new.tenant.as_str()).push_bind(new.id.0).push_bind(new.webhook.0)
                    .push_bind(new.event_id.as_str()).push_bind(new.event_seq).push_bind(new.event.as_str())
                    .push_bind(new.subject.as_deref()).push("'pending'").push_bind(new.owner.sender())
                    .push_bind(now.0);
                if waiting {
                    let waits = new.owner.waits();
                    row.push_bind(waits).push_bind(waits.map(|_| now.0));
                }
                if payloads {
                    row.push_bind(new.payload.as_deref().map(RawValue::get));
                }
            });
            insert.build().execute(c).await.map(|_| ())
        })?;
        queue::insert(conn.again(), chunk, now).await?;
    }
    Ok(())
}

/// An endpoint with deliveries that wait to be claimed, over all tenants.
#[derive(Debug, Clone, Copy)]
pub struct Waiting {
    /// The endpoint.
    pub webhook: WebhookId,
    /// When its first one is due.
    pub due_at: Timestamp,
}

/// The endpoints with unclaimed deliveries, ascending, whatever their backlogs. `known`: those that had some the last time,
/// for which it need not search.
pub async fn waiting(mut conn: Conn<'_>, known: &[WebhookId]) -> Result<Vec<Waiting>> {
    let steps = Steps { table: "webhook_logs", index: "webhook_logs_due", condition: "waits = ''" };
    let endpoints = steps::endpoints(conn.again(), &steps, known).await?;
    let along = use_index(conn.is_mysql(), steps.index);
    let mut waiting = Vec::new();
    for endpoints in steps::tables(&endpoints) {
        let sql = format!(
            "SELECT e.id, (SELECT next_attempt_at FROM webhook_logs{along} WHERE waits = '' AND webhook_id = e.id
               AND next_attempt_at IS NOT NULL ORDER BY next_attempt_at LIMIT 1)
             FROM {endpoints} e ORDER BY e.id"
        );
        let rows: Vec<(i64, Option<i64>)> = on!(conn.again(), c => {
            let rows = sqlx::raw_sql(AssertSqlSafe(sql)).fetch_all(c).await?;
            rows.iter().map(FromRow::from_row).collect()
        })?;
        let first =
            |(id, due): (i64, Option<i64>)| Some(Waiting { webhook: WebhookId(id), due_at: Timestamp(due?) });
        waiting.extend(rows.into_iter().filter_map(first));
    }
    Ok(waiting)
}

/// A delivery that a server is to send.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// The tenant.
    pub tenant: TenantId,
    /// Its number in the tenant.
    pub id: LogId,
    /// Where it goes.
    pub webhook: WebhookId,
    /// The event.
    pub event_id: EventId,
    /// The event's number; none if it is not in the log.
    pub event_seq: Option<i64>,
    /// The event's name.
    pub event: EventName,
    /// The event's subject.
    pub subject: Option<String>,
    /// Attempts made so far.
    pub attempts: i64,
    /// Retries of the schedule that are used up: neither those that the endpoint asked for nor those by hand.
    pub retries: i64,
    /// When the event was written.
    pub created_at: Timestamp,
    /// The event's full payload; none once the event was pruned.
    pub payload: Option<Arc<RawValue>>,
}

/// Gives back one delivery that was claimed and not attempted, to be due at `due_at`.
pub async fn give_back(
    conn: Conn<'_>,
    tenant: &TenantId,
    id: LogId,
    sender: &ServerId,
    due_at: Timestamp,
) -> Result<()> {
    on!(conn, c => sqlx::query(
        "UPDATE webhook_logs SET waits = '', sender = NULL, next_attempt_at = ?
         WHERE tenant_id = ? AND id = ? AND sender = ?")
        .bind(due_at.0).bind(tenant.as_str()).bind(id.0).bind(sender.as_str()).execute(c).await.map(|_| ()))
}

/// Makes up to `limit` of an endpoint's waiting deliveries due at once, whatever their retry schedule says, and as many of
/// those in its lane; gives how many. In a transaction.
pub async fn make_due(
    mut conn: Conn<'_>,
    tenant: &TenantId,
    webhook: WebhookId,
    now: Timestamp,
    limit: i64,
) -> Result<u64> {
    let sql = if conn.is_mysql() {
        "UPDATE webhook_logs SET next_attempt_at = ?
         WHERE waits = '' AND webhook_id = ? AND tenant_id = ? AND next_attempt_at > ? LIMIT ?"
    } else {
        "UPDATE webhook_logs SET next_attempt_at = ? WHERE (tenant_id, id) IN (SELECT tenant_id, id FROM webhook_logs
         WHERE waits = '' AND webhook_id = ? AND tenant_id = ? AND next_attempt_at > ? LIMIT ?)"
    };
    crate::lanes::edited(conn.again(), tenant, webhook).await?;
    let in_lane = queue::make_due(conn.again(), tenant, webhook, now, limit).await?;
    let waiting = on!(conn, c => sqlx::query(sql).bind(now.0).bind(webhook.0).bind(tenant.as_str()).bind(now.0)
        .bind(limit).execute(c).await.map(|done| done.rows_affected()))?;
    Ok(in_lane + waiting)
}

/// Removes up to `limit` log entries, with their attempts, of an endpoint that is gone; gives how many entries.
pub async fn delete_of_webhook(
    mut conn: Conn<'_>,
    tenant: &TenantId,
    webhook: WebhookId,
    limit: i64,
) -> Result<u64> {
    let ids: Vec<i64> = on!(conn.again(), c => sqlx::query_scalar(
        "SELECT id FROM webhook_logs WHERE tenant_id = ? AND webhook_id = ? ORDER BY id LIMIT ?")
        .bind(tenant.as_str()).bind(webhook.0).bind(limit).fetch_all(c).await)?;
    let (Some(first), Some(last)) = (ids.first(), ids.last()) else { return Ok(0) };
    on!(conn.again(), c => sqlx::query(
        "DELETE FROM webhook_attempts WHERE tenant_id = ? AND log_id IN
         (SELECT id FROM webhook_logs WHERE tenant_id = ? AND webhook_id = ? AND id BETWEEN ? AND ?)")
        .bind(tenant.as_str()).bind(tenant.as_str()).bind(webhook.0).bind(first).bind(last)
        .execute(c).await.map(|_| ()))?;
    on!(conn.again(), c => sqlx::query(
        "DELETE FROM webhook_failures WHERE tenant_id = ? AND webhook_id = ? AND log_id BETWEEN ? AND ?")
        .bind(tenant.as_str()).bind(webhook.0).bind(first).bind(last).execute(c).await.map(|_| ()))?;
    queue::remove_range(conn.again(), webhook, *first, *last).await?;
    on!(conn, c => sqlx::query("DELETE FROM webhook_logs WHERE tenant_id = ? AND webhook_id = ? AND id BETWEEN ? AND ?")
        .bind(tenant.as_str()).bind(webhook.0).bind(first).bind(last)
        .execute(c).await.map(|done| done.rows_affected()))
}

/// Removes what is kept about an endpoint that is gone, beside its log.
pub async fn forget_webhook(mut conn: Conn<'_>, tenant: &TenantId, webhook: WebhookId) -> Result<()> {
    for sql in [
        // First, as whoever writes results down locks it first.
        "DELETE FROM webhook_lanes WHERE tenant_id = ? AND webhook_id = ?",
        "DELETE FROM webhook_rollups WHERE tenant_id = ? AND webhook_id = ?",
        "DELETE FROM webhook_health WHERE tenant_id = ? AND webhook_id = ?",
        "DELETE FROM webhook_replays WHERE tenant_id = ? AND webhook_id = ?",
    ] {
        on!(conn.again(), c => sqlx::query(sql).bind(tenant.as_str()).bind(webhook.0).execute(c).await.map(|_| ()))?;
    }
    Ok(())
}
