//! The tenant's real-time connections, over all servers: who is online, lists, and closing by an admin.

use crate::broadcaster::Broadcaster;
use crate::error::retrying;
use crate::events;
use crate::{Error, Result};
use async_recursion::async_recursion as boxed;
use model::{ConnectionId, Event, TenantId, Timestamp, UserId};
use realtime::{Edge, ListedConnection, Presence, Turn};
use std::sync::Arc;
use store::revocations::Revoked;
use tokio::sync::mpsc;

/// Edges told of at once.
const EDGES_TOGETHER: usize = 200;

/// Manages connections.
pub struct Connections {
    broadcaster: Arc<Broadcaster>,
    presence: Presence,
}

impl Connections {
    pub(crate) fn new(broadcaster: Arc<Broadcaster>, presence: Presence) -> Self {
        Self { broadcaster, presence }
    }

    /// Whether the user has a connection to any server, how many, and when it was last heard of.
    #[boxed]
    pub async fn is_online(
        &self,
        tenant: &TenantId,
        user: &UserId,
    ) -> Result<(bool, usize, Option<Timestamp>)> {
        Ok(self.presence.is_online(tenant, user).await?)
    }

    /// The tenant's users with a connection to any server.
    #[boxed]
    pub async fn online_users(&self, tenant: &TenantId) -> Result<Vec<UserId>> {
        Ok(self.presence.online_users(tenant).await?)
    }

    /// How many connections the tenant has to all servers.
    #[boxed]
    pub async fn total(&self, tenant: &TenantId) -> Result<usize> {
        Ok(self.presence.total(tenant).await?)
    }

    /// The tenant's connections by id, after the id `after`.
    #[boxed]
    pub async fn page(&self, tenant: &TenantId, after: &str, limit: i64) -> Result<Vec<ListedConnection>> {
        Ok(self.presence.connections(tenant, after, limit).await?)
    }

    /// Tells this server's listeners who comes online and who goes, on whichever server that was found out. Runs until
    /// nobody finds out any more.
    #[boxed]
    pub async fn tell(&self, mut edges: mpsc::Receiver<Edge>) {
        let mut found = Vec::new();
        while edges.recv_many(&mut found, EDGES_TOGETHER).await > 0 {
            let events: Vec<Arc<Event>> = found.drain(..).map(|edge| Arc::new(event(edge))).collect();
            self.broadcaster.hub.announce_here(&events);
        }
    }

    /// Closes a connection with 4403, on whichever server it is.
    #[boxed]
    pub async fn close(&self, tenant: &TenantId, id: &ConnectionId) -> Result<()> {
        if self.broadcaster.hub.close_connection(tenant, id) {
            return Ok(());
        }
        if !self.presence.is_elsewhere(tenant, id).await? {
            return Err(Error::NotFound("connection"));
        }
        retrying(|| async {
            let mut work = self.broadcaster.begin().await?;
            work.revoke(tenant, Revoked::Connection(id.clone())).await?;
            work.commit().await
        })
        .await
    }
}

/// The event that says so.
fn event(edge: Edge) -> Event {
    let new = match &edge.what {
        Turn::Online { connections } => events::user_online(&edge.tenant, &edge.user, edge.at, *connections),
        Turn::Offline { last_seen_at, reason } => {
            events::user_offline(&edge.tenant, &edge.user, edge.at, *last_seen_at, reason)
        }
    };
    Event { id: edge.event, ..events::of_the_moment(&edge.tenant, new, edge.at) }
}
