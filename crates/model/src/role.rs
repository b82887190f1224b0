//! What a signed-in party may be.

use serde::{Deserialize, Serialize};

/// A user's role in its tenant, or `Service` for a program with an API key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Sets the tenant up and sees all of it.
    Admin,
    /// Leads agents and sees all of the tenant's events.
    Supervisor,
    /// Takes calls and chats.
    Agent,
    /// A program; never a user's role.
    Service,
}

impl Role {
    /// The roles that a user can have.
    pub const USERS: [Self; 3] = [Self::Admin, Self::Supervisor, Self::Agent];

    /// The role's word in the API and the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Supervisor => "supervisor",
            Self::Agent => "agent",
            Self::Service => "service",
        }
    }

    /// The user role of that word.
    #[must_use]
    pub fn parse_user(word: &str) -> Option<Self> {
        Self::USERS.into_iter().find(|role| role.as_str() == word)
    }
}
