//! Stores a call as a step has made it: the call's row, and of legs and entries those that differ from before.

use crate::rows::parts;
use crate::{Conn, Result, on};
use model::calls::{Call, EndedBy, Entry, Leg, OfferOutcome, Outcome, Via};
use model::queues::LeftReason;
use model::{QueueId, TenantId, Timestamp};
use serde::Serialize;
use sqlx::QueryBuilder;
use std::time::Duration;

/// Stores `after`, which was `before`; none if it has just begun, with `body_hash`.
pub async fn put(
    mut conn: Conn<'_>,
    tenant: &TenantId,
    before: Option<&Call>,
    after: &Call,
    body_hash: &str,
) -> Result<()> {
    match before {
        None => insert(conn.again(), tenant, after, body_hash).await?,
        Some(_) => update(conn.again(), tenant, after).await?,
    }
    let (mut legs, entries) = before.map_or((&[][..], &[][..]), |call| (&call.legs, &call.entries));
    if before.is_some_and(|call| call.queue != after.queue) {
        // Each says the call's queue.
        legs = &[];
    }
    put_legs(conn.again(), tenant, after, &changed(legs, &after.legs)).await?;
    put_entries(conn, tenant, after, &changed(entries, &after.entries)).await
}

/// What is new or different, each with its number. Nothing ever goes.
fn changed<'a, T: PartialEq>(before: &[T], after: &'a [T]) -> Vec<(i64, &'a T)> {
    let numbered = (0i64..).zip(after).enumerate();
    numbered.filter(|(at, (_, one))| before.get(*at) != Some(*one)).map(|(_, one)| one).collect()
}

async fn insert(conn: Conn<'_>, tenant: &TenantId, call: &Call, body_hash: &str) -> Result<()> {
    on!(conn, c => sqlx::query(
        "INSERT INTO calls (tenant_id, id, external_id, client_ref, direction, state, from_number, from_name, to_number,
         to_name, queue_id, started_at, reported_at, transfers, body_hash)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
        .bind(tenant.as_str()).bind(call.id.as_str()).bind(&call.external_id).bind(&call.client_ref)
        .bind(call.direction.as_str()).bind(call.state.as_str()).bind(&call.from.number).bind(&call.from.name)
        .bind(&call.to.number).bind(&call.to.name).bind(call.queue.as_ref().map(QueueId::as_str))
        .bind(call.started_at.0).bind(call.reported_at.0).bind(i64::from(call.transfers)).bind(body_hash)
        .execute(c).await.map(|_| ()))
}

async fn update(conn: Conn<'_>, tenant: &TenantId, call: &Call) -> Result<()> {
    let tags = (!call.tags.is_empty()).then(|| to_json(&call.tags)).flatten();
    let attributes = (!call.attributes.is_empty()).then(|| to_json(&call.attributes)).flatten();
    on!(conn, c => sqlx::query(
        "UPDATE calls SET state = ?, queue_id = ?, answered_at = ?, ended_at = ?, reported_at = ?, waited_ms = ?,
         outcome = ?, ended_by = ?, outside = ?, transfers = ?, disposition = ?, tags = ?, attributes = ?
         WHERE tenant_id = ? AND id = ?")
        .bind(call.state.as_str()).bind(call.queue.as_ref().map(QueueId::as_str))
        .bind(call.answered_at.map(|at| at.0)).bind(call.ended_at.map(|at| at.0)).bind(call.reported_at.0)
        .bind(call.waited.map(millis)).bind(call.outcome.map(Outcome::as_str))
        .bind(call.ended_by.map(EndedBy::as_str)).bind(&call.outside).bind(i64::from(call.transfers))
        .bind(&call.disposition).bind(&tags).bind(&attributes)
        .bind(tenant.as_str()).bind(call.id.as_str()).execute(c).await.map(|_| ()))
}

async fn put_legs(mut conn: Conn<'_>, tenant: &TenantId, call: &Call, legs: &[(i64, &Leg)]) -> Result<()> {
    for some in parts(legs) {
        on!(conn.again(), c => {
            let mut replace = QueryBuilder::new(
                "REPLACE INTO call_legs (tenant_id, call_id, number, id, user_id, role, queue_id, via, attempt, offered_at,
                 answered_at, ended_at, missed, hold_count, held_since, held_ms, started_at, call_queue_id) ");
            replace.push_values(some, |mut row, (number, leg)| {
                row.push_bind(tenant.as_str()).push_bind(call.id.as_str()).push_bind(*number)
                    .push_bind(leg.id.as_str()).push_bind(leg.user.as_str()).push_bind(leg.role.as_str())
                    .push_bind(leg.queue.as_ref().map(QueueId::as_str)).push_bind(leg.via.map(Via::as_str))
                    .push_bind(i64::try_from(leg.attempt).unwrap_or(i64::MAX)).push_bind(leg.offered_at.0)
                    .push_bind(moment(leg.answered_at)).push_bind(moment(leg.ended_at))
                    .push_bind(leg.missed.map(OfferOutcome::as_str)).push_bind(i64::from(leg.hold_count))
                    .push_bind(moment(leg.held_since)).push_bind(millis(leg.held)).push_bind(call.started_at.0)
                    .push_bind(call.queue.as_ref().map(QueueId::as_str));
            });
            replace.build().execute(c).await.map(|_| ())
        })?;
    }
    Ok(())
}

async fn put_entries(
    mut conn: Conn<'_>,
    tenant: &TenantId,
    call: &Call,
    entries: &[(i64, &Entry)],
) -> Result<()> {
    for some in parts(entries) {
        on!(conn.again(), c => {
            let mut replace = QueryBuilder::new(
                "REPLACE INTO queue_entries (tenant_id, call_id, number, id, queue_id, joined_at, position, offers,
                 left_at, reason) ");
            replace.push_values(some, |mut row, (number, entry)| {
                row.push_bind(tenant.as_str()).push_bind(call.id.as_str()).push_bind(*number)
                    .push_bind(entry.id.as_str()).push_bind(entry.queue.as_str()).push_bind(entry.joined_at.0)
                    .push_bind(i64::from(entry.position)).push_bind(i64::from(entry.offers))
                    .push_bind(moment(entry.left_at)).push_bind(entry.reason.map(LeftReason::as_str));
            });
            replace.build().execute(c).await.map(|_| ())
        })?;
    }
    Ok(())
}

fn moment(at: Option<Timestamp>) -> Option<i64> {
    at.map(|at| at.0)
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// Lists and maps of texts are always JSON.
fn to_json(value: &impl Serialize) -> Option<String> {
    serde_json::to_string(value).ok()
}
