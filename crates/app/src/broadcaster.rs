//! The only way to emit an event: state, event and deliveries in one transaction, doorbells after its commit.

use crate::{Error, Gate, Result};
use model::queues::Day;
use model::{Clock, Event, EventId, LogId, NewEvent, QueueId, ServerId, TenantId, WebhookId};
use realtime::Hub;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use store::deliveries::{self, Delivery, NewDelivery, Owner};
use store::idempotency::{self, Key};
use store::journal::{self, Head};
use store::revocations::{self, Revoked};
use store::webhooks::{self as endpoints, Subscription};
use store::{Conn, Store, Tx, queue_days};
use tokio::time::Instant;
use webhooks::{Engine, Reservation};

/// Webhook rows are read anew this often even if nobody said that they changed: people edit the table by hand.
const SUBSCRIPTIONS_KEPT: Duration = Duration::from_secs(3);
/// A transaction whose commit got no answer may hold its locks for a while: each look waits 2 s for them.
const SETTLING_ATTEMPTS: usize = 3;
/// Tenants whose subscriptions are remembered; beyond it all are read anew.
const MAX_REMEMBERED_TENANTS: usize = 10_000;

/// Deliveries that one transaction may write: two seconds' worth, for which it keeps its tenant's other writers waiting, and
/// on SQLite everybody's.
const MOST_DELIVERIES: usize = 50_000;

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

impl Known {
    async fn read(conn: Conn<'_>, tenant: &TenantId, version: i64) -> Result<Self> {
        let subscriptions = endpoints::subscriptions(conn, tenant).await?;
        Ok(Self { version, read_at: Instant::now(), subscriptions })
    }
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

    /// Opens a transaction of one tenant.
    pub(crate) async fn begin(&self, tenant: &TenantId) -> Result<Work<'_>> {
        let tx = self.store.begin().await?;
        Ok(Work {
            broadcaster: self,
            tenant: tenant.clone(),
            tx,
            events: Vec::new(),
            announced: Vec::new(),
            days: BTreeMap::new(),
            revoked: Vec::new(),
            keys: Vec::new(),
            webhooks_edited: false,
        })
    }

    async fn subscriptions(&self, conn: Conn<'_>, tenant: &TenantId, version: i64) -> Result<Arc<Known>> {
        let known = self.known().get(tenant).cloned();
        if let Some(known) =
            known.filter(|k| k.version == version && k.read_at.elapsed() < SUBSCRIPTIONS_KEPT)
        {
            return Ok(known);
        }
        let read = Arc::new(Known::read(conn, tenant, version).await?);
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

    /// Sends what stands in no log, so its number means nothing.
    fn announce(&self, tenant: &TenantId, announced: Vec<NewEvent>) {
        let created_at = self.clock.now();
        let event = |new: NewEvent| {
            let NewEvent { id, name, subject, audience, payload } = new;
            Arc::new(Event {
                tenant: tenant.clone(),
                seq: 0,
                id,
                name,
                subject,
                audience,
                payload,
                created_at,
            })
        };
        let events: Vec<Arc<Event>> = announced.into_iter().map(event).collect();
        if !events.is_empty() {
            self.hub.announce(&events);
        }
    }

    fn ring(&self, committed: Committed) {
        self.hub.committed(&committed.events);
        if committed.left_in_database {
            self.engine.doorbell();
        }
        if !committed.in_order.is_empty() {
            self.engine.queued_in_order(committed.in_order);
        }
        if !committed.deliveries.is_empty() {
            self.engine.committed(committed.deliveries);
        }
    }
}

/// An open transaction of one tenant, and what is to be said once it is committed.
pub(crate) struct Work<'a> {
    broadcaster: &'a Broadcaster,
    tenant: TenantId,
    tx: Tx,
    events: Vec<NewEvent>,
    /// Copies for the moment, which stand in no log.
    announced: Vec<NewEvent>,
    /// What is to be added to queues' days, in the order in which their rows are locked.
    days: BTreeMap<(QueueId, i64), Day>,
    revoked: Vec<Revoked>,
    /// Idempotency keys, each with the place of its first event.
    keys: Vec<(Key, usize)>,
    webhooks_edited: bool,
}

/// What a transaction wrote.
#[derive(Default)]
struct Committed {
    events: Vec<Arc<Event>>,
    deliveries: Vec<(Delivery, Reservation)>,
    left_in_database: bool,
    /// The endpoints of deliveries that were queued in their lanes.
    in_order: BTreeSet<WebhookId>,
}

impl Work<'_> {
    /// Lends the transaction to one call.
    pub fn conn(&mut self) -> Conn<'_> {
        self.tx.conn()
    }

    /// Says an event once the transaction is committed.
    pub fn emit(&mut self, event: NewEvent) {
        self.events.push(event);
    }

    /// Sends an event to those who listen once the transaction is committed, before what stands in the log.
    pub fn announce(&mut self, event: NewEvent) {
        self.announced.push(event);
    }

    /// Adds to a queue's numbers of a day.
    pub fn count(&mut self, queue: &QueueId, day: i64, more: Day) {
        *self.days.entry((queue.clone(), day)).or_default() += more;
    }

    /// Takes an idempotency key for those events; gives whether it was free.
    pub async fn take_key(&mut self, key: &Key, events: &[EventId], kept: Duration) -> Result<bool> {
        let now = self.broadcaster.clock.now();
        Ok(idempotency::take(self.tx.conn(), &self.tenant, key, events, now, now.minus(kept)).await?)
    }

    /// Says that the events of a key that was taken are emitted next.
    pub fn first_event_of(&mut self, key: &Key) {
        self.keys.push((key.clone(), self.events.len()));
    }

    /// Makes every server forget a session or a user once the transaction is committed.
    pub async fn revoke(&mut self, revoked: Revoked) -> Result<()> {
        let now = self.broadcaster.clock.now();
        revocations::insert(self.tx.conn(), &self.tenant, &revoked, now).await?;
        self.revoked.push(revoked);
        Ok(())
    }

    /// Makes every server read the tenant's webhooks anew before its next event.
    pub fn webhooks_edited(&mut self) {
        self.webhooks_edited = true;
    }

    /// Commits, then rings the doorbells.
    pub async fn commit(self) -> Result<()> {
        self.commit_events().await.map(|_| ())
    }

    /// Commits, then rings the doorbells. The sequence row is the last thing to be locked. Gives the events as they stand
    /// in the log.
    pub async fn commit_events(mut self) -> Result<Vec<Arc<Event>>> {
        if self.webhooks_edited {
            journal::bump_webhooks_version(self.tx.conn(), &self.tenant).await?;
        }
        for ((queue, day), more) in std::mem::take(&mut self.days) {
            queue_days::add(self.tx.conn(), &self.tenant, &queue, day, &more).await?;
        }
        let events = std::mem::take(&mut self.events);
        let committed = if events.is_empty() { Committed::default() } else { self.write(events).await? };
        let broadcaster = self.broadcaster;
        if let Err(error) = self.tx.commit().await {
            settle(broadcaster, &self.tenant, &committed, error).await?;
        }
        let events = committed.events.clone();
        broadcaster.announce(&self.tenant, self.announced);
        broadcaster.ring(committed);
        broadcaster.gate.forget(&self.tenant, &self.revoked).await;
        Ok(events)
    }

    async fn write(&mut self, events: Vec<NewEvent>) -> Result<Committed> {
        let (broadcaster, tenant) = (self.broadcaster, self.tenant.clone());
        let head = journal::lock_head(self.tx.conn(), &tenant).await?;
        let known = if self.webhooks_edited {
            // Not to be remembered: what this transaction has edited may yet be rolled back.
            Arc::new(Known::read(self.tx.conn(), &tenant, head.webhooks_version).await?)
        } else {
            broadcaster.subscriptions(self.tx.conn(), &tenant, head.webhooks_version).await?
        };
        let mut planned = plan(&broadcaster.engine, &broadcaster.server, &known.subscriptions, &events, head);
        if planned.rows.len() > MOST_DELIVERIES {
            return Err(too_many_deliveries(planned.rows.len()));
        }
        // The moment is taken with the row locked, so that moments follow the numbers.
        let now = broadcaster.clock.now();
        let stored = journal::append(self.tx.conn(), &tenant, head, events, planned.rows.len(), now).await?;
        deliveries::insert(self.tx.conn(), &tenant, &planned.rows, now).await?;
        for (key, first) in &self.keys {
            if let Some(event) = stored.get(*first) {
                idempotency::complete(self.tx.conn(), &tenant, key, event.seq).await?;
            }
        }
        let events: Vec<Arc<Event>> = stored.into_iter().map(Arc::new).collect();
        let in_memory = std::mem::take(&mut planned.in_memory);
        let deliveries =
            in_memory.into_iter().map(|kept| (kept.delivery(&planned.rows, &events), kept.room)).collect();
        let Plan { left_in_database, in_order, .. } = planned;
        Ok(Committed { deliveries, left_in_database, in_order, events })
    }
}

fn too_many_deliveries(count: usize) -> Error {
    let message = format!(
        "would cause {count} webhook deliveries, and one call may cause {MOST_DELIVERIES}: send fewer events at a time"
    );
    Error::field("body", message)
}

/// After a commit without an answer: finds out whether it took place. Fails if it did not, or if nobody can say; then never
/// with what `retrying` takes for leave to write everything again.
async fn settle(
    broadcaster: &Broadcaster,
    tenant: &TenantId,
    committed: &Committed,
    error: store::Error,
) -> Result<()> {
    let (Some(first), true) = (committed.events.first(), error.is_unavailable()) else {
        return Err(error.into());
    };
    for _ in 0..SETTLING_ATTEMPTS {
        match was_committed(&broadcaster.store, tenant, first).await {
            Ok(true) => return Ok(()),
            Ok(false) => return Err(error.into()),
            // Somebody holds the row, perhaps the very transaction in question.
            Err(why) if why.is_contention() => {}
            Err(why) => return Err(unknown_outcome(&why)),
        }
    }
    Err(unknown_outcome(&error))
}

async fn was_committed(store: &Store, tenant: &TenantId, event: &Event) -> store::Result<bool> {
    let mut tx = store.begin().await?;
    journal::was_committed(tx.conn(), tenant, event.seq, &event.id).await
}

fn unknown_outcome(why: &store::Error) -> Error {
    store::Error::Unavailable(format!("it is not known whether the commit took place: {why}")).into()
}

/// The deliveries of some events, before they are written.
#[derive(Default)]
struct Plan {
    rows: Vec<NewDelivery>,
    in_memory: Vec<Kept>,
    left_in_database: bool,
    in_order: BTreeSet<WebhookId>,
}

/// A delivery for which this server has room in memory.
struct Kept {
    row: usize,
    event: usize,
    room: Reservation,
}

impl Kept {
    fn delivery(&self, rows: &[NewDelivery], events: &[Arc<Event>]) -> Delivery {
        let (row, event) = (&rows[self.row], &events[self.event]);
        Delivery {
            tenant: event.tenant.clone(),
            id: row.id,
            webhook: row.webhook,
            event_id: event.id.clone(),
            event_seq: Some(event.seq),
            event: event.name.clone(),
            subject: event.subject.clone(),
            attempts: 0,
            retries: 0,
            created_at: event.created_at,
            payload: Some(event.payload.clone()),
        }
    }
}

fn plan(
    engine: &Engine,
    server: &ServerId,
    subscriptions: &[Subscription],
    events: &[NewEvent],
    head: Head,
) -> Plan {
    let mut plan = Plan::default();
    for (at, event) in events.iter().enumerate() {
        let about = event.subject.as_deref().and_then(|subject| subject.strip_prefix("webhook:"));
        let wants = |subscription: &&Subscription| {
            // An endpoint never hears of itself, so that a broken one cannot feed itself.
            about != Some(subscription.webhook.to_string().as_str())
                && subscription.events.iter().any(|pattern| pattern.matches(&event.name))
        };
        for subscription in subscriptions.iter().filter(wants) {
            let row = plan.rows.len();
            let id = LogId(head.log_id + 1 + i64::try_from(row).unwrap_or(i64::MAX));
            let queue = subscription.ordering.queue(event.subject.as_deref(), id);
            // What goes in order is read from the database by whichever server owns the endpoint's lane.
            let room = match queue {
                None => engine.reserve(subscription.webhook, event.payload.get().len()),
                Some(_) => None,
            };
            let owner = match (queue, &room) {
                (Some(queue), _) => Owner::Lane(queue),
                (None, Some(_)) => Owner::Server(server.clone()),
                (None, None) => Owner::Nobody,
            };
            plan.rows.push(NewDelivery {
                id,
                webhook: subscription.webhook,
                event_id: event.id.clone(),
                event_seq: Some(head.seq + 1 + i64::try_from(at).unwrap_or(i64::MAX)),
                event: event.name.clone(),
                subject: event.subject.clone(),
                owner,
                payload: None,
            });
            match (room, queue) {
                (Some(room), _) => plan.in_memory.push(Kept { row, event: at, room }),
                (None, Some(_)) => drop(plan.in_order.insert(subscription.webhook)),
                (None, None) => plan.left_in_database = true,
            }
        }
    }
    plan
}
