//! What goes into the hub's door and what comes out of its books. Knows nothing of how either works.

use crate::connection::Member;
use model::{ConnectionId, SessionId, TenantId, Timestamp, UserId, Viewer};

/// Who wants to listen, checked by the caller.
#[derive(Debug, Clone)]
pub struct Admission {
    /// The tenant whose events it hears.
    pub tenant: TenantId,
    /// The user and its present role.
    pub viewer: Viewer,
    /// The sign-in behind the token; none for an API key.
    pub session: Option<SessionId>,
    /// When the token ends.
    pub expires_at: Timestamp,
    /// Resume after this event.
    pub since: Option<i64>,
    /// The epoch that `since` belongs to, if the client said so.
    pub epoch: Option<String>,
    /// For lists of connections.
    pub remote_addr: String,
    /// For lists of connections.
    pub user_agent: Option<String>,
}

/// Why a connection is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The server has as many as it may, or is stopping.
    #[error("this server has too many connections")]
    ServerFull,
    /// The user has as many as it may.
    #[error("this user has too many connections")]
    UserFull,
}

/// This server's connections, counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stats {
    /// Connections of all tenants.
    pub total: usize,
    /// Connections of the tenant asked for.
    pub tenant: usize,
    /// Its users with a connection.
    pub online_users: usize,
}

/// One connection, for lists.
#[derive(Debug, Clone)]
pub struct LocalConnection {
    /// Its id.
    pub id: ConnectionId,
    /// Whose it is; none for an API key.
    pub user: Option<UserId>,
    /// When it was admitted.
    pub connected_at: Timestamp,
    /// Where it comes from.
    pub remote_addr: String,
    /// What the client calls itself.
    pub user_agent: Option<String>,
}

impl LocalConnection {
    pub(super) fn of(member: &Member) -> Self {
        Self {
            id: member.id.clone(),
            user: member.user.clone(),
            connected_at: member.connected_at,
            remote_addr: member.remote_addr.clone(),
            user_agent: member.user_agent.clone(),
        }
    }
}
