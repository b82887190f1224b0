//! Who is online. The database tells it of all servers; Redis shows it in the contract's keys; of this server the hub
//! knows at once. Knows nothing of events.

mod keeper;
mod keys;
mod listed;
mod register;
mod step;
mod sweeper;
mod teller;
mod writer;

pub use store::presence_edges::{Edge, Turn};

use crate::hub::LocalConnection;
use crate::{Bus, Hub};
use keeper::Keeper;
use model::{ConnectionId, ServerId, TenantId, Timestamp, UserId};
use redis::cmd;
use register::Register;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use store::{Store, user_connections, ws_connections};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// How long a question to Redis may take; then the database's answer must do.
const QUESTION_DEADLINE: Duration = Duration::from_millis(200);
/// Edges that may wait to be told; who misses one finds the state by asking.
const EDGES: usize = 4096;

/// Who is online. Clones are the same.
#[derive(Clone)]
pub struct Presence(Arc<Shared>);

struct Shared {
    hub: Hub,
    bus: Option<Bus>,
    store: Store,
    rhythm: Rhythm,
    edges: mpsc::Sender<Edge>,
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

/// A connection to some server.
#[derive(Debug, Clone)]
pub struct ListedConnection {
    /// The server.
    pub server: ServerId,
    /// The connection.
    pub connection: LocalConnection,
}

impl Presence {
    /// Presence on all servers that share the database; with a bus, shown in Redis too. `run` keeps it going. What comes
    /// out of the receiver are all edges, whichever server found them, for this one's listeners.
    #[must_use]
    pub fn new(hub: Hub, bus: Option<Bus>, store: Store) -> (Self, mpsc::Receiver<Edge>) {
        Self::with_rhythm(hub, bus, store, Rhythm::default())
    }

    fn with_rhythm(hub: Hub, bus: Option<Bus>, store: Store, rhythm: Rhythm) -> (Self, mpsc::Receiver<Edge>) {
        hub.0.changes.for_register.want();
        if bus.is_some() {
            hub.0.changes.for_keeper.want();
        }
        let (edges, receiver) = mpsc::channel(EDGES);
        (Self(Arc::new(Shared { hub, bus, store, rhythm, edges })), receiver)
    }

    #[cfg(test)]
    pub(crate) fn in_a_hurry(
        hub: Hub,
        bus: Option<Bus>,
        store: Store,
        heartbeat: Duration,
    ) -> (Self, mpsc::Receiver<Edge>) {
        Self::with_rhythm(hub, bus, store, Rhythm { heartbeat, sweep: Duration::from_millis(100) })
    }

    /// Keeps the database and Redis up to date until `cancel`; then takes this server's users out of them. To be cancelled
    /// after the hub's connections are closed, and before the bus and the database are.
    pub async fn run(&self, cancel: CancellationToken) {
        let Shared { hub, bus, store, rhythm, edges } = &*self.0;
        let mut register = Register::new(hub, store, edges);
        let keep = async {
            if let Some(bus) = bus {
                writer::run(&mut Keeper::new(hub, bus, *rhythm), &cancel, keeper::GOODBYE).await;
            }
        };
        tokio::join!(writer::run(&mut register, &cancel, register::GOODBYE), keep);
    }

    /// Whether the user has a connection to any server, how many, and when it was last heard of.
    pub async fn is_online(
        &self,
        tenant: &TenantId,
        user: &UserId,
    ) -> store::Result<(bool, usize, Option<Timestamp>)> {
        let Shared { hub, store, .. } = &*self.0;
        let (own, now) = (&hub.0.server, hub.0.steady_now());
        let mut reader = store.read().await?;
        let elsewhere =
            user_connections::connections_elsewhere(reader.conn(), tenant, user, own, now).await?;
        let written = user_connections::last_seen(reader.conn(), tenant, user).await?;
        drop(reader);
        let connections = hub.local_connections(tenant, user) + usize::try_from(elsewhere).unwrap_or(0);
        let beat = if elsewhere > 0 { self.heartbeat(tenant, user).await } else { None };
        let heard = hub.last_seen(tenant, user).max(written).max(beat);
        Ok((connections > 0, connections, heard))
    }

    /// The tenant's users with a connection to any server, in order.
    pub async fn online_users(&self, tenant: &TenantId) -> store::Result<Vec<UserId>> {
        let Shared { hub, store, .. } = &*self.0;
        let (own, now) = (&hub.0.server, hub.0.steady_now());
        let mut reader = store.read().await?;
        let elsewhere = user_connections::users_elsewhere(reader.conn(), tenant, own, now).await?;
        let users: BTreeSet<UserId> = hub.online_users(tenant).into_iter().chain(elsewhere).collect();
        Ok(users.into_iter().collect())
    }

    /// The tenant's connections to all servers.
    pub async fn total(&self, tenant: &TenantId) -> store::Result<usize> {
        let Shared { hub, store, .. } = &*self.0;
        let (own, now) = (&hub.0.server, hub.0.steady_now());
        let mut reader = store.read().await?;
        let elsewhere = user_connections::total_elsewhere(reader.conn(), tenant, own, now).await?;
        Ok(hub.stats(tenant).tenant + usize::try_from(elsewhere).unwrap_or(0))
    }

    /// The tenant's connections to all servers by id, behind the id `after`, `limit` at most.
    pub async fn connections(
        &self,
        tenant: &TenantId,
        after: &str,
        limit: i64,
    ) -> store::Result<Vec<ListedConnection>> {
        let Shared { hub, store, .. } = &*self.0;
        let (own, now) = (&hub.0.server, hub.0.steady_now());
        let mut reader = store.read().await?;
        let elsewhere = ws_connections::page_elsewhere(reader.conn(), tenant, own, now, after, limit).await?;
        drop(reader);
        let here = hub.connections(tenant).into_iter().filter(|it| it.id.as_str() > after);
        let here = here.map(|connection| ListedConnection { server: own.clone(), connection });
        let mut all: Vec<_> = elsewhere.into_iter().map(ListedConnection::of).chain(here).collect();
        all.sort_by(|a, b| a.connection.id.cmp(&b.connection.id));
        all.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(all)
    }

    /// Whether another server has that connection of the tenant.
    pub async fn is_elsewhere(&self, tenant: &TenantId, id: &ConnectionId) -> store::Result<bool> {
        let Shared { hub, store, .. } = &*self.0;
        let mut reader = store.read().await?;
        let (own, now) = (&hub.0.server, hub.0.steady_now());
        ws_connections::is_elsewhere(reader.conn(), tenant, own, now, id).await
    }

    /// When any server last said in Redis that the user is there.
    async fn heartbeat(&self, tenant: &TenantId, user: &UserId) -> Option<Timestamp> {
        let question = cmd("GET").arg(keys::heartbeat(&(tenant.clone(), user.clone()))).clone();
        let answers = self.0.bus.as_ref()?.ask(vec![question], QUESTION_DEADLINE).await.ok()?;
        let seconds: i64 = redis::from_redis_value_ref(answers.first()?).ok()?;
        Some(Timestamp(seconds * 1000))
    }
}

impl ListedConnection {
    fn of(row: ws_connections::Connection) -> Self {
        Self {
            server: row.server,
            connection: LocalConnection {
                id: row.id,
                user: row.user,
                connected_at: row.connected_at,
                remote_addr: row.remote_addr,
                user_agent: row.user_agent,
            },
        }
    }
}
