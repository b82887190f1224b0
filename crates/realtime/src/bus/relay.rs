//! Carries events between this hub and other servers' through Redis. A doorbell: what is lost here is found in the log.

use super::exchange::News;
use super::listener::{self, Listener};
use super::{Bus, wire};
use crate::Hub;
use crate::backoff::Backoff;
use model::TenantId;
use redis::{Cmd, cmd};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

/// How long Redis may take for what is told at a time.
const PUBLISH_DEADLINE: Duration = Duration::from_secs(1);
/// Waiting between tries to listen.
const FIRST_WAIT: Duration = Duration::from_millis(50);
const LONGEST_WAIT: Duration = Duration::from_secs(2);

/// The events' way between servers.
pub struct Relay {
    hub: Hub,
    bus: Bus,
    rings: Option<mpsc::Sender<Vec<i64>>>,
}

impl Relay {
    /// A relay between the hub and all others that use that Redis. `run` keeps it going.
    #[must_use]
    pub fn new(hub: Hub, bus: Bus) -> Self {
        Self { hub, bus, rings: None }
    }

    /// The same, which also hears other servers ring the doorbells. A ring that the receiver has no room for is lost.
    #[must_use]
    pub fn with_rings(self, rings: mpsc::Sender<Vec<i64>>) -> Self {
        Self { rings: Some(rings), ..self }
    }

    /// Tells other servers what is committed here, and this hub what is committed there, whenever Redis is there, until
    /// `cancel`.
    pub async fn run(&self, cancel: CancellationToken) {
        let both = async { tokio::join!(self.tell(), self.listen()) };
        cancel.run_until_cancelled(both).await;
        self.hub.0.exchange.want(false);
    }

    async fn tell(&self) {
        let exchange = &self.hub.0.exchange;
        let mut connected = self.bus.watch();
        loop {
            // Fails only without a sender, which the bus holds.
            let _ = connected.wait_for(|is_connected| *is_connected).await;
            exchange.want(true);
            tokio::select! {
                _ = connected.wait_for(|is_connected| !is_connected) => exchange.want(false),
                () = self.tell_while_connected() => {}
            }
        }
    }

    async fn tell_while_connected(&self) {
        loop {
            let news: Vec<News> = self.hub.0.exchange.next().await.into();
            let messages = wire::messages(&self.hub.0.server, &news);
            let commands =
                messages.into_iter().map(|(tenant, bytes)| publish(&self.bus, &tenant, bytes)).collect();
            // What could not be told, others find in the log.
            let _ = self.bus.ask(commands, PUBLISH_DEADLINE).await;
        }
    }

    async fn listen(&self) {
        let mut connected = self.bus.watch();
        let mut backoff = Backoff::new(FIRST_WAIT, LONGEST_WAIT);
        loop {
            // Fails only without a sender, which the bus holds.
            let _ = connected.wait_for(|is_connected| *is_connected).await;
            match Listener::connect(&self.hub, &self.bus, self.rings.as_ref()).await {
                Ok(listener) => {
                    let ended = tokio::select! {
                        _ = connected.wait_for(|is_connected| !is_connected) => listener::Ended::default(),
                        ended = listener.run() => ended,
                    };
                    if ended.worked {
                        backoff = Backoff::new(FIRST_WAIT, LONGEST_WAIT);
                    }
                    tracing::debug!(
                        reason = ended.reason,
                        "Other servers' events are not heard for a moment"
                    );
                }
                Err(error) => tracing::debug!(%error, "Other servers' events cannot be heard"),
            }
            sleep(backoff.wait()).await;
        }
    }
}

/// The channel of a tenant's events.
pub(super) fn channel(tenant: &TenantId) -> String {
    format!("{CHANNELS}{tenant}")
}

/// The tenant of a channel.
pub(super) fn tenant_of(channel: &str) -> Option<TenantId> {
    TenantId::parse(channel.strip_prefix(CHANNELS)?).ok()
}

const CHANNELS: &str = "callcenter:events:";

/// The command that says something on a tenant's channel; in a cluster to the nodes of its slot only.
pub(super) fn publish(bus: &Bus, tenant: &TenantId, bytes: Vec<u8>) -> Cmd {
    publish_on(bus, &channel(tenant), bytes)
}

/// The same on a channel of any kind.
pub(super) fn publish_on(bus: &Bus, channel: &str, bytes: Vec<u8>) -> Cmd {
    let name = if bus.is_cluster() { "SPUBLISH" } else { "PUBLISH" };
    cmd(name).arg(channel).arg(bytes).clone()
}
