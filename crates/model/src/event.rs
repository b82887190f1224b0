//! What an event is: its name, whom it concerns, its payload. Who gets how much of it is in `view.rs`.

pub use crate::view::View;
use crate::{EventId, QueueId, Role, TenantId, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

/// The longest name.
pub(crate) const NAME_BYTES: usize = 100;

/// What is wrong with a text that should have been an event's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be dotted lower-case words of a-z, 0-9 and _, such as order.paid, up to 100 characters")]
pub struct InvalidEventName;

/// An event's name: `[a-z0-9_]+(\.[a-z0-9_]+)*`, at most 100 characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct EventName(Cow<'static, str>);

impl EventName {
    /// A name of the catalogue.
    pub(crate) const fn of_catalogue(name: &'static str) -> Self {
        Self(Cow::Borrowed(name))
    }

    /// Takes any well-formed name, of the catalogue or custom.
    pub fn parse(text: &str) -> Result<Self, InvalidEventName> {
        let word =
            |w: &str| !w.is_empty() && w.bytes().all(|c| matches!(c, b'a'..=b'z' | b'0'..=b'9' | b'_'));
        if text.len() <= NAME_BYTES && text.split('.').all(word) {
            Ok(Self(Cow::Owned(text.to_owned())))
        } else {
            Err(InvalidEventName)
        }
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for EventName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whom an event names. For events of the catalogue, the people that its audience codes speak about; for custom events,
/// the whole audience, everyone in the tenant if nothing is named.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Audience {
    /// These users.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub users: Vec<UserId>,
    /// Users of these roles, as they are when the event is sent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<Role>,
    /// Members of these queues, as they are when the event is sent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub queues: Vec<QueueId>,
}

impl Audience {
    /// Names one user.
    #[must_use]
    pub fn user(user: &UserId) -> Self {
        Self { users: vec![user.clone()], ..Self::default() }
    }

    /// Whether it names nobody.
    pub(crate) fn is_unrestricted(&self) -> bool {
        self.users.is_empty() && self.roles.is_empty() && self.queues.is_empty()
    }
}

/// An event that is to be written to its tenant's log.
#[derive(Debug, Clone)]
pub struct NewEvent {
    /// Made before the transaction, so that a commit whose answer was lost can be looked up.
    pub id: EventId,
    /// What happened.
    pub name: EventName,
    /// What it happened to: `agent:ID`, `call:ID` …; ordered webhooks order by it.
    pub subject: Option<String>,
    /// Whom it names.
    pub audience: Audience,
    /// A compact JSON object, the full view.
    pub payload: Arc<RawValue>,
}

/// An event as it stands in its tenant's log.
#[derive(Debug, Clone)]
pub struct Event {
    /// The tenant whose event it is.
    pub tenant: TenantId,
    /// Its number in the tenant's log: 1, 2, 3 … without a gap.
    pub seq: i64,
    /// The same everywhere the event appears.
    pub id: EventId,
    /// What happened.
    pub name: EventName,
    /// What it happened to.
    pub subject: Option<String>,
    /// Whom it names.
    pub audience: Audience,
    /// The full view, a compact JSON object.
    pub payload: Arc<RawValue>,
    /// When it was written.
    pub created_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_dotted_lower_case_words() {
        for good in ["call.incoming", "order_2", "a.b.c"] {
            assert!(EventName::parse(good).is_ok(), "{good}");
        }
        for bad in ["", ".", "a.", ".a", "a..b", "A.b", "a b", "a-b", &"a".repeat(101)] {
            assert!(EventName::parse(bad).is_err(), "{bad}");
        }
    }
}
