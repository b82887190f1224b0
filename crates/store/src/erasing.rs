//! Payloads that hold personal data: those of the log, and the copies that deliveries keep whose event has gone. Knows
//! nothing of what is personal in them.

use crate::rows::padded;
use crate::{Conn, Result, on};
use model::{TenantId, Timestamp};
use sqlx::QueryBuilder;

/// Where payloads are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Place {
    /// The event log, by number.
    Events,
    /// Deliveries, by log id.
    Deliveries,
}

/// A payload at its place.
#[derive(Debug, Clone)]
pub struct Found {
    /// The event's number, or the delivery's id.
    pub number: i64,
    /// The event's name.
    pub event: String,
    /// The payload; none where a delivery has no copy.
    pub payload: Option<String>,
}

/// Up to `limit` of a tenant's payloads behind number `after`, written at `before` or earlier.
pub async fn page(
    conn: Conn<'_>,
    place: Place,
    tenant: &TenantId,
    after: i64,
    before: Timestamp,
    limit: i64,
) -> Result<Vec<Found>> {
    let sql = match place {
        Place::Events => {
            "SELECT seq, event, payload FROM events WHERE tenant_id = ? AND seq > ? AND created_at <= ?
             ORDER BY seq LIMIT ?"
        }
        Place::Deliveries => {
            "SELECT id, event, payload FROM webhook_logs WHERE tenant_id = ? AND id > ? AND created_at <= ?
             ORDER BY id LIMIT ?"
        }
    };
    let rows: Vec<(i64, String, Option<String>)> = on!(conn, c => sqlx::query_as(sql)
        .bind(tenant.as_str()).bind(after).bind(before.0).bind(limit).fetch_all(c).await)?;
    let found = |(number, event, payload)| Found { number, event, payload };
    Ok(rows.into_iter().map(found).collect())
}

/// Puts another payload in the place of one.
pub async fn replace(
    conn: Conn<'_>,
    place: Place,
    tenant: &TenantId,
    number: i64,
    payload: &str,
) -> Result<()> {
    let sql = match place {
        Place::Events => "UPDATE events SET payload = ? WHERE tenant_id = ? AND seq = ?",
        Place::Deliveries => "UPDATE webhook_logs SET payload = ? WHERE tenant_id = ? AND id = ?",
    };
    on!(conn, c => sqlx::query(sql).bind(payload).bind(tenant.as_str()).bind(number).execute(c).await.map(|_| ()))
}

/// Forgets what endpoints answered to those deliveries, some hundred at most: some answer with what they were sent.
pub async fn forget_answers(mut conn: Conn<'_>, tenant: &TenantId, deliveries: &[i64]) -> Result<()> {
    if deliveries.is_empty() {
        return Ok(());
    }
    for (table, id) in [("webhook_logs", "id"), ("webhook_attempts", "log_id")] {
        on!(conn.again(), c => {
            let mut update = QueryBuilder::new(format!("UPDATE {table} SET response_body = NULL WHERE tenant_id = "));
            update.push_bind(tenant.as_str()).push(format!(" AND response_body IS NOT NULL AND {id} IN ("));
            let mut ids = update.separated(", ");
            // To forget twice makes no difference.
            for id in padded(deliveries) {
                ids.push_bind(*id);
            }
            update.push(")").build().execute(c).await.map(|_| ())
        })?;
    }
    Ok(())
}
