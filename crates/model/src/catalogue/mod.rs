//! The catalogue: every event that the product itself says, when, with which fields and to whom. Names, views, personal data,
//! JSON Schemas, the check of subscriptions and `docs/events.md` all come from these tables. Custom events are not in it.

mod agents;
mod audience;
mod calls;
mod chats;
mod connections;
mod definition;
mod document;
mod field;
mod names;
mod queues;
mod reserved;
mod schema;
mod shared;
#[cfg(test)]
mod tests;
mod users;

pub use audience::{Audiences, Who};
pub use definition::{Definition, Group};
pub use document::document;
pub use field::{Field, Kind, Words};
pub use names::*;
pub use reserved::{CONTROL_FRAMES, RESERVED_PREFIXES, Reserved, check_custom, check_prefix};
pub use schema::{example, schema};

use std::collections::HashMap;
use std::sync::LazyLock;

/// The whole catalogue, in the order in which people read it.
pub static GROUPS: [Group; 7] = [
    agents::GROUP,
    calls::GROUP,
    queues::GROUP,
    chats::GROUP,
    users::GROUP,
    connections::TELEPHONE_SYSTEM,
    connections::WEBHOOKS,
];

/// Every event of the catalogue.
pub fn all() -> impl Iterator<Item = &'static Definition> {
    GROUPS.iter().flat_map(|group| group.events)
}

static BY_NAME: LazyLock<HashMap<&'static str, &'static Definition>> =
    LazyLock::new(|| all().map(|definition| (definition.name, definition)).collect());

/// The catalogue's event of that name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Definition> {
    BY_NAME.get(name).copied()
}
