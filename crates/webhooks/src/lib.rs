//! Sends webhooks: signing, a guarded HTTP client, and the delivery engine.
//!
//! Knows nothing of the API, of sessions or of how events come about: deliveries reach it as rows of the database or,
//! faster, from the transaction that has just written them.

mod attempt;
mod claimer;
mod client;
mod elsewhere;
mod endpoints;
mod engine;
mod gauges;
mod guard;
mod housekeeping;
mod in_order;
mod lane;
mod lanes;
mod lease;
mod limits;
mod networks;
mod recorder;
pub mod request;
mod retry_after;
mod roots;
mod run;
pub mod secret;
mod sender;
pub mod signing;
pub mod target;
mod upkeep;

pub use engine::{Engine, Reservation, Test};
pub use gauges::{Gauges, LATENCY_BUCKETS_MS};
pub use limits::RECORD_EARLY;
pub use networks::AllowedNetworks;
pub use roots::{ExtraRoots, InvalidRoots};

use model::{TenantId, WebhookId};
use std::time::Duration;

/// How the engine is set up.
#[derive(Debug, Clone)]
pub struct EngineConfig {
    /// Sender tasks; not a limit on deliveries in flight.
    pub workers: usize,
    /// The delay before retry 1, 2, …; the last one repeats.
    pub retry_schedule: Vec<Duration>,
    /// Networks outside public space that endpoints may stand in.
    pub allowed_networks: AllowedNetworks,
    /// Certificate authorities beside the public ones.
    pub extra_roots: ExtraRoots,
    /// The product's version, as endpoints see it.
    pub user_agent_version: &'static str,
}

/// What the engine found out and the application acts on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// The endpoint answered 410: it wants no more deliveries.
    Gone {
        /// The tenant.
        tenant: TenantId,
        /// The endpoint.
        webhook: WebhookId,
    },
}
