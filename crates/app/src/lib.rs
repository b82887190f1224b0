//! What the product does, one file a capability. Transactions begin and end here; HTTP, SQL text and sockets do not
//! appear here.

pub mod agents;
pub mod api_keys;
mod batches;
pub mod broadcaster;
pub mod calls;
pub mod connections;
pub mod epoch;
mod error;
pub mod event_log;
pub mod events;
pub mod fields;
pub mod gate;
pub mod housekeeping;
pub mod passwords;
pub mod publishing;
pub mod queues;
pub mod rate_limit;
pub mod retention;
pub mod settings;
pub mod setup;
pub mod sign_in;
#[cfg(test)]
mod site;
pub mod tickets;
mod tokens;
pub mod users;
pub mod wallboard;
pub mod webhooks;

pub use broadcaster::Broadcaster;
pub use epoch::{EpochKeeper, MarkPlace};
pub use error::{Error, Result};
pub use gate::{Caller, Gate, Identity, Program};

use agents::Agents;
use api_keys::ApiKeys;
use calls::Calls;
use connections::Connections;
use event_log::EventLog;
use model::Clock;
use publishing::Publishing;
use queues::Queues;
use retention::Retention;
use settings::TenantPolicies;
use sign_in::SignIn;
use std::sync::Arc;
use std::time::Duration;
use store::Store;
use tickets::Tickets;
use users::Users;
use webhooks::Webhooks;

/// What the application needs to be told.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Signs tokens.
    pub jwt_secret: Vec<u8>,
    /// How long an access token is good.
    pub access_ttl: Duration,
    /// How long a refresh token is good.
    pub refresh_ttl: Duration,
    /// Failed log-ins allowed per account and address; ten times as many per address.
    pub login_limit: Option<rate_limit::Limit>,
    /// How long webhook endpoints are borne with.
    pub webhooks: webhooks::Limits,
    /// How long things are kept.
    pub kept: retention::Kept,
    /// How long a call goes on that nobody reports on.
    pub call_stale_after: Duration,
    /// How passwords are hashed.
    pub hashing: passwords::Hashing,
}

/// The application: everything that the edge can ask for.
pub struct App {
    /// The database.
    pub store: Store,
    /// The product's time.
    pub clock: Clock,
    /// The real-time hub.
    pub hub: realtime::Hub,
    /// The delivery engine.
    pub engine: ::webhooks::Engine,
    /// Who may come in.
    pub gate: Arc<Gate>,
    /// Log-in, refresh, log-out.
    pub sign_in: SignIn,
    /// Tickets for WebSockets.
    pub tickets: Tickets,
    /// The tenant's users.
    pub users: Users,
    /// The agents' states.
    pub agents: Arc<Agents>,
    /// Calls.
    pub calls: Calls,
    /// Everything at a glance.
    pub wallboard: wallboard::Wallboard,
    /// The tenants' policies.
    pub settings: TenantPolicies,
    /// Keys of programs.
    pub api_keys: ApiKeys,
    /// Queues and their numbers.
    pub queues: Queues,
    /// Custom events.
    pub publishing: Publishing,
    /// The log of events.
    pub event_log: EventLog,
    /// Real-time connections.
    pub connections: Connections,
    /// Webhook endpoints and their logs.
    pub webhooks: Webhooks,
    /// Removes what is old.
    pub retention: Retention,
}

impl App {
    /// Puts the services together around a broadcaster.
    #[must_use]
    pub fn new(
        settings: &Settings,
        broadcaster: Arc<Broadcaster>,
        allowed: ::webhooks::AllowedNetworks,
        presence: realtime::Presence,
    ) -> Self {
        let hashing = Arc::new(settings.hashing.clone());
        let tokens = tokens::Tokens::new(&settings.jwt_secret);
        let gate = broadcaster.gate.clone();
        gate.use_tokens(tokens.clone());
        Self {
            store: broadcaster.store.clone(),
            clock: broadcaster.clock.clone(),
            hub: broadcaster.hub.clone(),
            engine: broadcaster.engine.clone(),
            sign_in: SignIn::new(settings, broadcaster.clone(), tokens, hashing.clone()),
            tickets: Tickets::new(broadcaster.clone()),
            users: Users::new(broadcaster.clone(), hashing),
            calls: Calls::new(broadcaster.clone(), settings.call_stale_after),
            agents: Arc::new(Agents::new(broadcaster.clone())),
            settings: TenantPolicies::new(broadcaster.clone()),
            api_keys: ApiKeys::new(broadcaster.clone()),
            queues: Queues::new(broadcaster.clone()),
            wallboard: wallboard::Wallboard::new(broadcaster.clone()),
            publishing: Publishing::new(broadcaster.clone()),
            retention: Retention::new(broadcaster.store.clone(), broadcaster.clock.clone(), settings.kept),
            event_log: EventLog::new(broadcaster.store.clone(), broadcaster.hub.clone()),
            connections: Connections::new(broadcaster.clone(), presence),
            webhooks: Webhooks::new(broadcaster, allowed, settings.webhooks),
            gate,
        }
    }
}
