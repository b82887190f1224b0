//! The only way to emit an event: state, event and deliveries in one transaction, doorbells after its commit.

mod plan;
mod settling;
mod work;

pub(crate) use settling::Trace;
pub(crate) use work::{When, Work};

use crate::{Gate, Result};
use model::{Clock, NewEvent, ServerId, TenantId};
use realtime::Hub;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use store::webhooks::{self as endpoints, Subscription};
use store::{Conn, Store};
use tokio::time::Instant;
use webhooks::Engine;
use work::Committed;

/// Webhook rows are read anew this often even if nobody said that they changed: people edit the table by hand.
const SUBSCRIPTIONS_KEPT: Duration = Duration::from_secs(3);
/// Tenants whose subscriptions are remembered; beyond it all are read anew.
const MAX_REMEMBERED_TENANTS: usize = 10_000;

/// Writes events and tells everybody.
pub struct Broadcaster {
    pub(crate) store: Store,
    pub(crate) clock: Clock,
    pub(crate) hub: Hub,
    pub(crate) engine: Engine,
    pub(crate) gate: Arc<Gate>,
    pub(crate) server: ServerId,
    subscriptions: Mutex<HashMap<TenantId, Arc<Known>>>,
}

/// The subscriptions of a tenant, as of a version of its set of webhooks.
struct Known {
    version: i64,
    read_at: Instant,
    subscriptions: Vec<Subscription>,
}

impl Broadcaster {
    /// A broadcaster for this server.
    #[must_use]
    pub fn new(
        store: Store,
        clock: Clock,
        hub: Hub,
        engine: Engine,
        gate: Arc<Gate>,
        server: ServerId,
    ) -> Self {
        Self { store, clock, hub, engine, gate, server, subscriptions: Mutex::default() }
    }

    /// Opens a transaction.
    pub(crate) async fn begin(&self) -> Result<Work<'_>> {
        Ok(Work::new(self, self.store.begin().await?))
    }

    async fn read_subscriptions(
        &self,
        conn: Conn<'_>,
        tenant: &TenantId,
        version: i64,
    ) -> Result<Arc<Known>> {
        let subscriptions = endpoints::subscriptions(conn, tenant).await?;
        Ok(Arc::new(Known { version, read_at: Instant::now(), subscriptions }))
    }

    async fn subscriptions(&self, conn: Conn<'_>, tenant: &TenantId, version: i64) -> Result<Arc<Known>> {
        let known = self.known().get(tenant).cloned();
        if let Some(known) =
            known.filter(|k| k.version == version && k.read_at.elapsed() < SUBSCRIPTIONS_KEPT)
        {
            return Ok(known);
        }
        let read = self.read_subscriptions(conn, tenant, version).await?;
        let mut all = self.known();
        if all.len() >= MAX_REMEMBERED_TENANTS {
            all.clear();
        }
        all.insert(tenant.clone(), read.clone());
        Ok(read)
    }

    /// How many deliveries those events would cause, by what is remembered of the tenant's subscriptions; none if nothing is.
    pub(crate) fn expected_deliveries(&self, tenant: &TenantId, events: &[NewEvent]) -> usize {
        let Some(known) = self.known().get(tenant).cloned() else { return 0 };
        let wanted = |event: &NewEvent| {
            let wants = |one: &&Subscription| one.events.iter().any(|pattern| pattern.matches(&event.name));
            known.subscriptions.iter().filter(wants).count()
        };
        events.iter().map(wanted).sum()
    }

    fn known(&self) -> std::sync::MutexGuard<'_, HashMap<TenantId, Arc<Known>>> {
        self.subscriptions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ring(&self, committed: Committed) {
        self.hub.committed(&committed.events);
        if !committed.left_in_database.is_empty() {
            self.engine.left_in_database(committed.left_in_database);
        }
        if !committed.in_order.is_empty() {
            self.engine.queued_in_order(committed.in_order);
        }
        if !committed.deliveries.is_empty() {
            self.engine.committed(committed.deliveries);
        }
    }
}
