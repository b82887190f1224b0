//! What is done before or beside a running server: the development tenant, new tenants and admins, a lost password.

use crate::fields::{FieldProblem, Problems};
use crate::passwords::{self, Hashing};
use crate::users::{check_email, taken};
use crate::{Error, Result};
use async_recursion::async_recursion as boxed;
use model::{Clock, Role, TenantId, UserId};
use store::revocations::{self, Revoked};
use store::users::{self, User};
use store::{Store, sessions, tenants};

const DEVELOPMENT_TENANT: &str = "tenant-123";
const DEVELOPMENT_ADMIN: &str = "user-456";
/// The account that development begins with, and that production refuses to start with.
pub const DEVELOPMENT_EMAIL: &str = "admin@example.com";
/// Its password.
pub const DEVELOPMENT_PASSWORD: &str = "password";

/// Gives an empty database the development tenant and its admin. Servers that start together do it once.
#[boxed]
pub async fn development_tenant(store: &Store, clock: &Clock, hashing: &Hashing) -> Result<bool> {
    let mut reader = store.read().await?;
    if tenants::any(reader.conn()).await? {
        return Ok(false);
    }
    drop(reader);
    let tenant = TenantId::parse(DEVELOPMENT_TENANT).map_err(|error| Error::Internal(error.to_string()))?;
    let id = UserId::parse(DEVELOPMENT_ADMIN).map_err(|error| Error::Internal(error.to_string()))?;
    let hash = hashing.hash(DEVELOPMENT_PASSWORD).await?;
    let admin = new_admin(clock, &tenant, id, DEVELOPMENT_EMAIL, "Admin", hash);
    let mut tx = store.begin().await?;
    match tenants::insert(tx.conn(), &tenant, "Development", clock.now()).await {
        Err(store::Error::Duplicate(_)) => return Ok(false),
        other => other?,
    }
    users::insert(tx.conn(), &admin).await?;
    tx.commit().await?;
    Ok(true)
}

/// Whether the development admin's well-known password still opens it.
#[boxed]
pub async fn development_admin_is_open(store: &Store) -> Result<bool> {
    let mut reader = store.read().await?;
    let admin = users::find_by_email(reader.conn(), DEVELOPMENT_EMAIL).await?;
    match admin.filter(|admin| admin.is_active) {
        Some(admin) => Hashing::default().verify(DEVELOPMENT_PASSWORD, Some(&admin.password_hash)).await,
        None => Ok(false),
    }
}

/// Adds a tenant, with an id of its own if none is given.
#[boxed]
pub async fn create_tenant(
    store: &Store,
    clock: &Clock,
    id: Option<TenantId>,
    name: &str,
) -> Result<TenantId> {
    let mut problems = Problems::default();
    problems.check_text(name, 1, 200, "name");
    problems.into_result()?;
    let id = id.unwrap_or_else(TenantId::generate);
    let mut tx = store.begin().await?;
    tenants::insert(tx.conn(), &id, name, clock.now()).await.map_err(|error| match error {
        store::Error::Duplicate(_) => Error::Conflict {
            code: "tenant_exists",
            message: format!("the tenant {id} exists already"),
            details: vec![FieldProblem::new("id", "is taken")],
        },
        error => error.into(),
    })?;
    tx.commit().await?;
    Ok(id)
}

/// Adds an admin to a tenant.
#[boxed]
pub async fn create_admin(
    store: &Store,
    clock: &Clock,
    hashing: &Hashing,
    tenant: &TenantId,
    email: &str,
    name: Option<&str>,
    password: &str,
) -> Result<UserId> {
    let name = name.unwrap_or(email);
    let mut problems = Problems::default();
    check_email(&mut problems, email);
    passwords::check(&mut problems, "password", password);
    problems.check_text(name, 1, 254, "name");
    problems.into_result()?;
    let hash = hashing.hash(password).await?;
    let admin = new_admin(clock, tenant, UserId::generate(), email, name, hash);
    let mut tx = store.begin().await?;
    if !tenants::exists(tx.conn(), tenant).await? {
        return Err(Error::NotFound("tenant"));
    }
    users::insert(tx.conn(), &admin).await.map_err(taken)?;
    tx.commit().await?;
    Ok(admin.id)
}

fn new_admin(clock: &Clock, tenant: &TenantId, id: UserId, email: &str, name: &str, hash: String) -> User {
    let now = clock.now();
    User {
        tenant: tenant.clone(),
        id,
        email: email.to_owned(),
        password_hash: hash,
        name: name.chars().take(200).collect(),
        role: Role::Admin,
        extension: None,
        is_active: true,
        created_at: now,
        updated_at: now,
    }
}

/// Sets a user's password and ends all sessions of that user, on every running server.
#[boxed]
pub async fn reset_password(
    store: &Store,
    clock: &Clock,
    hashing: &Hashing,
    email: &str,
    password: &str,
) -> Result<()> {
    let mut problems = Problems::default();
    passwords::check(&mut problems, "password", password);
    problems.into_result()?;
    let hash = hashing.hash(password).await?;
    let mut tx = store.begin().await?;
    let now = clock.now();
    let user =
        users::find_by_email(tx.conn(), &email.to_lowercase()).await?.ok_or(Error::NotFound("user"))?;
    // As it is now, and stays until the password is written.
    let user = users::lock(tx.conn(), &user.tenant, &user.id).await?.ok_or(Error::NotFound("user"))?;
    for (session, _) in sessions::open_of_user(tx.conn(), &user.tenant, &user.id).await? {
        sessions::end(tx.conn(), &user.tenant, &session, now).await?;
        revocations::insert(tx.conn(), &user.tenant, &Revoked::Session(session), now).await?;
    }
    users::update(tx.conn(), &User { password_hash: hash, updated_at: now, ..user }).await?;
    Ok(tx.commit().await?)
}
