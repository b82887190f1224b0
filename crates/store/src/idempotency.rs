//! Publishing calls that were answered. A row is written in the transaction of the events that it stands for.

use crate::{Conn, Result, corrupt, on};
use model::{EventId, TenantId, Timestamp};

/// A call that is not to be carried out twice.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// Who calls: a user or an API key.
    pub credential: String,
    /// The caller's word for the call.
    pub key: String,
    /// SHA-256 of the body, in lower-case hex.
    pub body_hash: String,
}

/// A call that was answered before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// The hash of its body.
    pub body_hash: String,
    /// The events that it wrote.
    pub events: Vec<EventId>,
    /// The first one's number; the others follow it.
    pub first_seq: i64,
}

/// The answer that the call got, if it was answered after `since`.
pub async fn find(
    conn: Conn<'_>,
    tenant: &TenantId,
    key: &Key,
    since: Timestamp,
) -> Result<Option<Answered>> {
    let row: Option<(String, String, i64)> = on!(conn, c => sqlx::query_as(
        "SELECT body_hash, event_ids, first_seq FROM idempotency_keys
         WHERE tenant_id = ? AND credential = ? AND idempotency_key = ? AND created_at > ?")
        .bind(tenant.as_str()).bind(&key.credential).bind(&key.key).bind(since.0).fetch_optional(c).await)?;
    let Some((body_hash, event_ids, first_seq)) = row else { return Ok(None) };
    let events =
        serde_json::from_str(&event_ids).map_err(|error| corrupt("idempotency_keys.event_ids", error))?;
    Ok(Some(Answered { body_hash, events, first_seq }))
}

/// Takes the key for a call that is about to write its events; waits for another transaction that has taken it. Gives
/// whether it was free, or its answer no longer counts.
pub async fn take(
    mut conn: Conn<'_>,
    tenant: &TenantId,
    key: &Key,
    events: &[EventId],
    now: Timestamp,
    since: Timestamp,
) -> Result<bool> {
    on!(conn.again(), c => sqlx::query(
        "DELETE FROM idempotency_keys WHERE tenant_id = ? AND credential = ? AND idempotency_key = ? AND created_at <= ?")
        .bind(tenant.as_str()).bind(&key.credential).bind(&key.key).bind(since.0).execute(c).await.map(|_| ()))?;
    let insert = if conn.is_mysql() {
        "INSERT IGNORE INTO idempotency_keys
         (tenant_id, credential, idempotency_key, body_hash, event_ids, first_seq, created_at) VALUES (?, ?, ?, ?, ?, 0, ?)"
    } else {
        "INSERT OR IGNORE INTO idempotency_keys
         (tenant_id, credential, idempotency_key, body_hash, event_ids, first_seq, created_at) VALUES (?, ?, ?, ?, ?, 0, ?)"
    };
    let ids = serde_json::to_string(events).unwrap_or_default();
    let taken = on!(conn, c => sqlx::query(insert)
        .bind(tenant.as_str()).bind(&key.credential).bind(&key.key).bind(&key.body_hash).bind(&ids).bind(now.0)
        .execute(c).await.map(|done| done.rows_affected()))?;
    Ok(taken == 1)
}

/// Notes the number of the first event, once it is known.
pub async fn complete(conn: Conn<'_>, tenant: &TenantId, key: &Key, first_seq: i64) -> Result<()> {
    on!(conn, c => sqlx::query(
        "UPDATE idempotency_keys SET first_seq = ? WHERE tenant_id = ? AND credential = ? AND idempotency_key = ?")
        .bind(first_seq).bind(tenant.as_str()).bind(&key.credential).bind(&key.key).execute(c).await.map(|_| ()))
}
