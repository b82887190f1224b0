//! The event log. `lock_heads` takes tenants' sequence rows, `append` writes behind them; both in one transaction, and
//! nothing else may be locked in between.

use crate::rows::{padded, parts, push_in};
use crate::{Conn, Error, Result, corrupt, from_row, on};
use model::{Event, EventId, EventName, NewEvent, TenantId, Timestamp};
use serde_json::value::RawValue;
use sqlx::QueryBuilder;

/// Where a tenant's log ends, and which set of webhooks holds there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// The last event's number.
    pub seq: i64,
    /// The last delivery's log id.
    pub log_id: i64,
    /// Counts the edits of the tenant's webhooks.
    pub webhooks_version: i64,
}

/// Reads the end of the log and keeps it from moving until the transaction ends. Fails if there is no such tenant.
pub async fn lock_head(conn: Conn<'_>, tenant: &TenantId) -> Result<Head> {
    let heads = lock_heads(conn, std::slice::from_ref(tenant)).await?;
    heads.first().map(|(_, head)| *head).ok_or_else(|| unknown(tenant))
}

/// The same for several tenants, by id. Their rows are locked in that order.
pub async fn lock_heads(conn: Conn<'_>, tenants: &[TenantId]) -> Result<Vec<(TenantId, Head)>> {
    // The key's index is to be used however few tenants there are: a scan would wait for everybody's locks.
    let (begin, end) = if conn.is_mysql() {
        (
            " FROM tenant_sequences FORCE INDEX (PRIMARY) WHERE tenant_id IN (",
            ") ORDER BY tenant_id FOR UPDATE",
        )
    } else {
        (" FROM tenant_sequences WHERE tenant_id IN (", ") ORDER BY tenant_id")
    };
    let rows: Vec<(String, i64, i64, i64)> = on!(conn, c => {
        let mut select = QueryBuilder::new("SELECT tenant_id, seq, log_id, webhooks_version");
        let mut list = select.push(begin).separated(", ");
        for tenant in padded(tenants) {
            list.push_bind(tenant.as_str());
        }
        select.push(end);
        select.build_query_as().fetch_all(c).await
    })?;
    let head = |tenant: &TenantId| {
        let (_, seq, log_id, webhooks_version) = rows.iter().find(|(id, ..)| id == tenant.as_str())?;
        Some(Head { seq: *seq, log_id: *log_id, webhooks_version: *webhooks_version })
    };
    let found =
        tenants.iter().map(|tenant| Ok((tenant.clone(), head(tenant).ok_or_else(|| unknown(tenant))?)));
    found.collect()
}

fn unknown(tenant: &TenantId) -> Error {
    corrupt("tenant_sequences.tenant_id", tenant)
}

/// Reads the end of the log; `None` if there is no such tenant.
pub async fn head(conn: Conn<'_>, tenant: &TenantId) -> Result<Option<Head>> {
    const READ: &str = "SELECT seq, log_id, webhooks_version FROM tenant_sequences WHERE tenant_id = ?";
    let row: Option<(i64, i64, i64)> =
        on!(conn, c => sqlx::query_as(READ).bind(tenant.as_str()).fetch_optional(c).await)?;
    Ok(row.map(|(seq, log_id, webhooks_version)| Head { seq, log_id, webhooks_version }))
}

/// How many events all tenants' logs have had, those pruned since among them: a number that never falls.
pub async fn total(conn: Conn<'_>) -> Result<i64> {
    let sum = if conn.is_mysql() {
        "SELECT CAST(COALESCE(SUM(seq), 0) AS SIGNED) FROM tenant_sequences"
    } else {
        "SELECT COALESCE(SUM(seq), 0) FROM tenant_sequences"
    };
    on!(conn, c => sqlx::query_scalar(sum).fetch_one(c).await)
}

/// What comes behind the locked end of one tenant's log.
#[derive(Debug)]
pub struct Append {
    /// The tenant.
    pub tenant: TenantId,
    /// The end.
    pub head: Head,
    /// Events, in order.
    pub events: Vec<NewEvent>,
    /// How many log ids deliveries take, which the caller inserts next.
    pub log_ids: usize,
}

/// Writes events behind the locked ends of logs, and moves the ends. Gives the events as they stand in the logs, one tenant's
/// after another's.
pub async fn append(mut conn: Conn<'_>, appends: Vec<Append>, now: Timestamp) -> Result<Vec<Event>> {
    let mut stored = Vec::new();
    let mut heads = Vec::with_capacity(appends.len());
    for Append { tenant, head, events, log_ids } in appends {
        let seq = head.seq + i64::try_from(events.len()).unwrap_or(i64::MAX);
        let log_id = head.log_id + i64::try_from(log_ids).unwrap_or(i64::MAX);
        let event = |(seq, new): (i64, NewEvent)| Event {
            tenant: tenant.clone(),
            seq,
            id: new.id,
            name: new.name,
            subject: new.subject,
            audience: new.audience,
            payload: new.payload,
            created_at: now,
        };
        stored.extend((head.seq + 1..).zip(events).map(event));
        heads.push((tenant, seq, log_id));
    }
    for chunk in parts(&stored) {
        insert_events(conn.again(), chunk).await?;
    }
    move_heads(conn, &heads).await?;
    Ok(stored)
}

async fn move_heads(conn: Conn<'_>, heads: &[(TenantId, i64, i64)]) -> Result<()> {
    on!(conn, c => {
        let mut update = QueryBuilder::new("UPDATE tenant_sequences SET seq = CASE tenant_id");
        // The first WHEN that fits counts: one that comes twice does no harm.
        for (tenant, seq, _) in padded(heads) {
            update.push(" WHEN ").push_bind(tenant.as_str()).push(" THEN ").push_bind(*seq);
        }
        update.push(" END, log_id = CASE tenant_id");
        for (tenant, _, log_id) in padded(heads) {
            update.push(" WHEN ").push_bind(tenant.as_str()).push(" THEN ").push_bind(*log_id);
        }
        let mut list = update.push(" END WHERE tenant_id IN (").separated(", ");
        for (tenant, ..) in padded(heads) {
            list.push_bind(tenant.as_str());
        }
        update.push(")");
        update.build().execute(c).await.map(|_| ())
    })
}

async fn insert_events(conn: Conn<'_>, events: &[Event]) -> Result<()> {
    let audiences: Vec<Option<String>> = events.iter().map(audience_text).collect();
    on!(conn, c => {
        let mut insert = QueryBuilder::new(
            "INSERT INTO events (tenant_id, seq, id, event, subject, audience, payload, created_at) ");
        insert.push_values(events.iter().zip(&audiences), |mut row, (event, audience)| {
            row.push_bind(event.tenant.as_str()).push_bind(event.seq).push_bind(event.id.as_str())
                .push_bind(event.name.as_str()).push_bind(event.subject.as_deref()).push_bind(audience.as_deref())
                .push_bind(event.payload.get()).push_bind(event.created_at.0);
        });
        insert.build().execute(c).await.map(|_| ())
    })
}

fn audience_text(event: &Event) -> Option<String> {
    let named = event.audience != model::Audience::default();
    named.then(|| serde_json::to_string(&event.audience).unwrap_or_default())
}

/// Whether the event stands in the log under that number. Waits for whoever holds the sequence row, so that the answer
/// is final also for a transaction whose commit gave no answer.
pub async fn was_committed(mut conn: Conn<'_>, tenant: &TenantId, seq: i64, id: &EventId) -> Result<bool> {
    lock_head(conn.again(), tenant).await?;
    let found: Option<String> = on!(conn, c => sqlx::query_scalar("SELECT id FROM events WHERE tenant_id = ? AND seq = ?")
        .bind(tenant.as_str()).bind(seq).fetch_optional(c).await)?;
    Ok(found.as_deref() == Some(id.as_str()))
}

struct Row {
    seq: i64,
    id: String,
    event: String,
    subject: Option<String>,
    audience: Option<String>,
    payload: String,
    created_at: i64,
}

from_row!(Row: seq, id, event, subject, audience, payload, created_at);

/// The events after number `after`, in order, `limit` at most.
pub async fn page(conn: Conn<'_>, tenant: &TenantId, after: i64, limit: i64) -> Result<Vec<Event>> {
    let rows: Vec<Row> = on!(conn, c => sqlx::query_as(
        "SELECT seq, id, event, subject, audience, payload, created_at FROM events
         WHERE tenant_id = ? AND seq > ? ORDER BY seq LIMIT ?")
        .bind(tenant.as_str()).bind(after).bind(limit).fetch_all(c).await)?;
    rows.into_iter().map(|row| read(tenant, row)).collect()
}

/// The events of numbers over `after` up to `until` whose names begin with one of `prefixes`, in order. Only for a stretch
/// that is known to be short.
pub async fn stretch(
    conn: Conn<'_>,
    tenant: &TenantId,
    after: i64,
    until: i64,
    prefixes: &[&str],
) -> Result<Vec<Event>> {
    if prefixes.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<Row> = on!(conn, c => {
        let mut select = QueryBuilder::new(
            "SELECT seq, id, event, subject, audience, payload, created_at FROM events WHERE tenant_id = ");
        select.push_bind(tenant.as_str()).push(" AND seq > ").push_bind(after).push(" AND seq <= ").push_bind(until);
        let mut any = select.push(" AND (").separated(" OR ");
        for prefix in prefixes {
            any.push("event LIKE ").push_bind_unseparated(format!("{prefix}%"));
        }
        select.push(") ORDER BY seq");
        select.build_query_as().fetch_all(c).await
    })?;
    rows.into_iter().map(|row| read(tenant, row)).collect()
}

fn read(tenant: &TenantId, row: Row) -> Result<Event> {
    let audience = row.audience.as_deref().map(serde_json::from_str).transpose();
    Ok(Event {
        tenant: tenant.clone(),
        seq: row.seq,
        id: EventId::parse(&row.id).map_err(|_| corrupt("events.id", &row.id))?,
        name: EventName::parse(&row.event).map_err(|_| corrupt("events.event", &row.event))?,
        subject: row.subject,
        audience: audience.map_err(|error| corrupt("events.audience", error))?.unwrap_or_default(),
        payload: raw("events.payload", row.payload)?.into(),
        created_at: Timestamp(row.created_at),
    })
}

pub(crate) fn raw(what: &'static str, text: String) -> Result<Box<RawValue>> {
    RawValue::from_string(text).map_err(|error| corrupt(what, error))
}

/// The oldest number that the log still holds; `None` for an empty log.
pub async fn oldest_seq(conn: Conn<'_>, tenant: &TenantId) -> Result<Option<i64>> {
    on!(conn, c => sqlx::query_scalar("SELECT seq FROM events WHERE tenant_id = ? ORDER BY seq LIMIT 1")
        .bind(tenant.as_str()).fetch_optional(c).await)
}

/// The number of the first event at that moment or later; the one after `head` if there is none yet. Moments follow the
/// numbers, so that it is found by halving, whatever the log's length.
pub async fn first_seq_at(mut conn: Conn<'_>, tenant: &TenantId, at: Timestamp, head: Head) -> Result<i64> {
    let (mut from, mut to) = (1, head.seq + 1);
    while from < to {
        let middle = from + (to - from) / 2;
        let row: Option<(i64, i64)> = on!(conn.again(), c => sqlx::query_as(
            "SELECT seq, created_at FROM events WHERE tenant_id = ? AND seq >= ? ORDER BY seq LIMIT 1")
            .bind(tenant.as_str()).bind(middle).fetch_optional(c).await)?;
        match row {
            Some((seq, created_at)) if created_at < at.0 => from = seq + 1,
            _ => to = middle,
        }
    }
    Ok(from)
}

/// The ends of several tenants' logs.
pub async fn heads(conn: Conn<'_>, tenants: &[TenantId]) -> Result<Vec<(TenantId, i64)>> {
    if tenants.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<(String, i64)> = on!(conn, c => {
        let mut select = QueryBuilder::new("SELECT tenant_id, seq FROM tenant_sequences");
        push_in(&mut select, " WHERE tenant_id", padded(tenants).map(TenantId::as_str));
        select.build_query_as().fetch_all(c).await
    })?;
    let parse = |(id, seq): (String, i64)| Some((TenantId::parse(&id).ok()?, seq));
    Ok(rows.into_iter().filter_map(parse).collect())
}

/// Notes that the tenant's webhooks were edited, so that every server reads them anew before its next append. The last
/// lock that a transaction takes.
pub async fn bump_webhooks_version(conn: Conn<'_>, tenant: &TenantId) -> Result<()> {
    let done = on!(conn, c => sqlx::query(
        "UPDATE tenant_sequences SET webhooks_version = webhooks_version + 1 WHERE tenant_id = ?")
        .bind(tenant.as_str()).execute(c).await.map(|done| done.rows_affected()))?;
    if done == 0 {
        Err(Error::Corrupt { what: "tenant_sequences.tenant_id", value: tenant.to_string() })
    } else {
        Ok(())
    }
}
