//! What a server has: checks and searches beside claiming and giving back. Rarely used paths only.

use super::IN_LANE;
use super::blocks::{self, Held};
use crate::{Conn, Result, on};
use model::{LogId, ServerId, TenantId, Timestamp, WebhookId};
use sqlx::{Database, Encode, QueryBuilder, Type};

/// A delivery's key.
pub type Key = (TenantId, LogId);

/// Pushes `((?,?),(?,?))`, in SQLite's spelling or MySQL's.
fn push_keys<'a, DB>(query: &mut QueryBuilder<DB>, keys: &'a [Key], mysql: bool)
where
    DB: Database,
    &'a str: Encode<'a, DB> + Type<DB>,
    i64: Encode<'a, DB> + Type<DB>,
{
    query.push(if mysql { "(" } else { "(VALUES " });
    for (at, (tenant, id)) in keys.iter().enumerate() {
        query.push(if at == 0 { "(" } else { ",(" });
        query.push_bind(tenant.as_str()).push(",").push_bind(id.0).push(")");
    }
    query.push(")");
}

pub(super) fn parse(rows: Vec<(String, i64)>) -> Vec<Key> {
    let key = |(tenant, id): (String, i64)| Some((TenantId::parse(&tenant).ok()?, LogId(id)));
    rows.into_iter().filter_map(key).collect()
}

/// Those of up to 256 deliveries that the server still has, locked until the transaction ends.
pub async fn still_owned(conn: Conn<'_>, sender: &ServerId, keys: &[Key]) -> Result<Vec<Key>> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let mysql = conn.is_mysql();
    let rows = on!(conn, c => {
        let mut select = QueryBuilder::new("SELECT tenant_id, id FROM webhook_logs WHERE sender = ");
        select.push_bind(sender.as_str()).push(" AND (tenant_id, id) IN ");
        push_keys(&mut select, keys, mysql);
        if mysql {
            select.push(" FOR UPDATE");
        }
        select.build_query_as().fetch_all(c).await
    })?;
    Ok(parse(rows))
}

/// Those of up to 256 deliveries that still wait in their lanes, with the attempts that are written down, locked until the
/// transaction ends.
pub async fn still_in_lanes(conn: Conn<'_>, keys: &[Key]) -> Result<Vec<(Key, i64)>> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let mysql = conn.is_mysql();
    let rows: Vec<(String, i64, i64)> = on!(conn, c => {
        let mut select = QueryBuilder::new("SELECT tenant_id, id, attempts FROM webhook_logs WHERE waits = ");
        select.push_bind(IN_LANE).push(" AND (tenant_id, id) IN ");
        push_keys(&mut select, keys, mysql);
        if mysql {
            select.push(" FOR UPDATE");
        }
        select.build_query_as().fetch_all(c).await
    })?;
    let key = |(tenant, id, attempts): (String, i64, i64)| {
        Some(((TenantId::parse(&tenant).ok()?, LogId(id)), attempts))
    };
    Ok(rows.into_iter().filter_map(key).collect())
}

/// The deliveries to one endpoint that a server has and that were due at `due_at` or before.
pub async fn owned(
    mut conn: Conn<'_>,
    sender: &ServerId,
    webhook: WebhookId,
    due_at: Timestamp,
) -> Result<Vec<Key>> {
    let blocks = blocks::of_server(conn.again(), sender).await?;
    let held = Held { sender: Some(sender), webhook: Some(webhook), due_at: Some(due_at) };
    blocks::held(conn, &blocks, held).await
}

/// The tenant of an endpoint with deliveries that wait to be claimed.
pub async fn tenant_of_waiting(conn: Conn<'_>, webhook: WebhookId) -> Result<Option<TenantId>> {
    let tenant: Option<String> = on!(conn, c => sqlx::query_scalar(
        "SELECT tenant_id FROM webhook_logs WHERE waits IN ('', '-') AND webhook_id = ? LIMIT 1")
        .bind(webhook.0).fetch_optional(c).await)?;
    Ok(tenant.and_then(|tenant| TenantId::parse(&tenant).ok()))
}
