//! Who is online: this server's connections, and in multi-server mode all servers', through Redis. Knows nothing of
//! events. Every answer comes soon; without Redis it is this server's own.

mod keeper;
mod keys;
mod sweeper;

use crate::{Bus, Hub};
use keeper::Keeper;
use model::{TenantId, Timestamp, UserId};
use redis::{Value, cmd};
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How long a question to Redis may take; then this server's own answer must do.
const QUESTION_DEADLINE: Duration = Duration::from_millis(200);

/// Who is online. Clones are the same.
#[derive(Clone)]
pub struct Presence(Arc<Shared>);

struct Shared {
    hub: Hub,
    bus: Option<Bus>,
    rhythm: Rhythm,
}

/// How often Redis hears of living connections, and how often somebody looks for users of dead servers: a server killed
/// just after a heartbeat counts for 60 s more, one that swept just before for 4 s, and the next look comes within 5 s.
#[derive(Debug, Clone, Copy)]
struct Rhythm {
    heartbeat: Duration,
    sweep: Duration,
}

impl Default for Rhythm {
    fn default() -> Self {
        Self { heartbeat: Duration::from_secs(20), sweep: Duration::from_secs(5) }
    }
}

impl Presence {
    /// Presence of this server's connections and, with a bus, of all servers'. `run` keeps it going.
    #[must_use]
    pub fn new(hub: Hub, bus: Option<Bus>) -> Self {
        Self::with_rhythm(hub, bus, Rhythm::default())
    }

    fn with_rhythm(hub: Hub, bus: Option<Bus>, rhythm: Rhythm) -> Self {
        if bus.is_some() {
            hub.0.changes.want();
        }
        Self(Arc::new(Shared { hub, bus, rhythm }))
    }

    #[cfg(test)]
    pub(crate) fn in_a_hurry(hub: Hub, bus: Bus, heartbeat: Duration) -> Self {
        Self::with_rhythm(hub, Some(bus), Rhythm { heartbeat, sweep: Duration::from_millis(100) })
    }

    /// Keeps Redis up to date until `cancel`; then removes this server's users from it. To be cancelled after the hub's
    /// connections are closed and before the bus is.
    pub async fn run(&self, cancel: CancellationToken) {
        match &self.0.bus {
            Some(bus) => Keeper::new(&self.0.hub, bus, self.0.rhythm).run(&cancel).await,
            None => cancel.cancelled().await,
        }
    }

    /// Whether the user has a connection to any server, how many, and when it was last heard of.
    pub async fn is_online(&self, tenant: &TenantId, user: &UserId) -> (bool, usize, Option<Timestamp>) {
        let hub = &self.0.hub;
        let person = (tenant.clone(), user.clone());
        let questions = vec![
            cmd("HGETALL").arg(keys::servers(&person)).clone(),
            cmd("GET").arg(keys::heartbeat(&person)).clone(),
        ];
        let answers = self.ask(questions).await;
        let elsewhere = answers.first().map_or(0, |servers| self.elsewhere(servers));
        let heartbeat: Option<i64> = answers.get(1).and_then(|at| redis::from_redis_value_ref(at).ok());
        let connections = hub.local_connections(tenant, user) + elsewhere;
        let heard = hub.last_seen(tenant, user).max(heartbeat.map(|seconds| Timestamp(seconds * 1000)));
        (connections > 0, connections, heard)
    }

    /// The tenant's users with a connection to any server.
    pub async fn online_users(&self, tenant: &TenantId) -> Vec<UserId> {
        let answers = self.ask(vec![cmd("SMEMBERS").arg(keys::online(tenant)).clone()]).await;
        let elsewhere: Vec<String> =
            answers.first().and_then(|set| redis::from_redis_value_ref(set).ok()).unwrap_or_default();
        let elsewhere = elsewhere.iter().filter_map(|id| UserId::parse(id).ok());
        let mut users: Vec<UserId> = self
            .0
            .hub
            .online_users(tenant)
            .into_iter()
            .chain(elsewhere)
            .collect::<HashSet<_>>()
            .into_iter()
            .collect();
        users.sort();
        users
    }

    /// The tenant's connections to all servers.
    pub async fn cluster_stats(&self, tenant: &TenantId) -> usize {
        let answers = self.ask(vec![cmd("HGETALL").arg(keys::clients(tenant)).clone()]).await;
        let elsewhere = answers.first().map_or(0, |servers| self.elsewhere(servers));
        self.0.hub.stats(tenant).tenant + elsewhere
    }

    fn elsewhere(&self, servers: &Value) -> usize {
        let shared = &self.0.hub.0;
        keys::connections_elsewhere(servers, shared.server.as_str(), shared.steady_now().unix_seconds())
    }

    async fn ask(&self, questions: Vec<redis::Cmd>) -> Vec<Value> {
        match &self.0.bus {
            Some(bus) => bus.ask(questions, QUESTION_DEADLINE).await.unwrap_or_default(),
            None => Vec::new(),
        }
    }
}
