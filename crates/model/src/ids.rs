//! The ids of things. Opaque strings made by the platform, save webhook and log ids, which are integers.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;
use uuid::Uuid;

/// What is wrong with a text that should have been an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to 64 characters of A-Z, a-z, 0-9, _ and -")]
pub struct InvalidId;

macro_rules! string_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// Takes a text of 1 to 64 characters of `A-Za-z0-9_-`.
            pub fn parse(text: &str) -> Result<Self, InvalidId> {
                let allowed = |c: u8| c.is_ascii_alphanumeric() || c == b'_' || c == b'-';
                if (1..=64).contains(&text.len()) && text.bytes().all(allowed) {
                    Ok(Self(text.into()))
                } else {
                    Err(InvalidId)
                }
            }

            /// A new, time-ordered id (a UUID of version 7).
            #[must_use]
            pub fn generate() -> Self {
                Self(Uuid::now_v7().to_string().into())
            }

            /// The id as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;
            fn try_from(text: String) -> Result<Self, InvalidId> {
                Self::parse(&text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0.as_ref().to_owned()
            }
        }
    };
}

string_id!(/// A tenant: one call center, isolated from all others.
    TenantId);
string_id!(/// A person who signs in.
    UserId);
string_id!(/// One sign-in of a user, from log-in to log-out.
    SessionId);
string_id!(/// One real-time connection.
    ConnectionId);
string_id!(/// One running server process.
    ServerId);
string_id!(/// A program's key.
    ApiKeyId);
string_id!(/// One event, the same on the WebSocket and in webhooks.
    EventId);
string_id!(/// One customer's conversation, from the first ring to the last hang-up.
    CallId);
string_id!(/// One agent's part in a call.
    LegId);
string_id!(/// A queue of calls or chats.
    QueueId);
string_id!(/// One stay of a call or chat in a queue.
    EntryId);

impl EventId {
    /// The id of a copy that is made of the event in several places: another one, and everywhere the same.
    pub(crate) fn of_copy(&self) -> Self {
        let turned = |id: Uuid| Uuid::from_u128(id.as_u128() ^ 1);
        Uuid::try_parse(&self.0).map_or_else(|_| Self::generate(), |id| Self(turned(id).to_string().into()))
    }
}

/// A webhook endpoint, unique over all tenants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WebhookId(pub i64);

/// A delivery's log entry, counted 1, 2, 3 … per tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LogId(pub i64);

impl fmt::Display for WebhookId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for LogId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenant_id_is_1_to_64_characters_of_the_allowed_set() {
        assert!(TenantId::parse("tenant-123").is_ok());
        assert!(TenantId::parse(&"a".repeat(64)).is_ok());
        for bad in ["", &"a".repeat(65), "a b", "ä", "a/b", "a'b"] {
            assert_eq!(TenantId::parse(bad), Err(InvalidId), "{bad}");
        }
    }
}
