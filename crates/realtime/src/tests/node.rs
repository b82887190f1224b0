//! A server with presence, and what its Redis shows.

use super::client::Client;
use super::redis_server::RedisServer;
use super::support::*;
use crate::{Bus, Presence, RedisUrl};
use model::Role;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// A server with presence.
pub(super) struct Node {
    pub world: World,
    pub presence: Presence,
    pub bus: Bus,
    pub stop: CancellationToken,
    pub keeper: tokio::task::JoinHandle<()>,
}

impl Node {
    pub(super) async fn start(url: &str) -> Self {
        Self::of(World::new(config()).await, url).await
    }

    pub(super) async fn beside(other: &Self, url: &str) -> Self {
        Self::of(other.world.neighbour(), url).await
    }

    pub(super) async fn of(world: World, url: &str) -> Self {
        // Never again while the test runs: all that happens must come from something else.
        Self::with_heartbeat(world, url, Duration::from_secs(3600)).await
    }

    pub(super) async fn with_heartbeat(world: World, url: &str, heartbeat: Duration) -> Self {
        let bus = Bus::connect(&RedisUrl::parse(url).unwrap()).await;
        world.hold_lease().await;
        let (presence, _) =
            Presence::in_a_hurry(world.hub.clone(), Some(bus.clone()), world.store.clone(), heartbeat);
        let stop = CancellationToken::new();
        let keeper = tokio::spawn({
            let (presence, stop) = (presence.clone(), stop.clone());
            async move { presence.run(stop).await }
        });
        Self { world, presence, bus, stop, keeper }
    }

    pub(super) async fn connect(&self, id: &str) -> Client {
        self.world.connect_as(id, Role::Agent).await
    }

    pub(super) async fn online(&self, id: &str) -> (bool, usize) {
        let (is_online, connections, _) = self.presence.is_online(&tenant(), &user(id)).await.unwrap();
        (is_online, connections)
    }
}

/// Waits until exactly these are online.
pub(super) async fn online_becomes(redis: &RedisServer, expected: &[&str]) {
    eventually(&format!("online: {expected:?}"), || async {
        redis.members("callcenter:online:t").await == expected
    })
    .await;
}
