//! What is not done yet, found by the index of what is due and by what servers have, so that it costs what is asked for and
//! not what the log holds.

use super::blocks::{self, Held};
use crate::hints::use_index;
use crate::{Conn, Result, on};
use model::{LogId, TenantId, WebhookId};
use sqlx::QueryBuilder;

/// More pending deliveries of an endpoint are not counted: a hundred thousand take some 20 ms.
pub const COUNTED_AT_MOST: i64 = 100_000;

/// Pushes the ids of an endpoint's deliveries that no server has yet, `limit` at most.
macro_rules! push_waiting {
    ($query:expr, $mysql:expr, $tenant:expr, $webhook:expr, $limit:expr) => {
        $query.push("SELECT id FROM webhook_logs").push(use_index($mysql, "webhook_logs_due"));
        $query.push(" WHERE waits IN ('', '-') AND webhook_id = ").push_bind($webhook.0);
        $query.push(" AND tenant_id = ").push_bind($tenant.as_str()).push(" LIMIT ").push_bind($limit);
    };
}

/// Those that servers have. They are bounded by the servers' memory.
async fn held(mut conn: Conn<'_>, tenant: &TenantId, webhook: WebhookId) -> Result<Vec<LogId>> {
    let blocks = blocks::of_all_servers(conn.again(), Some(tenant), i64::MAX).await?;
    let keys = blocks::held(conn, &blocks, Held { webhook: Some(webhook), ..Held::default() }).await?;
    Ok(keys.into_iter().map(|(_, id)| id).collect())
}

/// How many deliveries to an endpoint are not done; [`COUNTED_AT_MOST`] if there are more. Without a snapshot one is missed that
/// just goes from a server back to the database, and one counted twice that goes the other way.
pub async fn count_pending(mut conn: Conn<'_>, tenant: &TenantId, webhook: WebhookId) -> Result<i64> {
    let mysql = conn.is_mysql();
    let waiting: i64 = on!(conn.again(), c => {
        let mut select = QueryBuilder::new("SELECT COUNT(*) FROM (");
        push_waiting!(select, mysql, tenant, webhook, COUNTED_AT_MOST);
        select.push(") AS waiting").build_query_scalar().fetch_one(c).await
    })?;
    let held = held(conn, tenant, webhook).await?.len();
    Ok(waiting.saturating_add(i64::try_from(held).unwrap_or(i64::MAX)).min(COUNTED_AT_MOST))
}

/// The deliveries to an endpoint that are not done, in no order; `None` if they are more than `limit`. In a snapshot, as one may
/// go from one state to the other meanwhile.
pub(super) async fn all_pending(
    mut conn: Conn<'_>,
    tenant: &TenantId,
    webhook: WebhookId,
    limit: i64,
) -> Result<Option<Vec<LogId>>> {
    let mysql = conn.is_mysql();
    let waiting: Vec<i64> = on!(conn.again(), c => {
        let mut select = QueryBuilder::new("");
        push_waiting!(select, mysql, tenant, webhook, limit + 1);
        select.build_query_scalar().fetch_all(c).await
    })?;
    let mut ids: Vec<LogId> = waiting.into_iter().map(LogId).collect();
    ids.append(&mut held(conn, tenant, webhook).await?);
    let few = i64::try_from(ids.len()).is_ok_and(|count| count <= limit);
    Ok(few.then_some(ids))
}
