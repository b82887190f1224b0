//! Claims due deliveries, and reads deliveries with their payloads. Knows nothing of lanes.

use super::{Delivery, Holder, TO_BE_CLAIMED, blocks};
use crate::journal::raw;
use crate::rows::{MOST, padded};
use crate::{Conn, Error, Result, corrupt, from_row, on};
use model::{EventId, EventName, LogId, ServerId, TenantId, Timestamp, WebhookId};
use sqlx::{Database, Encode, QueryBuilder, Type};
use std::collections::BTreeMap;

struct DeliveryRow {
    tenant_id: String,
    id: i64,
    webhook_id: i64,
    event_id: String,
    event_seq: Option<i64>,
    event: String,
    subject: Option<String>,
    attempts: i64,
    retries: i64,
    created_at: i64,
    payload: Option<String>,
}

from_row!(
    DeliveryRow: tenant_id, id, webhook_id, event_id, event_seq, event, subject, attempts, retries,
    created_at, payload
);

impl TryFrom<DeliveryRow> for Delivery {
    type Error = Error;

    fn try_from(row: DeliveryRow) -> Result<Self> {
        Ok(Self {
            tenant: TenantId::parse(&row.tenant_id)
                .map_err(|_| corrupt("webhook_logs.tenant_id", &row.tenant_id))?,
            id: LogId(row.id),
            webhook: WebhookId(row.webhook_id),
            event_id: EventId::parse(&row.event_id)
                .map_err(|_| corrupt("webhook_logs.event_id", &row.event_id))?,
            event_seq: row.event_seq,
            event: EventName::parse(&row.event).map_err(|_| corrupt("webhook_logs.event", &row.event))?,
            subject: row.subject,
            attempts: row.attempts,
            retries: row.retries,
            created_at: Timestamp(row.created_at),
            payload: row.payload.map(|text| raw("events.payload", text)).transpose()?.map(Into::into),
        })
    }
}

const READ: &str =
    "SELECT l.tenant_id, l.id, l.webhook_id, l.event_id, l.event_seq, l.event, l.subject, l.attempts,
     l.retries, COALESCE(e.created_at, l.event_at, l.created_at) AS created_at, COALESCE(l.payload, e.payload) AS payload
     FROM webhook_logs l LEFT JOIN events e ON e.tenant_id = l.tenant_id AND e.seq = l.event_seq WHERE ";

/// Which deliveries to claim for one endpoint.
#[derive(Debug, Clone, Copy)]
pub struct Wish {
    /// The endpoint.
    pub webhook: WebhookId,
    /// Only what is due from then on. InnoDB keeps what was claimed in the index until it is purged, so that a look from the
    /// beginning passes by all that was claimed in the last seconds.
    pub due_from: Timestamp,
    /// Only what is due by then.
    pub due_by: Timestamp,
    /// How many, at most.
    pub limit: usize,
}

/// What was claimed.
#[derive(Debug, Default)]
pub struct Claimed {
    /// The deliveries, in the order of their tenants and numbers.
    pub deliveries: Vec<Delivery>,
    /// For each wish, when those claimed for it were due, in that order.
    pub due: Vec<Vec<Timestamp>>,
}

/// Claims due deliveries of some endpoints for a server. In a transaction: one statement for each endpoint, and three for each
/// tenant and 256 rows. Deliveries of the same events stand side by side, so to claim those of several endpoints together
/// spares SQLite from writing the same pages again for each.
pub async fn claim(mut conn: Conn<'_>, server: &ServerId, wishes: &[Wish]) -> Result<Claimed> {
    let mut by_tenant: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    let mut claimed = Claimed::default();
    for wish in wishes {
        let rows = lock_due(conn.again(), wish).await?;
        claimed.due.push(rows.iter().map(|(_, _, due)| Timestamp(*due)).collect());
        for (tenant, id, _) in rows {
            by_tenant.entry(tenant).or_default().push(id);
        }
    }
    for (tenant, mut ids) in by_tenant {
        let tenant = TenantId::parse(&tenant).map_err(|_| corrupt("webhook_logs.tenant_id", &tenant))?;
        ids.sort_unstable();
        blocks::note_claimed(conn.again(), server, &tenant, &ids).await?;
        for part in ids.chunks(MOST) {
            own(conn.again(), server, &tenant, part).await?;
            let mut rows = read_many(conn.again(), &tenant, part, Holder::Server(server)).await?;
            claimed.deliveries.append(&mut rows);
        }
    }
    Ok(claimed)
}

async fn own(conn: Conn<'_>, server: &ServerId, tenant: &TenantId, ids: &[i64]) -> Result<()> {
    on!(conn, c => {
        let mut update = QueryBuilder::new("UPDATE webhook_logs SET waits = NULL, sender = ");
        update.push_bind(server.as_str()).push(" WHERE tenant_id = ").push_bind(tenant.as_str());
        push_ids(&mut update, " AND id IN (", ids);
        update.build().execute(c).await.map(|_| ())
    })
}

/// To name the last one several times makes no difference.
fn push_ids<'a, DB>(query: &mut QueryBuilder<DB>, before: &'static str, ids: &'a [i64])
where
    DB: Database,
    i64: Encode<'a, DB> + Type<DB>,
{
    query.push(before);
    let mut list = query.separated(", ");
    for id in padded(ids) {
        list.push_bind(*id);
    }
    query.push(")");
}

/// Tenants, numbers and when they are due, in that order.
async fn lock_due(conn: Conn<'_>, wish: &Wish) -> Result<Vec<(String, i64, i64)>> {
    let sql = if conn.is_mysql() {
        "SELECT tenant_id, id, next_attempt_at FROM webhook_logs
         WHERE waits = ? AND webhook_id = ? AND next_attempt_at >= ? AND next_attempt_at <= ?
         ORDER BY next_attempt_at, tenant_id, id LIMIT ? FOR UPDATE SKIP LOCKED"
    } else {
        // SQLite plans a statement anew each time its LIMIT is bound, but not if that stands in an expression.
        "SELECT tenant_id, id, next_attempt_at FROM webhook_logs
         WHERE waits = ? AND webhook_id = ? AND next_attempt_at >= ? AND next_attempt_at <= ?
         ORDER BY next_attempt_at, tenant_id, id LIMIT ? + 0"
    };
    let limit = i64::try_from(wish.limit).unwrap_or(i64::MAX);
    on!(conn, c => sqlx::query_as(sql)
        .bind(TO_BE_CLAIMED).bind(wish.webhook.0).bind(wish.due_from.0).bind(wish.due_by.0).bind(limit)
        .fetch_all(c).await)
}

/// Those of a tenant's deliveries that this holder has, by number.
pub(crate) async fn read_many(
    conn: Conn<'_>,
    tenant: &TenantId,
    ids: &[i64],
    holder: Holder<'_>,
) -> Result<Vec<Delivery>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<DeliveryRow> = on!(conn, c => {
        let mut select = QueryBuilder::new(READ);
        select.push("l.tenant_id = ").push_bind(tenant.as_str());
        push_ids(&mut select, " AND l.id IN (", ids);
        let (column, value) = holder.condition();
        select.push(format!(" AND l.{column} = ")).push_bind(value).push(" ORDER BY l.id");
        select.build_query_as().fetch_all(c).await
    })?;
    rows.into_iter().map(TryInto::try_into).collect()
}

/// One delivery as it would be sent; `None` if there is none of that number.
pub async fn find(conn: Conn<'_>, tenant: &TenantId, id: LogId) -> Result<Option<Delivery>> {
    let row: Option<DeliveryRow> = on!(conn, c => {
        let mut select = QueryBuilder::new(READ);
        select.push("l.tenant_id = ").push_bind(tenant.as_str()).push(" AND l.id = ").push_bind(id.0);
        select.build_query_as().fetch_optional(c).await
    })?;
    row.map(TryInto::try_into).transpose()
}
