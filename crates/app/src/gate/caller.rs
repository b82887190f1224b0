//! Whoever calls with good credentials. Knows nothing of how they are checked.

use model::{ApiKeyId, Memberships, Role, Scope, SessionId, TenantId, Timestamp, UserId, Viewer};
use std::sync::Arc;

/// A signed-in user, as of this moment.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The user's tenant.
    pub tenant: TenantId,
    /// The user.
    pub user: UserId,
    /// The user's present role, whatever the token says.
    pub role: Role,
    /// The queues that the user is a member of now.
    pub queues: Memberships,
    /// The sign-in.
    pub session: SessionId,
    /// When the access token expires.
    pub expires_at: Timestamp,
}

impl Identity {
    /// The identity as a listener to events.
    #[must_use]
    pub fn viewer(&self) -> Viewer {
        Viewer::new(Some(self.user.clone()), self.role).member_of(self.queues.clone())
    }
}

/// A program with an API key, as of this moment.
#[derive(Debug, Clone)]
pub struct Program {
    /// The tenant that the key acts for.
    pub tenant: TenantId,
    /// The key's id.
    pub key: ApiKeyId,
    /// What it may do.
    pub scopes: Arc<[Scope]>,
    /// When the key expires; none for never.
    pub expires_at: Option<Timestamp>,
    /// The key's hash.
    pub(super) hash: Arc<str>,
}

/// Whoever calls with good credentials.
#[derive(Debug, Clone)]
pub enum Caller {
    /// A signed-in user.
    User(Identity),
    /// A program with an API key.
    Program(Program),
}

impl Caller {
    /// The caller's tenant.
    #[must_use]
    pub fn tenant(&self) -> &TenantId {
        match self {
            Self::User(identity) => &identity.tenant,
            Self::Program(program) => &program.tenant,
        }
    }

    /// The user's or the key's id.
    #[must_use]
    pub fn credential(&self) -> &str {
        match self {
            Self::User(identity) => identity.user.as_str(),
            Self::Program(program) => program.key.as_str(),
        }
    }

    /// The caller as a listener to events.
    #[must_use]
    pub fn viewer(&self) -> Viewer {
        match self {
            Self::User(identity) => identity.viewer(),
            Self::Program(_) => Viewer::new(None, Role::Service),
        }
    }

    /// What ends together with the credentials: the sign-in, or the key, whose id serves as one.
    #[must_use]
    pub fn session(&self) -> Option<SessionId> {
        match self {
            Self::User(identity) => Some(identity.session.clone()),
            Self::Program(program) => SessionId::parse(program.key.as_str()).ok(),
        }
    }

    /// When the credentials expire.
    #[must_use]
    pub fn expires_at(&self) -> Timestamp {
        match self {
            Self::User(identity) => identity.expires_at,
            Self::Program(program) => program.expires_at.unwrap_or(Timestamp(i64::MAX)),
        }
    }
}
