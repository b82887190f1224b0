//! What is not done yet, found by the index of what is due, so that it costs what is asked for and not what the log holds.

use crate::hints::{join_in_order, use_index};
use crate::{Conn, Result, on};
use model::{LogId, TenantId, WebhookId};
use sqlx::QueryBuilder;

/// More pending deliveries of an endpoint are not counted: a hundred thousand take some 20 ms.
pub const COUNTED_AT_MOST: i64 = 100_000;

/// Pushes the ids of an endpoint's pending deliveries, `limit` at most of those that no server has yet.
macro_rules! push_pending {
    ($query:expr, $mysql:expr, $tenant:expr, $webhook:expr, $limit:expr) => {
        let due = use_index($mysql, "webhook_logs_due");
        $query.push("SELECT id FROM (SELECT id FROM webhook_logs").push(&due);
        $query.push(" WHERE owner IN ('', '-') AND webhook_id = ").push_bind($webhook.0);
        $query.push(" AND tenant_id = ").push_bind($tenant.as_str()).push(" LIMIT ").push_bind($limit);
        // What servers own is bounded by their memory.
        $query.push(") AS waiting UNION ALL SELECT l.id FROM servers s ").push(join_in_order($mysql));
        $query.push(" webhook_logs l").push(&due).push(" ON l.owner = s.id WHERE l.webhook_id = ");
        $query.push_bind($webhook.0).push(" AND l.tenant_id = ").push_bind($tenant.as_str());
    };
}

/// How many deliveries to an endpoint are not done; [`COUNTED_AT_MOST`] if there are more.
pub async fn count_pending(conn: Conn<'_>, tenant: &TenantId, webhook: WebhookId) -> Result<i64> {
    let mysql = conn.is_mysql();
    let count: i64 = on!(conn, c => {
        let mut select = QueryBuilder::new("SELECT COUNT(*) FROM (");
        push_pending!(select, mysql, tenant, webhook, COUNTED_AT_MOST);
        select.push(") AS pending").build_query_scalar().fetch_one(c).await
    })?;
    Ok(count.min(COUNTED_AT_MOST))
}

/// The deliveries to an endpoint that are not done, in no order; `None` if they are more than `limit`.
pub(super) async fn all_pending(
    conn: Conn<'_>,
    tenant: &TenantId,
    webhook: WebhookId,
    limit: i64,
) -> Result<Option<Vec<LogId>>> {
    let enough = limit + 1;
    let mysql = conn.is_mysql();
    let ids: Vec<i64> = on!(conn, c => {
        let mut select = QueryBuilder::new("SELECT id FROM (");
        push_pending!(select, mysql, tenant, webhook, enough);
        select.push(") AS pending LIMIT ").push_bind(enough).build_query_scalar().fetch_all(c).await
    })?;
    let few = i64::try_from(ids.len()).is_ok_and(|count| count <= limit);
    Ok(few.then(|| ids.into_iter().map(LogId).collect()))
}
