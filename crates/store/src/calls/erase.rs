//! Takes callers' personal data out of calls that ended long ago.

use crate::{Conn, Result, corrupt, on};
use model::calls::Call;
use model::{CallId, TenantId, Timestamp};

/// Up to `limit` calls of a tenant that ended at `before` or earlier and still hold personal data.
pub async fn erasable(
    conn: Conn<'_>,
    tenant: &TenantId,
    before: Timestamp,
    limit: i64,
) -> Result<Vec<CallId>> {
    let rows: Vec<String> = on!(conn, c => sqlx::query_scalar(
        "SELECT id FROM calls WHERE tenant_id = ? AND erased_at IS NULL AND ended_at <= ? ORDER BY ended_at LIMIT ?")
        .bind(tenant.as_str()).bind(before.0).bind(limit).fetch_all(c).await)?;
    rows.into_iter().map(|id| CallId::parse(&id).map_err(|_| corrupt("calls.id", id))).collect()
}

/// Stores the numbers and names that are left of a call's. Of none is asked again. The hash of what was reported goes too: who
/// knows the rest of the report finds a number by trying all.
pub async fn erase(conn: Conn<'_>, tenant: &TenantId, masked: &Call, now: Timestamp) -> Result<()> {
    on!(conn, c => sqlx::query(
        "UPDATE calls SET from_number = ?, from_name = ?, to_number = ?, to_name = ?, outside = ?, body_hash = '', erased_at = ?
         WHERE tenant_id = ? AND id = ?")
        .bind(&masked.from.number).bind(&masked.from.name).bind(&masked.to.number).bind(&masked.to.name)
        .bind(&masked.outside).bind(now.0).bind(tenant.as_str()).bind(masked.id.as_str())
        .execute(c).await.map(|_| ()))
}
