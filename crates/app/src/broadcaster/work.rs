//! One transaction, of one tenant or of several, and what is to be said once it is committed. Rows are locked by kind, and
//! within a kind by tenant and key: the domain's, then the queues' numbers, the agents', then the tenants' sequences.

use super::Broadcaster;
use super::plan::Plan;
use super::settling::{Trace, settle};
use crate::{Error, Result};
use model::agents::Day;
use model::queues::Figures;
use model::{Event, EventId, NewEvent, QueueId, TenantId, TenantSettings, Timestamp, UserId, WebhookId};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use store::deliveries::{self, Delivery};
use store::idempotency::{self, Key};
use store::journal::{self, Append, Head};
use store::queue_figures::Span;
use store::revocations::{self, Revoked};
use store::{Conn, Tx, agent_days, queue_figures};
use webhooks::Reservation;

/// Deliveries that one transaction may write: two seconds' worth, for which it keeps its tenants' other writers waiting, and
/// on SQLite everybody's.
const MOST_DELIVERIES: usize = 50_000;

/// An open transaction, and what is to be said once it is committed.
pub(crate) struct Work<'a> {
    broadcaster: &'a Broadcaster,
    tx: Tx,
    /// In the order in which the tenants' rows are locked.
    parts: BTreeMap<TenantId, Part>,
    /// By what a commit without an answer is told, if no event is written.
    trace: Option<Trace>,
}

/// What a transaction does for one tenant, beside the domain's rows.
#[derive(Default)]
struct Part {
    events: Vec<NewEvent>,
    /// What is to be added to queues' numbers, in the order in which their rows are locked.
    queues: BTreeMap<(QueueId, Span), Figures>,
    /// The same for agents' days.
    agents: BTreeMap<(UserId, i64), Day>,
    revoked: Vec<Revoked>,
    /// Idempotency keys, each with the place of its first event.
    keys: Vec<(Key, usize)>,
    webhooks_edited: bool,
}

/// When something is to count.
#[derive(Debug, Clone, Copy)]
pub(crate) struct When {
    /// The tenant's day, counted from 1970-01-01.
    pub day: i64,
    /// The moment.
    pub at: Timestamp,
}

impl When {
    /// Now, by the tenant's settings.
    pub fn of(settings: &TenantSettings, at: Timestamp) -> Self {
        Self { day: settings.day_of(at), at }
    }
}

/// What a transaction wrote.
#[derive(Default)]
pub(super) struct Committed {
    pub events: Vec<Arc<Event>>,
    pub deliveries: Vec<(Delivery, Reservation)>,
    pub left_in_database: BTreeSet<WebhookId>,
    /// The endpoints of deliveries that were queued in their lanes.
    pub in_order: BTreeSet<WebhookId>,
}

impl<'a> Work<'a> {
    pub(super) fn new(broadcaster: &'a Broadcaster, tx: Tx) -> Self {
        Self { broadcaster, tx, parts: BTreeMap::new(), trace: None }
    }

    /// Lends the transaction to one call.
    pub fn conn(&mut self) -> Conn<'_> {
        self.tx.conn()
    }

    fn part(&mut self, tenant: &TenantId) -> &mut Part {
        self.parts.entry(tenant.clone()).or_default()
    }

    /// Says an event once the transaction is committed.
    pub fn emit(&mut self, tenant: &TenantId, event: NewEvent) {
        self.part(tenant).events.push(event);
    }

    /// Adds to a queue's numbers of the tenant's day, and of the minute.
    pub fn count_for_queue(&mut self, tenant: &TenantId, queue: &QueueId, when: When, more: Figures) {
        let queues = &mut self.part(tenant).queues;
        for span in [Span::Day(when.day), Span::Minute(when.at.minute())] {
            *queues.entry((queue.clone(), span)).or_default() += more;
        }
    }

    /// Adds to an agent's numbers of the tenant's day.
    pub fn count_for_agent(&mut self, tenant: &TenantId, user: &UserId, when: When, more: Day) {
        *self.part(tenant).agents.entry((user.clone(), when.day)).or_default() += more;
    }

    /// Takes an idempotency key for those events; gives whether it was free.
    pub async fn take_key(
        &mut self,
        tenant: &TenantId,
        key: &Key,
        events: &[EventId],
        kept: Duration,
    ) -> Result<bool> {
        let now = self.broadcaster.clock.now();
        Ok(idempotency::take(self.tx.conn(), tenant, key, events, now, now.minus(kept)).await?)
    }

    /// Says that the events of a key that was taken are emitted next.
    pub fn first_event_of(&mut self, tenant: &TenantId, key: &Key) {
        let part = self.part(tenant);
        part.keys.push((key.clone(), part.events.len()));
    }

    /// Makes every server forget a session or a user once the transaction is committed.
    pub async fn revoke(&mut self, tenant: &TenantId, revoked: Revoked) -> Result<()> {
        let now = self.broadcaster.clock.now();
        revocations::insert(self.tx.conn(), tenant, &revoked, now).await?;
        self.part(tenant).revoked.push(revoked);
        Ok(())
    }

    /// Makes every server read the tenant's webhooks anew before its next event.
    pub fn webhooks_edited(&mut self, tenant: &TenantId) {
        self.part(tenant).webhooks_edited = true;
    }

    /// Says what is there once this is committed, so that a commit without an answer is looked up.
    pub fn leaves(&mut self, trace: Trace) {
        self.trace = Some(trace);
    }

    /// Commits, then rings the doorbells.
    pub async fn commit(self) -> Result<()> {
        self.commit_events().await.map(|_| ())
    }

    /// Commits, then rings the doorbells. The sequence rows are the last thing to be locked. Gives the events as they stand
    /// in the logs, each tenant's in order.
    pub async fn commit_events(mut self) -> Result<Vec<Arc<Event>>> {
        self.add_to_numbers().await?;
        self.bump_webhooks_versions().await?;
        let committed = self.write().await?;
        let Self { broadcaster, tx, parts, trace } = self;
        if let Err(error) = tx.commit().await {
            let trace = committed.events.first().cloned().map(Trace::Event).or(trace);
            settle(&broadcaster.store, trace.as_ref(), error).await?;
        }
        let events = committed.events.clone();
        broadcaster.ring(committed);
        for (tenant, part) in parts {
            broadcaster.gate.forget(&tenant, &part.revoked).await;
        }
        Ok(events)
    }

    async fn add_to_numbers(&mut self) -> Result<()> {
        let of_queues: Vec<queue_figures::More<'_>> = (self.parts.iter())
            .flat_map(|(tenant, part)| part.queues.iter().map(move |at| (tenant, at)))
            .map(|(tenant, ((queue, span), more))| (tenant, queue, *span, *more))
            .collect();
        let of_agents: Vec<agent_days::More<'_>> = (self.parts.iter())
            .flat_map(|(tenant, part)| part.agents.iter().map(move |at| (tenant, at)))
            .map(|(tenant, ((user, day), more))| (tenant, user, *day, *more))
            .collect();
        queue_figures::add(self.tx.conn(), &of_queues).await?;
        agent_days::add(self.tx.conn(), &of_agents).await?;
        Ok(())
    }

    async fn bump_webhooks_versions(&mut self) -> Result<()> {
        for (tenant, _) in self.parts.iter().filter(|(_, part)| part.webhooks_edited) {
            journal::bump_webhooks_version(self.tx.conn(), tenant).await?;
        }
        Ok(())
    }

    async fn write(&mut self) -> Result<Committed> {
        let tenants: Vec<TenantId> =
            self.parts.iter().filter(|(_, part)| !part.events.is_empty()).map(|(id, _)| id.clone()).collect();
        if tenants.is_empty() {
            return Ok(Committed::default());
        }
        let mut plan = Plan::default();
        let mut appends = Vec::with_capacity(tenants.len());
        for (tenant, head) in journal::lock_heads(self.tx.conn(), &tenants).await? {
            appends.push(self.plan(&mut plan, tenant, head).await?);
        }
        if plan.rows.len() > MOST_DELIVERIES {
            return Err(too_many_deliveries(plan.rows.len()));
        }
        // The moment is taken with the rows locked, so that moments follow the numbers.
        let now = self.broadcaster.clock.now();
        let stored = journal::append(self.tx.conn(), appends, now).await?;
        deliveries::insert(self.tx.conn(), &plan.rows, now).await?;
        self.complete_keys(&stored).await?;
        Ok(plan.committed(stored.into_iter().map(Arc::new).collect()))
    }

    /// Plans the deliveries of one tenant's events, behind the end of its log.
    async fn plan(&mut self, plan: &mut Plan, tenant: TenantId, head: Head) -> Result<Append> {
        let broadcaster = self.broadcaster;
        let (events, edited) = match self.parts.get_mut(&tenant) {
            Some(part) => (std::mem::take(&mut part.events), part.webhooks_edited),
            None => (Vec::new(), false),
        };
        let known = if edited {
            // Not to be remembered: what this transaction has edited may yet be rolled back.
            broadcaster.read_subscriptions(self.tx.conn(), &tenant, head.webhooks_version).await?
        } else {
            broadcaster.subscriptions(self.tx.conn(), &tenant, head.webhooks_version).await?
        };
        let log_ids = plan.add(broadcaster, &tenant, &known.subscriptions, &events, head);
        Ok(Append { tenant, head, events, log_ids })
    }

    /// Notes with each key the number of its first event. `stored` has all events, tenant by tenant.
    async fn complete_keys(&mut self, stored: &[Event]) -> Result<()> {
        for of_one_tenant in stored.chunk_by(|a, b| a.tenant == b.tenant) {
            let Some(tenant) = of_one_tenant.first().map(|event| &event.tenant) else { continue };
            for (key, first) in self.parts.get(tenant).map_or(&[][..], |part| &part.keys) {
                if let Some(event) = of_one_tenant.get(*first) {
                    idempotency::complete(self.tx.conn(), tenant, key, event.seq).await?;
                }
            }
        }
        Ok(())
    }
}

fn too_many_deliveries(count: usize) -> Error {
    let message = format!(
        "would cause {count} webhook deliveries, and one call may cause {MOST_DELIVERIES}: send fewer events at a time"
    );
    Error::field("body", message)
}
