//! Says `queue.stats` to this server's listeners. The numbers are kept in memory for tenants with listeners here, and computed
//! anew for those queues alone that the log speaks of, all of a tenant's at once: what a second costs does not grow with the
//! events in it. Each server reads the log for itself, so that it does not matter which one wrote what.

mod dirty;
mod known;

use super::{QUEUES_AT_MOST, Queues, rows, stats};
use crate::{Result, events};
use dirty::Dirty;
use known::Known;
use model::queues::Queue;
use model::{Event, TenantId, catalogue};
use realtime::Waiting;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;
use store::Conn;
use store::{journal, settings};
use tokio::time::{MissedTickBehavior, interval, sleep};

/// A queue's numbers are said no more often.
const EVERY: Duration = Duration::from_secs(1);
/// Clients that come within this time are answered together: a restart brings thousands at once, and one that subscribes
/// again and again costs no more than ten answers a second.
const GATHERING: Duration = Duration::from_millis(100);

/// The numbers of tenants with listeners here; for each of its queues about half a kilobyte.
#[derive(Default)]
struct State {
    tenants: HashMap<TenantId, Known>,
    /// Connections that still wait for their first numbers.
    newcomers: Waiting,
}

impl Queues {
    /// Tells listeners the numbers of queues: to whoever begins to listen all of them at once, to all others what changes.
    /// Runs until it is dropped.
    pub async fn publish_stats(&self) {
        let hub = &self.broadcaster.hub;
        hub.note_newcomers(catalogue::QUEUE_STATS);
        let mut state = State::default();
        let mut tick = interval(EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = tick.tick() => {
                    self.follow(&mut state).await;
                    self.welcome(&mut state).await;
                }
                () = hub.newcomers_came() => {
                    sleep(GATHERING).await;
                    self.welcome(&mut state).await;
                }
            }
        }
    }

    /// Tells newcomers all numbers. Who cannot be told now is told with the next tick.
    async fn welcome(&self, state: &mut State) {
        for (tenant, connections) in self.broadcaster.hub.take_newcomers() {
            state.newcomers.entry(tenant).or_default().extend(connections);
        }
        for (tenant, connections) in std::mem::take(&mut state.newcomers) {
            match self.refresh(&tenant, state).await {
                Ok(known) => {
                    let now = self.broadcaster.clock.now();
                    let all: Vec<Arc<Event>> = known.all().map(|one| event(&tenant, one, now)).collect();
                    if !all.is_empty() {
                        self.broadcaster.hub.announce_to(&tenant, &connections, &all);
                    }
                }
                Err(error) => {
                    tracing::debug!(%error, tenant_id = %tenant, "Queues' numbers are told later");
                    state.newcomers.insert(tenant, connections);
                }
            }
        }
    }

    /// Tells everybody what has changed. One tenant after another: a database that is slow is not asked more at a time.
    async fn follow(&self, state: &mut State) {
        let listened: HashSet<TenantId> = self.broadcaster.hub.tenants().into_iter().collect();
        state.tenants.retain(|tenant, _| listened.contains(tenant));
        state.newcomers.retain(|tenant, _| listened.contains(tenant));
        let now = self.broadcaster.clock.now();
        match self.moved(state).await {
            Ok(moved) => {
                for tenant in moved {
                    if let Err(error) = self.refresh(&tenant, state).await {
                        tracing::debug!(%error, tenant_id = %tenant, "Queues' numbers are told later");
                    }
                }
            }
            Err(error) => tracing::debug!(%error, "Queues' numbers are told later"),
        }
        for (tenant, known) in &mut state.tenants {
            let due: Vec<Arc<Event>> =
                known.take_due(now).iter().map(|one| event(tenant, one, now)).collect();
            self.broadcaster.hub.announce_here(&due);
        }
    }

    /// The tenants whose numbers may be others now.
    async fn moved(&self, state: &State) -> Result<Vec<TenantId>> {
        let tenants: Vec<TenantId> = state.tenants.keys().cloned().collect();
        if tenants.is_empty() {
            return Ok(Vec::new());
        }
        let mut reader = self.broadcaster.store.read().await?;
        let heads = journal::heads(reader.conn(), &tenants).await?;
        let now = self.broadcaster.clock.now();
        let has_moved = |(tenant, head): (TenantId, i64)| {
            let known = state.tenants.get(&tenant)?;
            (known.seq != head || known.is_another_day(now)).then_some(tenant)
        };
        Ok(heads.into_iter().filter_map(has_moved).collect())
    }

    /// Brings a tenant's numbers up to what the log says.
    async fn refresh<'a>(&self, tenant: &TenantId, state: &'a mut State) -> Result<&'a Known> {
        let mut snapshot = self.broadcaster.store.begin_snapshot().await?;
        let head = journal::head(snapshot.conn(), tenant).await?.map_or(0, |head| head.seq);
        let now = self.broadcaster.clock.now();
        let known = state.tenants.entry(tenant.clone()).or_default();
        // Each time anew: another time zone is another day.
        let settings = settings::find(snapshot.conn(), tenant).await?;
        let day = settings.day_of(now);
        let dirty = dirty::since(snapshot.conn(), tenant, known, head, day).await?;
        if !dirty.is_empty() {
            let queues = load(snapshot.conn(), tenant, &dirty).await?;
            let all = stats::compute(snapshot.conn(), tenant, queues, &settings, now).await?;
            known.take_in(&dirty, all, day, now);
        }
        known.settings = settings;
        known.seq = head;
        Ok(known)
    }
}

async fn load(conn: Conn<'_>, tenant: &TenantId, dirty: &Dirty) -> Result<Vec<Queue>> {
    match dirty {
        Dirty::All => {
            let all = rows::page(conn, tenant, "", QUEUES_AT_MOST).await?;
            Ok(all.into_iter().map(|stored| stored.queue).collect())
        }
        Dirty::These(queues) => {
            let ids: Vec<_> = queues.iter().cloned().collect();
            Ok(rows::of_ids(conn, tenant, &ids).await?)
        }
    }
}

fn event(tenant: &TenantId, one: &stats::Stats, now: model::Timestamp) -> Arc<Event> {
    Arc::new(events::of_the_moment(tenant, events::queues::stats(tenant, one, now), now))
}
