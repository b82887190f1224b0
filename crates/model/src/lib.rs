//! Plain types and pure state machines: ids, time, roles, the event catalogue, agents, calls, queues, webhooks.
//!
//! Knows nothing of databases, sockets or files; every function here is a calculation on its arguments.

pub mod agents;
mod arrival;
mod averages;
pub mod calls;
pub mod catalogue;
pub mod clock;
pub mod duration;
pub mod email;
pub mod event;
mod handling;
mod hex;
pub mod ids;
pub mod personal;
pub mod queues;
mod raw_object;
pub mod role;
pub mod scope;
pub mod settings;
pub mod view;
pub mod webhook;
mod words;

pub use arrival::copy_of_arrival;
pub use clock::{Clock, Timestamp};
pub use event::{Audience, Event, EventName, NewEvent};
pub use handling::Handling;
pub use hex::hex;
pub use ids::{
    ApiKeyId, CallId, ConnectionId, EntryId, EventId, LegId, LogId, QueueId, ServerId, SessionId, TenantId,
    UserId, WebhookId,
};
pub use role::Role;
pub use scope::Scope;
pub use settings::TenantSettings;
pub use view::{Memberships, View, Viewer};
