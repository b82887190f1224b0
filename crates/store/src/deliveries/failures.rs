//! The deliveries that were given up, noted apart so that the few are found among the many.

use super::finish::{Attempt, Verdict};
use crate::rows::parts;
use crate::{Conn, Result, on};
use model::{LogId, TenantId};
use sqlx::QueryBuilder;

/// Notes which of those attempts gave their delivery up. Whoever lists them looks at the row as well.
pub(super) async fn note(mut conn: Conn<'_>, attempts: &[Attempt]) -> Result<()> {
    let failed: Vec<&Attempt> =
        attempts.iter().filter(|attempt| attempt.verdict == Verdict::Failed).collect();
    // What was noted by a writing whose answer was lost stands there already.
    let insert = if conn.is_mysql() { "INSERT IGNORE" } else { "INSERT OR IGNORE" };
    for failed in parts(&failed) {
        on!(conn.again(), c => {
            let mut insert = QueryBuilder::new(insert);
            insert.push(" INTO webhook_failures (tenant_id, log_id, webhook_id) ");
            insert.push_values(failed, |mut row, attempt| {
                row.push_bind(attempt.tenant.as_str()).push_bind(attempt.log.0).push_bind(attempt.webhook.0);
            });
            insert.build().execute(c).await.map(|_| ())
        })?;
    }
    Ok(())
}

/// Takes a delivery off again that is to be tried once more.
pub(super) async fn forget(conn: Conn<'_>, tenant: &TenantId, id: LogId) -> Result<()> {
    on!(conn, c => sqlx::query("DELETE FROM webhook_failures WHERE tenant_id = ? AND log_id = ?")
        .bind(tenant.as_str()).bind(id.0).execute(c).await.map(|_| ()))
}
