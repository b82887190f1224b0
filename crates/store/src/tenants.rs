//! Tenants.

use crate::{Conn, Result, on};
use model::{TenantId, Timestamp};

/// Creates a tenant with its counters. `Duplicate` if the id is taken.
pub async fn insert(mut conn: Conn<'_>, id: &TenantId, name: &str, now: Timestamp) -> Result<()> {
    on!(conn.again(), c => sqlx::query("INSERT INTO tenants (id, name, created_at) VALUES (?, ?, ?)")
        .bind(id.as_str()).bind(name).bind(now.0).execute(c).await.map(|_| ()))?;
    on!(conn, c => sqlx::query("INSERT INTO tenant_sequences (tenant_id) VALUES (?)")
        .bind(id.as_str()).execute(c).await.map(|_| ()))
}

/// Whether there is such a tenant.
pub async fn exists(conn: Conn<'_>, id: &TenantId) -> Result<bool> {
    let count: i64 = on!(conn, c => sqlx::query_scalar("SELECT COUNT(*) FROM tenants WHERE id = ?")
        .bind(id.as_str()).fetch_one(c).await)?;
    Ok(count > 0)
}

/// Whether there is any tenant at all.
pub async fn any(conn: Conn<'_>) -> Result<bool> {
    let first: Option<String> =
        on!(conn, c => sqlx::query_scalar("SELECT id FROM tenants LIMIT 1").fetch_optional(c).await)?;
    Ok(first.is_some())
}
