//! Which server sends to an ordered endpoint. A lane is its owner's as long as the owner's lease in `servers` holds and
//! nobody freed it; `fence` counts the changes of owner, so that who had it once cannot take itself for who has it now.
//! What waits in the lanes is `queue`.

use crate::hints::use_index;
use crate::rows::padded;
use crate::steps::{self, Steps};
use crate::{Conn, Result, on};
use model::{LogId, ServerId, TenantId, WebhookId};
use sqlx::{AssertSqlSafe, FromRow, QueryBuilder};

pub mod queue;

/// Nobody, as owner of a lane.
const NOBODY: &str = "";

/// Whose a lane is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owned {
    /// The asking server's.
    Here,
    /// Another one's.
    Elsewhere,
    /// Nobody's, or that of a server that is entered no more.
    Free,
}

/// A lane in which something waits.
#[derive(Debug, Clone)]
pub struct Seen {
    /// The endpoint.
    pub webhook: WebhookId,
    /// Its tenant.
    pub tenant: TenantId,
    /// The newest delivery that waits. Whatever is queued later has a higher number.
    pub newest: LogId,
    /// Counts changes that `newest` does not tell of.
    pub edits: i64,
    /// Whose it is.
    pub owned: Owned,
}

/// The lanes of all tenants in which something waits, ascending, however much. `known`: those in which something waited the
/// last time, for which it need not search.
pub async fn look(mut conn: Conn<'_>, server: &ServerId, known: &[WebhookId]) -> Result<Vec<Seen>> {
    let steps = Steps { table: "webhook_lane_queue", index: "PRIMARY", condition: "TRUE" };
    let lanes = steps::endpoints(conn.again(), &steps, known).await?;
    let along = use_index(conn.is_mysql(), "webhook_lane_queue_log");
    let mut seen = Vec::new();
    for lanes in steps::tables(&lanes) {
        let sql = format!(
            "SELECT seen.id, (SELECT tenant_id FROM webhook_lane_queue{along} WHERE webhook_id = seen.id ORDER BY log_id DESC LIMIT 1),
              (SELECT log_id FROM webhook_lane_queue{along} WHERE webhook_id = seen.id ORDER BY log_id DESC LIMIT 1),
              l.owner, l.edits, s.id
             FROM {lanes} seen LEFT JOIN webhook_lanes l ON l.webhook_id = seen.id
               LEFT JOIN servers s ON s.id = l.owner
             ORDER BY seen.id"
        );
        let rows: Vec<Columns> = on!(conn.again(), c => {
            let rows = sqlx::raw_sql(AssertSqlSafe(sql)).fetch_all(c).await?;
            rows.iter().map(Columns::from_row).collect()
        })?;
        seen.extend(rows.into_iter().filter_map(|row| read(row, server)));
    }
    Ok(seen)
}

type Columns = (i64, Option<String>, Option<i64>, Option<String>, Option<i64>, Option<String>);

fn read((id, tenant, newest, owner, edits, alive): Columns, server: &ServerId) -> Option<Seen> {
    let owned = match (owner, alive) {
        (Some(owner), _) if owner == server.as_str() => Owned::Here,
        (Some(_), Some(_)) => Owned::Elsewhere,
        _ => Owned::Free,
    };
    let tenant = TenantId::parse(&tenant?).ok()?;
    let (webhook, newest) = (WebhookId(id), LogId(newest?));
    Some(Seen { webhook, tenant, newest, edits: edits.unwrap_or(0), owned })
}

/// Takes a lane that is free and gives the fence; one that is this server's already keeps its fence. `None` if it is
/// another's. In a transaction.
pub async fn acquire(
    mut conn: Conn<'_>,
    tenant: &TenantId,
    webhook: WebhookId,
    server: &ServerId,
) -> Result<Option<i64>> {
    let enter = if conn.is_mysql() {
        "INSERT IGNORE INTO webhook_lanes (webhook_id, tenant_id) VALUES (?, ?)"
    } else {
        "INSERT OR IGNORE INTO webhook_lanes (webhook_id, tenant_id) VALUES (?, ?)"
    };
    on!(conn.again(), c => sqlx::query(enter).bind(webhook.0).bind(tenant.as_str()).execute(c).await.map(|_| ()))?;
    on!(conn.again(), c => sqlx::query(
        "UPDATE webhook_lanes SET fence = fence + CASE WHEN owner = ? THEN 0 ELSE 1 END, owner = ?
         WHERE webhook_id = ? AND tenant_id = ? AND (owner = ? OR owner NOT IN (SELECT id FROM servers))")
        .bind(server.as_str()).bind(server.as_str()).bind(webhook.0).bind(tenant.as_str()).bind(server.as_str())
        .execute(c).await.map(|_| ()))?;
    on!(conn, c => sqlx::query_scalar(
        "SELECT fence FROM webhook_lanes WHERE webhook_id = ? AND tenant_id = ? AND owner = ?")
        .bind(webhook.0).bind(tenant.as_str()).bind(server.as_str()).fetch_optional(c).await)
}

/// Those of up to 256 lanes that are still a server's, with their fences, locked until the transaction ends so that nobody
/// takes them over meanwhile.
pub async fn lock_held(
    conn: Conn<'_>,
    server: &ServerId,
    webhooks: &[WebhookId],
) -> Result<Vec<(WebhookId, i64)>> {
    if webhooks.is_empty() {
        return Ok(Vec::new());
    }
    let mysql = conn.is_mysql();
    let rows: Vec<(i64, i64)> = on!(conn, c => {
        let mut select = QueryBuilder::new("SELECT webhook_id, fence FROM webhook_lanes WHERE owner = ");
        select.push_bind(server.as_str()).push(" AND webhook_id IN (");
        let mut list = select.separated(", ");
        for webhook in padded(webhooks) {
            list.push_bind(webhook.0);
        }
        select.push(") ORDER BY webhook_id").push(if mysql { " FOR UPDATE" } else { "" });
        select.build_query_as().fetch_all(c).await
    })?;
    Ok(rows.into_iter().map(|(id, fence)| (WebhookId(id), fence)).collect())
}

/// Frees all lanes of a server.
pub async fn release_all(conn: Conn<'_>, server: &ServerId) -> Result<u64> {
    on!(conn, c => sqlx::query("UPDATE webhook_lanes SET owner = ? WHERE owner = ?")
        .bind(NOBODY).bind(server.as_str()).execute(c).await.map(|done| done.rows_affected()))
}

/// Frees a lane of a server's, if it still has that fence.
pub async fn release(conn: Conn<'_>, webhook: WebhookId, server: &ServerId, fence: i64) -> Result<()> {
    on!(conn, c => sqlx::query(
        "UPDATE webhook_lanes SET owner = ? WHERE webhook_id = ? AND owner = ? AND fence = ?")
        .bind(NOBODY).bind(webhook.0).bind(server.as_str()).bind(fence).execute(c).await.map(|_| ()))
}

/// Notes that what waits in a lane was changed, so that its owner looks at all of it anew.
pub async fn edited(conn: Conn<'_>, tenant: &TenantId, webhook: WebhookId) -> Result<()> {
    on!(conn, c => sqlx::query("UPDATE webhook_lanes SET edits = edits + 1 WHERE webhook_id = ? AND tenant_id = ?")
        .bind(webhook.0).bind(tenant.as_str()).execute(c).await.map(|_| ()))
}
