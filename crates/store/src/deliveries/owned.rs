//! What a server owns: checks, partial releases and searches beside the plain claim and release. Rarely used paths only.

use super::{IN_LANE, NOBODY};
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

fn parse(rows: Vec<(String, i64)>) -> Vec<Key> {
    let key = |(tenant, id): (String, i64)| Some((TenantId::parse(&tenant).ok()?, LogId(id)));
    rows.into_iter().filter_map(key).collect()
}

/// Those of up to 256 deliveries that the server still owns, locked until the transaction ends.
pub async fn still_owned(conn: Conn<'_>, owner: &ServerId, keys: &[Key]) -> Result<Vec<Key>> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let mysql = conn.is_mysql();
    let rows = on!(conn, c => {
        let mut select = QueryBuilder::new("SELECT tenant_id, id FROM webhook_logs WHERE owner = ");
        select.push_bind(owner.as_str()).push(" AND (tenant_id, id) IN ");
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
        let mut select = QueryBuilder::new("SELECT tenant_id, id, attempts FROM webhook_logs WHERE owner = ");
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

/// Gives back up to `limit` deliveries that a server owned, save up to 256 that it goes on with; gives how many.
pub async fn release_others(conn: Conn<'_>, owner: &ServerId, keep: &[Key], limit: i64) -> Result<u64> {
    let mysql = conn.is_mysql();
    on!(conn, c => {
        let mut update = QueryBuilder::new("UPDATE webhook_logs SET owner = ");
        update.push_bind(NOBODY);
        update.push(if mysql { " WHERE owner = " } else {
            " WHERE (tenant_id, id) IN (SELECT tenant_id, id FROM webhook_logs WHERE owner = "
        });
        update.push_bind(owner.as_str());
        if !keep.is_empty() {
            update.push(" AND (tenant_id, id) NOT IN ");
            push_keys(&mut update, keep, mysql);
        }
        update.push(" LIMIT ").push_bind(limit).push(if mysql { "" } else { ")" });
        update.build().execute(c).await.map(|done| done.rows_affected())
    })
}

/// Up to `limit` deliveries to one endpoint that a server owns and that were due at `due_at` or before.
pub async fn owned(
    conn: Conn<'_>,
    owner: &ServerId,
    webhook: WebhookId,
    due_at: Timestamp,
    limit: i64,
) -> Result<Vec<Key>> {
    let rows = on!(conn, c => sqlx::query_as(
        "SELECT tenant_id, id FROM webhook_logs WHERE owner = ? AND webhook_id = ? AND next_attempt_at <= ? LIMIT ?")
        .bind(owner.as_str()).bind(webhook.0).bind(due_at.0).bind(limit).fetch_all(c).await)?;
    Ok(parse(rows))
}

/// The tenant of an endpoint with deliveries that wait to be claimed.
pub async fn tenant_of_waiting(conn: Conn<'_>, webhook: WebhookId) -> Result<Option<TenantId>> {
    let tenant: Option<String> = on!(conn, c => sqlx::query_scalar(
        "SELECT tenant_id FROM webhook_logs WHERE owner IN ('', '-') AND webhook_id = ? LIMIT 1")
        .bind(webhook.0).fetch_optional(c).await)?;
    Ok(tenant.and_then(|tenant| TenantId::parse(&tenant).ok()))
}

/// Who owns deliveries without being entered as a server: nobody renews for it and nobody would find it dead. Steps
/// through the index from owner to owner.
pub async fn owners_without_server(conn: Conn<'_>) -> Result<Vec<ServerId>> {
    let sql = if conn.is_mysql() {
        "SELECT id FROM (SELECT owner AS id FROM webhook_logs WHERE owner > '-' GROUP BY owner) AS owners
         WHERE id NOT IN (SELECT id FROM servers)"
    } else {
        "WITH RECURSIVE owners (id) AS (
           SELECT MIN(owner) FROM webhook_logs WHERE owner > '-'
           UNION ALL
           SELECT (SELECT MIN(owner) FROM webhook_logs WHERE owner > owners.id) FROM owners WHERE owners.id IS NOT NULL)
         SELECT id FROM owners WHERE id IS NOT NULL AND id NOT IN (SELECT id FROM servers)"
    };
    let ids: Vec<Option<String>> = on!(conn, c => sqlx::query_scalar(sql).fetch_all(c).await)?;
    Ok(ids.into_iter().flatten().filter_map(|id| ServerId::parse(&id).ok()).collect())
}
