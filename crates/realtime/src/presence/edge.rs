//! Who comes online and who goes. Knows nothing of how anybody is told.

use model::{TenantId, Timestamp, UserId};

/// A user's first connection to any server has opened, or the last one has been gone for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edge {
    /// The tenant.
    pub tenant: TenantId,
    /// The user.
    pub user: UserId,
    /// When it was found out.
    pub at: Timestamp,
    /// Which of the two.
    pub what: Turn,
}

/// Which way it goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Turn {
    /// The user is here.
    Online {
        /// With so many connections.
        connections: usize,
    },
    /// The user is gone.
    Offline {
        /// When the last connection ended.
        last_seen_at: Timestamp,
        /// Why: `closed`, `timeout` or `revoked`.
        reason: String,
    },
}
