//! Keys of programs, known by their hash.

use crate::{Conn, Error, Result, corrupt, from_row, on};
use model::{ApiKeyId, Scope, TenantId, Timestamp, UserId};

/// A key as stored.
#[derive(Debug, Clone)]
pub struct ApiKey {
    /// The tenant that it acts for.
    pub tenant: TenantId,
    /// Its id, which is not the key.
    pub id: ApiKeyId,
    /// For people.
    pub name: String,
    /// SHA-256 of the key, in lower-case hex.
    pub key_hash: String,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// Who made it.
    pub created_by: Option<UserId>,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when on it is no longer good; none for never.
    pub expires_at: Option<Timestamp>,
}

struct Row {
    tenant_id: String,
    id: String,
    name: String,
    key_hash: String,
    scopes: String,
    created_by: Option<String>,
    created_at: i64,
    expires_at: Option<i64>,
}

from_row!(Row: tenant_id, id, name, key_hash, scopes, created_by, created_at, expires_at);

impl TryFrom<Row> for ApiKey {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let scopes = serde_json::from_str(&row.scopes).map_err(|error| corrupt("api_keys.scopes", error))?;
        Ok(Self {
            tenant: TenantId::parse(&row.tenant_id)
                .map_err(|_| corrupt("api_keys.tenant_id", &row.tenant_id))?,
            id: ApiKeyId::parse(&row.id).map_err(|_| corrupt("api_keys.id", &row.id))?,
            name: row.name,
            key_hash: row.key_hash,
            scopes,
            created_by: row.created_by.as_deref().and_then(|id| UserId::parse(id).ok()),
            created_at: Timestamp(row.created_at),
            expires_at: row.expires_at.map(Timestamp),
        })
    }
}

/// Adds a key.
pub async fn insert(conn: Conn<'_>, key: &ApiKey) -> Result<()> {
    let scopes = serde_json::to_string(&key.scopes).unwrap_or_default();
    on!(conn, c => sqlx::query(
        "INSERT INTO api_keys (tenant_id, id, name, key_hash, scopes, created_by, created_at, expires_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)")
        .bind(key.tenant.as_str()).bind(key.id.as_str()).bind(&key.name).bind(&key.key_hash).bind(&scopes)
        .bind(key.created_by.as_ref().map(UserId::as_str)).bind(key.created_at.0).bind(key.expires_at.map(|at| at.0))
        .execute(c).await.map(|_| ()))
}

/// The key of that hash, in whichever tenant.
pub async fn find_by_hash(conn: Conn<'_>, key_hash: &str) -> Result<Option<ApiKey>> {
    let row: Option<Row> = on!(conn, c => sqlx::query_as("SELECT * FROM api_keys WHERE key_hash = ?")
        .bind(key_hash).fetch_optional(c).await)?;
    row.map(TryInto::try_into).transpose()
}

/// A tenant's keys by id, after the id `after`, `limit` at most.
pub async fn page(conn: Conn<'_>, tenant: &TenantId, after: &str, limit: i64) -> Result<Vec<ApiKey>> {
    let rows: Vec<Row> = on!(conn, c => sqlx::query_as(
        "SELECT * FROM api_keys WHERE tenant_id = ? AND id > ? ORDER BY id LIMIT ?")
        .bind(tenant.as_str()).bind(after).bind(limit).fetch_all(c).await)?;
    rows.into_iter().map(TryInto::try_into).collect()
}

/// Whether there is a key of that id, which is locked until the transaction ends.
pub async fn lock(conn: Conn<'_>, tenant: &TenantId, id: &ApiKeyId) -> Result<bool> {
    let sql = if conn.is_mysql() {
        "SELECT id FROM api_keys WHERE tenant_id = ? AND id = ? FOR UPDATE"
    } else {
        "SELECT id FROM api_keys WHERE tenant_id = ? AND id = ?"
    };
    let found: Option<String> = on!(conn, c => sqlx::query_scalar(sql).bind(tenant.as_str()).bind(id.as_str()).fetch_optional(c).await)?;
    Ok(found.is_some())
}

/// Removes a key; gives whether it was there.
pub async fn delete(conn: Conn<'_>, tenant: &TenantId, id: &ApiKeyId) -> Result<bool> {
    let removed = on!(conn, c => sqlx::query("DELETE FROM api_keys WHERE tenant_id = ? AND id = ?")
        .bind(tenant.as_str()).bind(id.as_str()).execute(c).await.map(|done| done.rows_affected()))?;
    Ok(removed > 0)
}
