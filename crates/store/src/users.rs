//! Users.

use crate::{Conn, Error, Result, corrupt, from_row, on};
use model::{Role, TenantId, Timestamp, UserId};

/// A user as stored.
#[derive(Debug, Clone)]
pub struct User {
    /// The user's tenant.
    pub tenant: TenantId,
    /// The user's id, unique in the tenant.
    pub id: UserId,
    /// Sign-in name, as it was written.
    pub email: String,
    /// An argon2id hash in PHC form.
    pub password_hash: String,
    /// Display name.
    pub name: String,
    /// What the user may do.
    pub role: Role,
    /// Telephone extension.
    pub extension: Option<String>,
    /// Whether the user may sign in.
    pub is_active: bool,
    /// When the user was created.
    pub created_at: Timestamp,
    /// When the user was last changed.
    pub updated_at: Timestamp,
}

struct Row {
    tenant_id: String,
    id: String,
    email: String,
    password_hash: String,
    name: String,
    role: String,
    extension: Option<String>,
    is_active: bool,
    created_at: i64,
    updated_at: i64,
}

from_row!(Row: tenant_id, id, email, password_hash, name, role, extension, is_active, created_at, updated_at);

impl TryFrom<Row> for User {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            tenant: TenantId::parse(&row.tenant_id)
                .map_err(|_| corrupt("users.tenant_id", &row.tenant_id))?,
            id: UserId::parse(&row.id).map_err(|_| corrupt("users.id", &row.id))?,
            email: row.email,
            password_hash: row.password_hash,
            name: row.name,
            role: Role::parse_user(&row.role).ok_or_else(|| corrupt("users.role", &row.role))?,
            extension: row.extension,
            is_active: row.is_active,
            created_at: Timestamp(row.created_at),
            updated_at: Timestamp(row.updated_at),
        })
    }
}

/// Adds a user. `Duplicate` if the e-mail address is taken in any tenant.
pub async fn insert(conn: Conn<'_>, user: &User) -> Result<()> {
    on!(conn, c => sqlx::query(
        "INSERT INTO users (tenant_id, id, email, email_key, password_hash, name, role, extension, is_active, created_at,
         updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
        .bind(user.tenant.as_str()).bind(user.id.as_str()).bind(&user.email).bind(user.email.to_lowercase())
        .bind(&user.password_hash).bind(&user.name).bind(user.role.as_str()).bind(&user.extension).bind(user.is_active)
        .bind(user.created_at.0).bind(user.updated_at.0).execute(c).await.map(|_| ()))
}

/// Overwrites a user's row. `Duplicate` if the e-mail address is taken.
pub async fn update(conn: Conn<'_>, user: &User) -> Result<()> {
    on!(conn, c => sqlx::query(
        "UPDATE users SET email = ?, email_key = ?, password_hash = ?, name = ?, role = ?, extension = ?, is_active = ?,
         updated_at = ? WHERE tenant_id = ? AND id = ?")
        .bind(&user.email).bind(user.email.to_lowercase()).bind(&user.password_hash).bind(&user.name)
        .bind(user.role.as_str()).bind(&user.extension).bind(user.is_active).bind(user.updated_at.0)
        .bind(user.tenant.as_str()).bind(user.id.as_str()).execute(c).await.map(|_| ()))
}

/// Removes a user.
pub async fn delete(conn: Conn<'_>, tenant: &TenantId, id: &UserId) -> Result<()> {
    on!(conn, c => sqlx::query("DELETE FROM users WHERE tenant_id = ? AND id = ?")
        .bind(tenant.as_str()).bind(id.as_str()).execute(c).await.map(|_| ()))
}

/// The user of that id.
pub async fn find(conn: Conn<'_>, tenant: &TenantId, id: &UserId) -> Result<Option<User>> {
    let row: Option<Row> = on!(conn, c => sqlx::query_as("SELECT * FROM users WHERE tenant_id = ? AND id = ?")
        .bind(tenant.as_str()).bind(id.as_str()).fetch_optional(c).await)?;
    row.map(TryInto::try_into).transpose()
}

/// The user of that id, locked until the transaction ends.
pub async fn lock(conn: Conn<'_>, tenant: &TenantId, id: &UserId) -> Result<Option<User>> {
    let sql = if conn.is_mysql() {
        "SELECT * FROM users WHERE tenant_id = ? AND id = ? FOR UPDATE"
    } else {
        "SELECT * FROM users WHERE tenant_id = ? AND id = ?"
    };
    let row: Option<Row> = on!(conn, c => sqlx::query_as(sql)
        .bind(tenant.as_str()).bind(id.as_str()).fetch_optional(c).await)?;
    row.map(TryInto::try_into).transpose()
}

/// The user who signs in with that address, in whichever tenant.
pub async fn find_by_email(conn: Conn<'_>, email_key: &str) -> Result<Option<User>> {
    let row: Option<Row> = on!(conn, c => sqlx::query_as("SELECT * FROM users WHERE email_key = ?")
        .bind(email_key).fetch_optional(c).await)?;
    row.map(TryInto::try_into).transpose()
}

/// Up to `limit` users of a tenant by id, after the id `after`.
pub async fn page(conn: Conn<'_>, tenant: &TenantId, after: &str, limit: i64) -> Result<Vec<User>> {
    let rows: Vec<Row> = on!(conn, c => sqlx::query_as(
        "SELECT * FROM users WHERE tenant_id = ? AND id > ? ORDER BY id LIMIT ?")
        .bind(tenant.as_str()).bind(after).bind(limit).fetch_all(c).await)?;
    rows.into_iter().map(TryInto::try_into).collect()
}

/// Locks the tenant's active admins until the transaction ends, and gives their ids.
pub async fn lock_active_admins(conn: Conn<'_>, tenant: &TenantId) -> Result<Vec<UserId>> {
    let sql = if conn.is_mysql() {
        "SELECT id FROM users WHERE tenant_id = ? AND role = 'admin' AND is_active = TRUE ORDER BY id FOR UPDATE"
    } else {
        "SELECT id FROM users WHERE tenant_id = ? AND role = 'admin' AND is_active = TRUE ORDER BY id"
    };
    let ids: Vec<String> = on!(conn, c => sqlx::query_scalar(sql).bind(tenant.as_str()).fetch_all(c).await)?;
    ids.iter().map(|id| UserId::parse(id).map_err(|_| corrupt("users.id", id))).collect()
}
