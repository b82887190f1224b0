//! The tenant's users: who they are, what they may do, and that they are out at once when they may no longer.

use crate::agents;
use crate::broadcaster::{Broadcaster, Trace, Work};
use crate::error::retrying;
use crate::fields::Problems;
use crate::passwords::{self, Hashing};
use crate::{Error, Result, queues};
use async_recursion::async_recursion as boxed;
use model::agents::Command;
use model::email::Email;
use model::{Role, SessionId, TenantId, Timestamp, UserId};
use std::sync::Arc;
use store::revocations::Revoked;
use store::sessions;
use store::users::{self as rows, User};

/// A user to be created.
#[derive(Debug, Clone)]
pub struct NewUser {
    /// Sign-in name.
    pub email: String,
    /// In plain text, to be hashed.
    pub password: String,
    /// Display name.
    pub name: String,
    /// `admin`, `supervisor` or `agent`.
    pub role: String,
    /// Telephone extension.
    pub extension: Option<String>,
    /// Whether the user may sign in.
    pub is_active: bool,
}

/// What is to change about a user.
#[derive(Debug, Clone, Default)]
pub struct UserPatch {
    /// A new sign-in name.
    pub email: Option<String>,
    /// A new password, which ends the user's sessions.
    pub password: Option<String>,
    /// A new display name.
    pub name: Option<String>,
    /// A new role.
    pub role: Option<String>,
    /// A new extension, or none.
    pub extension: Option<Option<String>>,
    /// Whether the user may sign in.
    pub is_active: Option<bool>,
}

/// Manages users.
pub struct Users {
    broadcaster: Arc<Broadcaster>,
    hashing: Arc<Hashing>,
}

impl Users {
    pub(crate) fn new(broadcaster: Arc<Broadcaster>, hashing: Arc<Hashing>) -> Self {
        Self { broadcaster, hashing }
    }

    /// The tenant's users by id, after the id `after`.
    #[boxed]
    pub async fn page(&self, tenant: &TenantId, after: &str, limit: i64) -> Result<Vec<User>> {
        let mut reader = self.broadcaster.store.read().await?;
        Ok(rows::page(reader.conn(), tenant, after, limit).await?)
    }

    /// One user.
    #[boxed]
    pub async fn get(&self, tenant: &TenantId, id: &UserId) -> Result<User> {
        let mut reader = self.broadcaster.store.read().await?;
        rows::find(reader.conn(), tenant, id).await?.ok_or(Error::NotFound("user"))
    }

    /// Adds a user.
    #[boxed]
    pub async fn create(&self, tenant: &TenantId, new: NewUser) -> Result<User> {
        let role = checked(&new)?;
        let now = self.broadcaster.clock.now();
        let user = User {
            tenant: tenant.clone(),
            id: UserId::generate(),
            password_hash: self.hashing.hash(&new.password).await?,
            email: new.email,
            name: new.name,
            role,
            extension: new.extension,
            is_active: new.is_active,
            created_at: now,
            updated_at: now,
        };
        retrying(|| self.insert(&user)).await?;
        Ok(user)
    }

    async fn insert(&self, user: &User) -> Result<()> {
        let mut work = self.broadcaster.begin().await?;
        rows::insert(work.conn(), user).await.map_err(taken)?;
        work.leaves(Trace::User(user.tenant.clone(), user.id.clone()));
        work.commit().await
    }

    /// Changes a user.
    #[boxed]
    pub async fn update(&self, tenant: &TenantId, id: &UserId, patch: UserPatch) -> Result<User> {
        let role = checked_patch(&patch)?;
        let hash = match &patch.password {
            Some(password) => Some(self.hashing.hash(password).await?),
            None => None,
        };
        retrying(|| self.try_update(tenant, id, &patch, role, hash.as_deref())).await
    }

    async fn try_update(
        &self,
        tenant: &TenantId,
        id: &UserId,
        patch: &UserPatch,
        role: Option<Role>,
        hash: Option<&str>,
    ) -> Result<User> {
        let mut work = self.broadcaster.begin().await?;
        let now = self.broadcaster.clock.now();
        let admins = rows::lock_active_admins(work.conn(), tenant).await?;
        let before = rows::lock(work.conn(), tenant, id).await?.ok_or(Error::NotFound("user"))?;
        let after = patched(&before, patch, role, hash, now);
        let stays_admin = after.is_active && after.role == Role::Admin;
        if !stays_admin {
            refuse_last_admin(&admins, id)?;
        }
        rows::update(work.conn(), &after).await.map_err(taken)?;
        // Before the sessions, so that connections close as those of a user who is out, not of a session that ended.
        if before.is_active != after.is_active || before.role != after.role {
            work.revoke(tenant, Revoked::User(id.clone())).await?;
        }
        let was_signed_in =
            (!after.is_active || hash.is_some()) && end_sessions(&mut work, tenant, id, None, now).await?;
        if before.is_active && !after.is_active {
            queues::stand_down(&mut work, tenant, id, now).await?;
            agents::end_duty(&mut work, tenant, id, Command::Disabled, now).await?;
        } else if after.is_active && !before.is_active {
            queues::come_back(&mut work, tenant, id, now).await?;
        } else if was_signed_in {
            agents::end_duty(&mut work, tenant, id, Command::SignedOut, now).await?;
        }
        work.commit().await?;
        Ok(after)
    }

    /// Removes a user, who is out at once.
    #[boxed]
    pub async fn delete(&self, tenant: &TenantId, id: &UserId) -> Result<()> {
        retrying(|| self.try_delete(tenant, id)).await
    }

    async fn try_delete(&self, tenant: &TenantId, id: &UserId) -> Result<()> {
        let mut work = self.broadcaster.begin().await?;
        let now = self.broadcaster.clock.now();
        let admins = rows::lock_active_admins(work.conn(), tenant).await?;
        let user = rows::lock(work.conn(), tenant, id).await?.ok_or(Error::NotFound("user"))?;
        refuse_last_admin(&admins, id)?;
        queues::leave_all(&mut work, tenant, id, user.is_active, now).await?;
        agents::end_duty(&mut work, tenant, id, Command::Disabled, now).await?;
        work.revoke(tenant, Revoked::User(id.clone())).await?;
        end_sessions(&mut work, tenant, id, None, now).await?;
        rows::delete(work.conn(), tenant, id).await?;
        work.commit().await
    }
}

/// Ends the user's sessions, all but `keep`; gives whether any was in force.
pub(crate) async fn end_sessions(
    work: &mut Work<'_>,
    tenant: &TenantId,
    user: &UserId,
    keep: Option<&SessionId>,
    now: Timestamp,
) -> Result<bool> {
    let mut open = sessions::open_of_user(work.conn(), tenant, user).await?;
    open.retain(|(session, _)| Some(session) != keep);
    let any = open.iter().any(|(_, expires_at)| *expires_at > now);
    for (session, _) in open {
        sessions::end(work.conn(), tenant, &session, now).await?;
        work.revoke(tenant, Revoked::Session(session)).await?;
    }
    Ok(any)
}

fn refuse_last_admin(admins: &[UserId], id: &UserId) -> Result<()> {
    if admins.contains(id) && admins.len() == 1 {
        return Err(Error::Conflict {
            code: "last_admin",
            message: "this is the tenant's last active admin: make somebody else admin first".into(),
            details: Vec::new(),
        });
    }
    Ok(())
}

pub(crate) fn taken(error: store::Error) -> Error {
    match error {
        store::Error::Duplicate(_) => Error::Conflict {
            code: "email_taken",
            message: "a user with this e-mail address exists already".into(),
            details: vec![crate::fields::FieldProblem::new("email", "is taken")],
        },
        error => error.into(),
    }
}

fn patched(before: &User, patch: &UserPatch, role: Option<Role>, hash: Option<&str>, now: Timestamp) -> User {
    let or_before = |new: &Option<String>, old: &String| new.as_ref().unwrap_or(old).clone();
    User {
        email: or_before(&patch.email, &before.email),
        name: or_before(&patch.name, &before.name),
        password_hash: hash.unwrap_or(&before.password_hash).to_owned(),
        role: role.unwrap_or(before.role),
        extension: patch.extension.clone().unwrap_or_else(|| before.extension.clone()),
        is_active: patch.is_active.unwrap_or(before.is_active),
        updated_at: now,
        ..before.clone()
    }
}

fn checked(new: &NewUser) -> Result<Role> {
    let mut problems = Problems::default();
    check_email(&mut problems, &new.email);
    passwords::check(&mut problems, "password", &new.password);
    problems.check_text(&new.name, 1, 200, "name");
    let role = check_role(&mut problems, &new.role);
    check_extension(&mut problems, new.extension.as_deref());
    problems.into_result()?;
    role.ok_or_else(|| Error::Internal("a role without a problem".into()))
}

fn checked_patch(patch: &UserPatch) -> Result<Option<Role>> {
    let mut problems = Problems::default();
    if let Some(email) = &patch.email {
        check_email(&mut problems, email);
    }
    if let Some(password) = &patch.password {
        passwords::check(&mut problems, "password", password);
    }
    if let Some(name) = &patch.name {
        problems.check_text(name, 1, 200, "name");
    }
    let role = patch.role.as_ref().and_then(|role| check_role(&mut problems, role));
    check_extension(&mut problems, patch.extension.as_ref().and_then(|extension| extension.as_deref()));
    problems.into_result()?;
    Ok(role)
}

pub(crate) fn check_email(problems: &mut Problems, email: &str) {
    problems.check(
        Email::parse(email).is_some(),
        "email",
        "must be an e-mail address, up to 254 characters long",
    );
}

fn check_role(problems: &mut Problems, role: &str) -> Option<Role> {
    let parsed = Role::parse_user(role);
    problems.check(parsed.is_some(), "role", "must be admin, supervisor or agent");
    parsed
}

fn check_extension(problems: &mut Problems, extension: Option<&str>) {
    if let Some(extension) = extension {
        problems.check_text(extension, 1, 32, "extension");
    }
}
