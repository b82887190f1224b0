//! What tenants have set otherwise than the product does, as one JSON document each.

use crate::rows::{padded, push_in};
use crate::{Conn, Error, Result, corrupt, on};
use model::{TenantId, TenantSettings, Timestamp};
use sqlx::QueryBuilder;
use std::collections::{BTreeSet, HashMap};

/// The tenant's settings; the product's where it has set nothing.
pub async fn find(conn: Conn<'_>, tenant: &TenantId) -> Result<TenantSettings> {
    let text: Option<String> = on!(conn, c => sqlx::query_scalar("SELECT settings FROM tenant_settings WHERE tenant_id = ?")
        .bind(tenant.as_str()).fetch_optional(c).await)?;
    let Some(text) = text else { return Ok(TenantSettings::default()) };
    read(&text)
}

/// The settings of several tenants; the product's where one has set nothing. What cannot be read is an error of that tenant
/// alone.
pub async fn of_tenants(
    conn: Conn<'_>,
    tenants: &BTreeSet<TenantId>,
) -> Result<HashMap<TenantId, Result<TenantSettings>>> {
    let ids: Vec<&TenantId> = tenants.iter().collect();
    let rows: Vec<(String, String)> = on!(conn, c => {
        let mut select = QueryBuilder::new("SELECT tenant_id, settings FROM tenant_settings");
        push_in(&mut select, " WHERE tenant_id", padded(&ids).map(|id| id.as_str()));
        select.build_query_as().fetch_all(c).await
    })?;
    let texts: HashMap<String, String> = rows.into_iter().collect();
    let of = |tenant: &TenantId| match texts.get(tenant.as_str()) {
        Some(text) => read(text),
        None => Ok(TenantSettings::default()),
    };
    Ok(tenants.iter().map(|tenant| (tenant.clone(), of(tenant))).collect())
}

fn read(text: &str) -> Result<TenantSettings> {
    serde_json::from_str(text).map_err(|_| corrupt("tenant_settings.settings", text))
}

/// The same, locked until the transaction ends.
pub async fn lock(mut conn: Conn<'_>, tenant: &TenantId, now: Timestamp) -> Result<TenantSettings> {
    if !conn.is_mysql() {
        // The one writer of SQLite is lock enough.
        return find(conn, tenant).await;
    }
    // There must be a row to lock; an empty document is one that sets nothing.
    on!(conn.again(), c => sqlx::query(
        "INSERT IGNORE INTO tenant_settings (tenant_id, settings, updated_at) VALUES (?, '{}', ?)")
        .bind(tenant.as_str()).bind(now.0).execute(c).await.map(|_| ()))?;
    let text: String = on!(conn, c => sqlx::query_scalar("SELECT settings FROM tenant_settings WHERE tenant_id = ? FOR UPDATE")
        .bind(tenant.as_str()).fetch_one(c).await)?;
    read(&text)
}

/// Up to `limit` tenants that have set something, by id after `after`, with their settings. What cannot be read is an error of
/// that tenant alone.
pub async fn page(conn: Conn<'_>, after: &str, limit: i64) -> Result<Vec<(String, Result<TenantSettings>)>> {
    let rows: Vec<(String, String)> = on!(conn, c => sqlx::query_as(
        "SELECT tenant_id, settings FROM tenant_settings WHERE tenant_id > ? ORDER BY tenant_id LIMIT ?")
        .bind(after).bind(limit).fetch_all(c).await)?;
    Ok(rows.into_iter().map(|(tenant, text)| (tenant, read(&text))).collect())
}

/// Stores the tenant's settings.
pub async fn put(conn: Conn<'_>, tenant: &TenantId, settings: &TenantSettings, now: Timestamp) -> Result<()> {
    let text = serde_json::to_string(settings)
        .map_err(|error| Error::Schema(format!("settings cannot be written as JSON: {error}")))?;
    on!(conn, c => sqlx::query("REPLACE INTO tenant_settings (tenant_id, settings, updated_at) VALUES (?, ?, ?)")
        .bind(tenant.as_str()).bind(&text).bind(now.0).execute(c).await.map(|_| ()))
}
