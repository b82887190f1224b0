//! What an endpoint's deliveries add up to.

use super::latency::{self, Histogram};
use super::pending::count_pending;
use crate::{Conn, Result, on};
use model::{TenantId, Timestamp, WebhookId};
use sqlx::{FromRow, QueryBuilder, Row};

/// What an endpoint's deliveries add up to.
#[derive(Debug, Clone, Default)]
pub struct Stats {
    /// Delivered.
    pub successful: i64,
    /// Given up.
    pub failed: i64,
    /// Waiting or being sent; not counted beyond [`super::COUNTED_AT_MOST`].
    pub pending: i64,
    /// The answered attempts' durations, added up.
    pub latency_ms_sum: i64,
    /// How many attempts were answered.
    pub latency_count: i64,
    /// The answered attempts by latency.
    pub latencies: Histogram,
    /// When the last attempt ended.
    pub last_delivery_at: Option<i64>,
    /// What was last wrong.
    pub last_error: Option<String>,
}

/// The sums, in the order in which they are asked for.
struct Sums(Vec<i64>);

impl<'r, R: Row> FromRow<'r, R> for Sums
where
    usize: sqlx::ColumnIndex<R>,
    i64: sqlx::Decode<'r, R::Database> + sqlx::Type<R::Database>,
{
    fn from_row(row: &'r R) -> sqlx::Result<Self> {
        (0..row.len()).map(|at| row.try_get(at)).collect::<sqlx::Result<_>>().map(Self)
    }
}

/// What finished since `since`, and what is pending now. In a snapshot, so that one goes with the other.
pub async fn stats(
    mut conn: Conn<'_>,
    tenant: &TenantId,
    webhook: WebhookId,
    since: Timestamp,
) -> Result<Stats> {
    let sum = |column: &str| format!("CAST(COALESCE(SUM({column}), 0) AS SIGNED)");
    let columns =
        ["successful", "failed", "latency_ms_sum", "latency_count"].into_iter().chain(latency::COLUMNS);
    let sums = columns.map(sum).collect::<Vec<_>>().join(", ");
    let Sums(sums) = on!(conn.again(), c => {
        let mut select = QueryBuilder::new("SELECT ");
        select.push(&sums).push(" FROM webhook_rollups WHERE tenant_id = ").push_bind(tenant.as_str());
        select.push(" AND webhook_id = ").push_bind(webhook.0).push(" AND minute_at > ").push_bind(since.0 - 60_000);
        select.build_query_as().fetch_one(c).await
    })?;
    let mut stats = Stats::default();
    let firsts =
        [&mut stats.successful, &mut stats.failed, &mut stats.latency_ms_sum, &mut stats.latency_count];
    for (field, sum) in firsts.into_iter().chain(&mut stats.latencies.0).zip(sums) {
        *field = sum;
    }
    stats.pending = count_pending(conn.again(), tenant, webhook).await?;
    let last: Option<(Option<i64>, Option<String>)> = on!(conn, c => sqlx::query_as(
        "SELECT last_delivery_at, last_error FROM webhook_health WHERE tenant_id = ? AND webhook_id = ?")
        .bind(tenant.as_str()).bind(webhook.0).fetch_optional(c).await)?;
    (stats.last_delivery_at, stats.last_error) = last.unwrap_or_default();
    Ok(stats)
}
