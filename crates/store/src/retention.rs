//! Removes what was kept long enough, a few hundred rows of neighbouring keys at a time, so that nobody waits long behind
//! it. Knows what is old and what is pending, not how long things are kept nor how often to look.

use crate::db::IDLE_LIMIT;
use crate::{Conn, Result, on};
use model::{TenantId, Timestamp};
use sqlx::Executor as _;

mod calls;
mod events;
mod logs;
mod tables;

pub use calls::{delete_calls, old_calls};
pub use events::{delete_events, keep_payloads, needed_payloads, old_events};
pub use logs::{Removed, delete_logs, old_logs};
pub use tables::{Aging, prune};

/// Neighbouring rows of one tenant, by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// The first number.
    pub first: i64,
    /// The last number.
    pub last: i64,
    /// Whether there may be more behind it.
    pub more: bool,
}

/// A table that is walked through tenant by tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PerTenant {
    /// The event log.
    Events,
    /// The deliveries' log.
    WebhookLogs,
    /// Calls.
    Calls,
}

/// Whose turn it is: one server removes, the others leave it alone. Held by the session until [`end_turn`], or until its
/// connection is gone. It may be idle for a day meanwhile. For MySQL; SQLite has one server.
pub async fn take_turn(mut conn: Conn<'_>) -> Result<bool> {
    // First: a session that has the lock must not go back to the others because this fails.
    on!(conn.again(), c => c.execute("SET SESSION wait_timeout = 86400").await.map(|_| ()))?;
    let lock = "SELECT GET_LOCK(CONCAT('callcenter.retention.', DATABASE()), 0)";
    let got: Option<i64> = on!(conn.again(), c => sqlx::query_scalar(lock).fetch_one(c).await)?;
    if got != Some(1) {
        on!(conn, c => c.execute(IDLE_LIMIT).await.map(|_| ()))?;
        return Ok(false);
    }
    Ok(true)
}

/// Ends what [`take_turn`] began, in the same session.
pub async fn end_turn(mut conn: Conn<'_>) -> Result<()> {
    let release = "SELECT RELEASE_LOCK(CONCAT('callcenter.retention.', DATABASE()))";
    on!(conn.again(), c => sqlx::query(release).execute(c).await.map(|_| ()))?;
    on!(conn, c => c.execute(IDLE_LIMIT).await.map(|_| ()))
}

/// The first tenant behind `after` that has rows in the table; steps through the primary key from tenant to tenant.
pub async fn next_tenant(
    mut conn: Conn<'_>,
    table: PerTenant,
    after: Option<&TenantId>,
) -> Result<Option<TenantId>> {
    let sql = match table {
        PerTenant::Events => "SELECT MIN(tenant_id) FROM events WHERE tenant_id > ?",
        PerTenant::WebhookLogs => "SELECT MIN(tenant_id) FROM webhook_logs WHERE tenant_id > ?",
        PerTenant::Calls => "SELECT MIN(tenant_id) FROM calls WHERE tenant_id > ?",
    };
    let mut after = after.map_or_else(String::new, |tenant| tenant.as_str().to_owned());
    loop {
        let next: Option<String> =
            on!(conn.again(), c => sqlx::query_scalar(sql).bind(&after).fetch_one(c).await)?;
        let Some(next) = next else { return Ok(None) };
        match TenantId::parse(&next) {
            Ok(tenant) => return Ok(Some(tenant)),
            // Nothing that this program wrote, and no reason to stop.
            Err(_) => after = next,
        }
    }
}

/// The range of those numbers, if rows with a moment, in their order, begin with some from before `before`.
fn leading(rows: &[(i64, i64)], before: Timestamp, limit: i64) -> Option<Range> {
    let old = rows.iter().take_while(|(_, at)| *at < before.0);
    let numbers: Vec<i64> = old.map(|(number, _)| *number).collect();
    let more = i64::try_from(numbers.len()).is_ok_and(|count| count >= limit);
    Some(Range { first: *numbers.first()?, last: *numbers.last()?, more })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_ends_before_the_first_row_that_is_kept() {
        let rows = [(3, 10), (4, 20), (7, 30), (8, 5)];
        let range = |before, limit| leading(&rows, Timestamp(before), limit);
        assert_eq!(range(10, 4), None);
        assert_eq!(range(30, 4), Some(Range { first: 3, last: 4, more: false }));
        assert_eq!(range(99, 4), Some(Range { first: 3, last: 8, more: true }));
        assert_eq!(leading(&[], Timestamp(99), 4), None);
    }
}
