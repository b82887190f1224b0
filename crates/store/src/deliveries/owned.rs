//! What a server has: checks and searches beside claiming and giving back.

use super::IN_LANE;
use crate::rows::padded;
use crate::{Conn, Result, on};
use model::{LogId, ServerId, TenantId, WebhookId};
use sqlx::{Database, Encode, QueryBuilder, Type};

/// A delivery's key.
pub type Key = (TenantId, LogId);

/// Selects `what` of the rows with those keys, as `l`. Key by key: left to themselves the databases may look through the log, or
/// through all that waits, instead.
fn select_keys<'a, DB>(what: &str, keys: &'a [Key], mysql: bool) -> QueryBuilder<DB>
where
    DB: Database,
    &'a str: Encode<'a, DB> + Type<DB>,
    i64: Encode<'a, DB> + Type<DB>,
{
    let mut select = QueryBuilder::new(format!("SELECT l.tenant_id, l.id{what} FROM "));
    if mysql {
        select.push("webhook_logs l FORCE INDEX (PRIMARY) WHERE (l.tenant_id, l.id) IN (");
    } else {
        select.push("(VALUES ");
    }
    // In a list one may stand twice; a table would give its row twice.
    let keys: Vec<&Key> = if mysql { padded(keys).collect() } else { keys.iter().collect() };
    for (at, (tenant, id)) in keys.into_iter().enumerate() {
        select.push(if at == 0 { "(" } else { ",(" });
        select.push_bind(tenant.as_str()).push(",").push_bind(id.0).push(")");
    }
    let rest = ") AS k CROSS JOIN webhook_logs l ON l.tenant_id = k.column1 AND l.id = k.column2 WHERE TRUE";
    select.push(if mysql { ")" } else { rest });
    select
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
        let mut select = select_keys("", keys, mysql);
        select.push(" AND l.sender = ").push_bind(sender.as_str()).push(if mysql { " FOR UPDATE" } else { "" });
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
        let mut select = select_keys(", l.attempts", keys, mysql);
        select.push(" AND l.waits = ").push_bind(IN_LANE).push(if mysql { " FOR UPDATE" } else { "" });
        select.build_query_as().fetch_all(c).await
    })?;
    let key = |(tenant, id, attempts): (String, i64, i64)| {
        Some(((TenantId::parse(&tenant).ok()?, LogId(id)), attempts))
    };
    Ok(rows.into_iter().filter_map(key).collect())
}

/// The tenant of an endpoint with deliveries that wait to be claimed.
pub async fn tenant_of_waiting(conn: Conn<'_>, webhook: WebhookId) -> Result<Option<TenantId>> {
    let tenant: Option<String> = on!(conn, c => sqlx::query_scalar(
        "SELECT tenant_id FROM webhook_logs WHERE waits IN ('', '-') AND webhook_id = ? LIMIT 1")
        .bind(webhook.0).fetch_optional(c).await)?;
    Ok(tenant.and_then(|tenant| TenantId::parse(&tenant).ok()))
}
