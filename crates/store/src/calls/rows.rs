//! Rows of calls, legs and entries, and how they become calls again.

use super::Stored;
use crate::{Conn, Error, Result, corrupt, from_row, on};
use model::calls::{Call, Direction, EndedBy, Entry, Leg, OfferOutcome, Outcome, Party, Role, State, Via};
use model::queues::LeftReason;
use model::{CallId, EntryId, LegId, QueueId, TenantId, Timestamp, UserId};
use serde::de::DeserializeOwned;
use sqlx::{FromRow, QueryBuilder};
use std::collections::HashMap;
use std::time::Duration;

struct CallRow {
    id: String,
    external_id: Option<String>,
    client_ref: Option<String>,
    direction: String,
    state: String,
    from_number: String,
    from_name: Option<String>,
    to_number: String,
    to_name: Option<String>,
    queue_id: Option<String>,
    started_at: i64,
    answered_at: Option<i64>,
    ended_at: Option<i64>,
    reported_at: i64,
    waited_ms: Option<i64>,
    outcome: Option<String>,
    ended_by: Option<String>,
    outside: Option<String>,
    transfers: i64,
    disposition: Option<String>,
    tags: Option<String>,
    attributes: Option<String>,
    body_hash: String,
}

from_row!(
    CallRow: id, external_id, client_ref, direction, state, from_number, from_name, to_number, to_name,
    queue_id, started_at, answered_at, ended_at, reported_at, waited_ms, outcome, ended_by, outside,
    transfers, disposition, tags, attributes, body_hash
);

struct LegRow {
    call_id: String,
    id: String,
    user_id: String,
    role: String,
    queue_id: Option<String>,
    via: Option<String>,
    attempt: i64,
    offered_at: i64,
    answered_at: Option<i64>,
    ended_at: Option<i64>,
    missed: Option<String>,
    hold_count: i64,
    held_since: Option<i64>,
    held_ms: i64,
}

from_row!(
    LegRow: call_id, id, user_id, role, queue_id, via, attempt, offered_at, answered_at, ended_at, missed,
    hold_count, held_since, held_ms
);

struct EntryRow {
    call_id: String,
    id: String,
    queue_id: String,
    joined_at: i64,
    position: i64,
    offers: i64,
    left_at: Option<i64>,
    reason: Option<String>,
}

from_row!(EntryRow: call_id, id, queue_id, joined_at, position, offers, left_at, reason);

/// The calls that `sql` gives for the tenant and each id, with all that belongs to them.
pub(super) async fn load(
    mut conn: Conn<'_>,
    tenant: &TenantId,
    sql: &'static str,
    ids: &[CallId],
) -> Result<Vec<Stored>> {
    let mut found = Vec::with_capacity(ids.len());
    for id in ids {
        let row: Option<CallRow> = on!(conn.again(), c => sqlx::query_as(sql)
            .bind(tenant.as_str()).bind(id.as_str()).fetch_optional(c).await)?;
        found.extend(row);
    }
    complete(conn, tenant, found).await
}

/// The calls of those ids, in their order.
pub(super) async fn load_all(mut conn: Conn<'_>, tenant: &TenantId, ids: &[String]) -> Result<Vec<Stored>> {
    let rows: Vec<CallRow> = select_in(conn.again(), "SELECT * FROM calls", "id", tenant, ids).await?;
    let mut by_id: HashMap<String, CallRow> = rows.into_iter().map(|row| (row.id.clone(), row)).collect();
    let rows = ids.iter().filter_map(|id| by_id.remove(id)).collect();
    complete(conn, tenant, rows).await
}

async fn complete(mut conn: Conn<'_>, tenant: &TenantId, rows: Vec<CallRow>) -> Result<Vec<Stored>> {
    let ids: Vec<String> = rows.iter().map(|row| row.id.clone()).collect();
    let legs: Vec<LegRow> =
        select_in(conn.again(), "SELECT * FROM call_legs", "call_id", tenant, &ids).await?;
    let entries: Vec<EntryRow> =
        select_in(conn, "SELECT * FROM queue_entries", "call_id", tenant, &ids).await?;
    let mut calls = rows.into_iter().map(call).collect::<Result<Vec<Stored>>>()?;
    let places: HashMap<String, usize> = ids.into_iter().enumerate().map(|(at, id)| (id, at)).collect();
    for row in legs {
        if let Some(at) = places.get(&row.call_id) {
            calls[*at].call.legs.push(leg(row)?);
        }
    }
    for row in entries {
        if let Some(at) = places.get(&row.call_id) {
            calls[*at].call.entries.push(entry(row)?);
        }
    }
    Ok(calls)
}

/// Rows of the calls `ids`, in the order of their keys.
async fn select_in<R>(
    conn: Conn<'_>,
    select: &'static str,
    key: &'static str,
    tenant: &TenantId,
    ids: &[String],
) -> Result<Vec<R>>
where
    R: Send
        + Unpin
        + for<'r> FromRow<'r, sqlx::mysql::MySqlRow>
        + for<'r> FromRow<'r, sqlx::sqlite::SqliteRow>,
{
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    // The order of the key; `calls` has one row each.
    let order = if key == "id" { "" } else { " ORDER BY call_id, number" };
    on!(conn, c => {
        let mut query = QueryBuilder::new(select);
        query.push(" WHERE tenant_id = ").push_bind(tenant.as_str()).push(format!(" AND {key} IN ("));
        let mut list = query.separated(", ");
        for id in crate::rows::padded(ids) {
            list.push_bind(id.as_str());
        }
        query.push(")").push(order);
        query.build_query_as().fetch_all(c).await
    })
}

fn call(row: CallRow) -> Result<Stored> {
    let call = Call {
        id: id(CallId::parse, "calls.id", &row.id)?,
        external_id: row.external_id,
        client_ref: row.client_ref,
        direction: word(Direction::parse, "calls.direction", &row.direction)?,
        state: word(State::parse, "calls.state", &row.state)?,
        from: Party { number: row.from_number, name: row.from_name },
        to: Party { number: row.to_number, name: row.to_name },
        queue: row.queue_id.map(|text| id(QueueId::parse, "calls.queue_id", &text)).transpose()?,
        started_at: Timestamp(row.started_at),
        answered_at: row.answered_at.map(Timestamp),
        ended_at: row.ended_at.map(Timestamp),
        reported_at: Timestamp(row.reported_at),
        waited: row.waited_ms.map(millis),
        outcome: row.outcome.map(|text| word(Outcome::parse, "calls.outcome", &text)).transpose()?,
        ended_by: row.ended_by.map(|text| word(EndedBy::parse, "calls.ended_by", &text)).transpose()?,
        outside: row.outside,
        legs: Vec::new(),
        entries: Vec::new(),
        transfers: count(row.transfers),
        disposition: row.disposition,
        tags: json("calls.tags", row.tags)?,
        attributes: json("calls.attributes", row.attributes)?,
    };
    Ok(Stored { call, body_hash: row.body_hash })
}

fn leg(row: LegRow) -> Result<Leg> {
    Ok(Leg {
        id: id(LegId::parse, "call_legs.id", &row.id)?,
        user: id(UserId::parse, "call_legs.user_id", &row.user_id)?,
        role: word(Role::parse, "call_legs.role", &row.role)?,
        queue: row.queue_id.map(|text| id(QueueId::parse, "call_legs.queue_id", &text)).transpose()?,
        via: row.via.map(|text| word(Via::parse, "call_legs.via", &text)).transpose()?,
        attempt: usize::try_from(row.attempt).unwrap_or(1),
        offered_at: Timestamp(row.offered_at),
        answered_at: row.answered_at.map(Timestamp),
        ended_at: row.ended_at.map(Timestamp),
        missed: row.missed.map(|text| word(OfferOutcome::parse, "call_legs.missed", &text)).transpose()?,
        hold_count: count(row.hold_count),
        held_since: row.held_since.map(Timestamp),
        held: millis(row.held_ms),
    })
}

fn entry(row: EntryRow) -> Result<Entry> {
    Ok(Entry {
        id: id(EntryId::parse, "queue_entries.id", &row.id)?,
        queue: id(QueueId::parse, "queue_entries.queue_id", &row.queue_id)?,
        joined_at: Timestamp(row.joined_at),
        position: count(row.position),
        offers: count(row.offers),
        left_at: row.left_at.map(Timestamp),
        reason: row.reason.map(|text| word(LeftReason::parse, "queue_entries.reason", &text)).transpose()?,
    })
}

fn id<T, E>(
    parse: impl Fn(&str) -> std::result::Result<T, E>,
    column: &'static str,
    text: &str,
) -> Result<T> {
    parse(text).map_err(|_| corrupt(column, text))
}

fn word<T>(parse: impl Fn(&str) -> Option<T>, column: &'static str, text: &str) -> Result<T, Error> {
    parse(text).ok_or_else(|| corrupt(column, text))
}

fn json<T: DeserializeOwned + Default>(column: &'static str, text: Option<String>) -> Result<T> {
    let Some(text) = text else { return Ok(T::default()) };
    serde_json::from_str(&text).map_err(|_| corrupt(column, text))
}

fn millis(ms: i64) -> Duration {
    Duration::from_millis(u64::try_from(ms).unwrap_or(0))
}

fn count(number: i64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
