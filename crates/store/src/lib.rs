//! The only SQL of the product: one file a table, the two dialects side by side.
//!
//! Functions take a [`Conn`], borrowed from a read session or an open transaction; whoever opened the transaction
//! commits it. Nothing here knows what an event means or who may see it.

pub mod agent_days;
pub mod agents;
pub mod api_keys;
mod asked;
pub mod calls;
mod checkpoints;
mod db;
pub mod deliveries;
pub mod erasing;
mod error;
pub mod failing;
mod from_row;
mod hints;
pub mod idempotency;
pub mod journal;
pub mod lanes;
mod migrate;
pub mod platform;
pub mod presence_edges;
pub mod queue_entries;
pub mod queue_figures;
pub mod queue_members;
pub mod queues;
pub mod replays;
pub mod retention;
pub mod revocations;
mod rows;
pub mod servers;
pub mod sessions;
pub mod settings;
mod steps;
mod sums;
pub mod tenants;
pub mod user_connections;
pub mod users;
pub mod webhooks;
pub mod ws_connections;
pub mod ws_tickets;

pub use asked::Asked;
pub use db::{Conn, Database, Reader, Store, Tls, Tx};
pub use error::{Error, Result};
pub use migrate::{MigrationStatus, migrate, migration_status};

pub(crate) use db::on;
pub(crate) use error::corrupt;
pub(crate) use from_row::from_row;
