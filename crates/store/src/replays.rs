//! Replays that are not done, and the events that they send again. Knows nothing of subscriptions.

use crate::{Conn, Result, corrupt, from_row, on};
use model::{EventId, EventName, TenantId, Timestamp, WebhookId};
use sqlx::{Database, Encode, QueryBuilder, Type};

/// Numbers that one query looks at, at most: what is asked for may be rare, and no call may take long.
const NUMBERS_TOGETHER: i64 = 5_000;

/// Which events of its time a replay sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Only {
    /// Those that are not on their way already.
    All,
    /// Those of which every delivery failed.
    Failed,
    /// Those that were never queued for the endpoint.
    Missing,
}

impl Only {
    /// The choice of that word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "failed" => Some(Self::Failed),
            "missing" => Some(Self::Missing),
            _ => None,
        }
    }

    fn as_str(self) -> Option<&'static str> {
        match self {
            Self::All => None,
            Self::Failed => Some("failed"),
            Self::Missing => Some("missing"),
        }
    }

    /// The condition on an event `e`: whether its delivery to the endpoint has, or has not, a row, and such a one.
    fn push_condition<'a, DB>(self, select: &mut QueryBuilder<DB>, webhook: WebhookId)
    where
        DB: Database,
        i64: Encode<'a, DB> + Type<DB>,
    {
        let rows: &[(&str, &str)] = match self {
            Self::All => &[("NOT ", " AND l.status = 'pending'")],
            Self::Failed => &[("", ""), ("NOT ", " AND l.status <> 'failed'")],
            Self::Missing => &[("NOT ", "")],
        };
        for (whether, what) in rows {
            select.push(" AND ").push(whether);
            select.push(
                "EXISTS (SELECT 1 FROM webhook_logs l WHERE l.tenant_id = e.tenant_id AND l.webhook_id = ",
            );
            select.push_bind(webhook.0).push(" AND l.event_seq = e.seq").push(what).push(")");
        }
    }
}

/// A part of a tenant's log to send to an endpoint again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replay {
    /// Unique over all tenants; 0 before it is stored.
    pub id: i64,
    /// The tenant.
    pub tenant: TenantId,
    /// The endpoint.
    pub webhook: WebhookId,
    /// Which events.
    pub only: Only,
    /// The event before the next one.
    pub after_seq: i64,
    /// The last event.
    pub until_seq: i64,
}

struct Row {
    id: i64,
    tenant_id: String,
    webhook_id: i64,
    only_what: Option<String>,
    after_seq: i64,
    until_seq: i64,
}

from_row!(Row: id, tenant_id, webhook_id, only_what, after_seq, until_seq);

impl TryFrom<Row> for Replay {
    type Error = crate::Error;

    fn try_from(row: Row) -> Result<Self> {
        let only = row
            .only_what
            .as_deref()
            .map(|word| Only::parse(word).ok_or_else(|| corrupt("webhook_replays", word)));
        Ok(Self {
            id: row.id,
            tenant: TenantId::parse(&row.tenant_id)
                .map_err(|_| corrupt("webhook_replays", &row.tenant_id))?,
            webhook: WebhookId(row.webhook_id),
            only: only.transpose()?.unwrap_or(Only::All),
            after_seq: row.after_seq,
            until_seq: row.until_seq,
        })
    }
}

/// Stores a replay.
pub async fn insert(conn: Conn<'_>, replay: &Replay, now: Timestamp) -> Result<()> {
    on!(conn, c => sqlx::query(
        "INSERT INTO webhook_replays (tenant_id, webhook_id, only_what, after_seq, until_seq, created_at)
         VALUES (?, ?, ?, ?, ?, ?)")
        .bind(replay.tenant.as_str()).bind(replay.webhook.0).bind(replay.only.as_str()).bind(replay.after_seq)
        .bind(replay.until_seq).bind(now.0).execute(c).await.map(|_| ()))
}

/// How many replays of an endpoint are not done.
pub async fn open_of(conn: Conn<'_>, tenant: &TenantId, webhook: WebhookId) -> Result<i64> {
    on!(conn, c => sqlx::query_scalar("SELECT COUNT(*) FROM webhook_replays WHERE tenant_id = ? AND webhook_id = ?")
        .bind(tenant.as_str()).bind(webhook.0).fetch_one(c).await)
}

/// Replays of all tenants that are not done, by id, after the id `after`, `limit` at most.
pub async fn open(conn: Conn<'_>, after: i64, limit: i64) -> Result<Vec<Replay>> {
    let rows: Vec<Row> = on!(conn, c => sqlx::query_as(
        "SELECT id, tenant_id, webhook_id, only_what, after_seq, until_seq FROM webhook_replays WHERE id > ?
         ORDER BY id LIMIT ?").bind(after).bind(limit).fetch_all(c).await)?;
    rows.into_iter().map(TryInto::try_into).collect()
}

/// A replay as it stands now, locked until the transaction ends; none once it is done.
pub async fn lock(conn: Conn<'_>, tenant: &TenantId, id: i64) -> Result<Option<Replay>> {
    const LOCK: &str =
        "SELECT id, tenant_id, webhook_id, only_what, after_seq, until_seq FROM webhook_replays
        WHERE tenant_id = ? AND id = ? FOR UPDATE";
    let sql = if conn.is_mysql() { LOCK } else { LOCK.trim_end_matches(" FOR UPDATE") };
    let row: Option<Row> =
        on!(conn, c => sqlx::query_as(sql).bind(tenant.as_str()).bind(id).fetch_optional(c).await)?;
    row.map(TryInto::try_into).transpose()
}

/// Moves a replay on to that number; at its end it is done and goes.
pub async fn advance(conn: Conn<'_>, replay: &Replay, seq: i64) -> Result<()> {
    if seq >= replay.until_seq {
        return remove(conn, &replay.tenant, replay.id).await;
    }
    on!(conn, c => sqlx::query("UPDATE webhook_replays SET after_seq = ? WHERE tenant_id = ? AND id = ?")
        .bind(seq).bind(replay.tenant.as_str()).bind(replay.id).execute(c).await.map(|_| ()))
}

/// Ends a replay.
pub async fn remove(conn: Conn<'_>, tenant: &TenantId, id: i64) -> Result<()> {
    on!(conn, c => sqlx::query("DELETE FROM webhook_replays WHERE tenant_id = ? AND id = ?")
        .bind(tenant.as_str()).bind(id).execute(c).await.map(|_| ()))
}

/// How many events, from `since` or later, it would send by name, for a part that begins at its cursor; and the number
/// that the part ends with.
pub async fn count(conn: Conn<'_>, replay: &Replay, since: Timestamp) -> Result<(Vec<(String, i64)>, i64)> {
    let until = replay.until_seq.min(replay.after_seq + NUMBERS_TOGETHER);
    let counts = on!(conn, c => {
        let mut select = QueryBuilder::new("SELECT e.event, COUNT(*) FROM events e WHERE e.tenant_id = ");
        select.push_bind(replay.tenant.as_str()).push(" AND e.seq > ").push_bind(replay.after_seq);
        select.push(" AND e.seq <= ").push_bind(until);
        select.push(" AND e.created_at >= ").push_bind(since.0).push(" AND (e.subject IS NULL OR e.subject <> ");
        select.push_bind(own_subject(replay)).push(")");
        replay.only.push_condition(&mut select, replay.webhook);
        select.push(" GROUP BY e.event").build_query_as().fetch_all(c).await
    })?;
    Ok((counts, until))
}

/// An event to send again; its payload stays in the log.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// Its number.
    pub seq: i64,
    /// Its id.
    pub id: EventId,
    /// Its name.
    pub name: EventName,
    /// What it happened to.
    pub subject: Option<String>,
}

/// The next events from `since` or later, `limit` at most, whether subscribed to or not; and the number up to which they
/// are all there is.
pub async fn candidates(
    conn: Conn<'_>,
    replay: &Replay,
    since: Timestamp,
    limit: i64,
) -> Result<(Vec<Candidate>, i64)> {
    let until = replay.until_seq.min(replay.after_seq + NUMBERS_TOGETHER);
    let rows: Vec<(i64, String, String, Option<String>)> = on!(conn, c => {
        let mut select = QueryBuilder::new("SELECT e.seq, e.id, e.event, e.subject FROM events e WHERE e.tenant_id = ");
        select.push_bind(replay.tenant.as_str()).push(" AND e.seq > ").push_bind(replay.after_seq);
        select.push(" AND e.seq <= ").push_bind(until);
        select.push(" AND e.created_at >= ").push_bind(since.0).push(" AND (e.subject IS NULL OR e.subject <> ");
        select.push_bind(own_subject(replay)).push(")");
        replay.only.push_condition(&mut select, replay.webhook);
        select.push(" ORDER BY e.seq LIMIT ").push_bind(limit).build_query_as().fetch_all(c).await
    })?;
    let more = i64::try_from(rows.len()).is_ok_and(|count| count >= limit);
    let end = rows.last().filter(|_| more).map_or(until, |row| row.0);
    let read = |(seq, id, name, subject): (i64, String, String, Option<String>)| {
        Ok(Candidate {
            seq,
            id: EventId::parse(&id).map_err(|_| corrupt("events.id", &id))?,
            name: EventName::parse(&name).map_err(|_| corrupt("events.event", &name))?,
            subject,
        })
    };
    Ok((rows.into_iter().map(read).collect::<Result<_>>()?, end))
}

/// An endpoint never hears of itself.
fn own_subject(replay: &Replay) -> String {
    format!("webhook:{}", replay.webhook)
}

/// Whether deliveries to the endpoint are due that nobody sends yet.
pub async fn has_backlog(conn: Conn<'_>, webhook: WebhookId, now: Timestamp) -> Result<bool> {
    let due: Option<i64> = on!(conn, c => sqlx::query_scalar(
        "SELECT id FROM webhook_logs WHERE waits IN ('', '-') AND webhook_id = ? AND next_attempt_at <= ? LIMIT 1")
        .bind(webhook.0).bind(now.0).fetch_optional(c).await)?;
    Ok(due.is_some())
}
