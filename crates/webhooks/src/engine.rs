//! The engine's handle: what the application calls, and the state that the engine's tasks share. The tasks themselves
//! stand beside this file.

use crate::attempt::{self, Made};
use crate::client::{Client, Failure};
use crate::elsewhere::Elsewhere;
use crate::endpoints::{Endpoint, Endpoints};
use crate::gauges::Counters;
use crate::lanes::Lanes;
use crate::lease::Lease;
use crate::limits::{DELIVERY_OVERHEAD, NOTICES, TESTS_TOGETHER, UNRECORDED};
use crate::recorder::Results;
use crate::upkeep::Upkeep;
use crate::{EngineConfig, Gauges, Notice};
use model::{Clock, LogId, ServerId, TenantId, WebhookId};
use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use store::Store;
use store::deliveries::{Attempt, Delivery, Key, Verdict};
use store::webhooks::Webhook;
use tokio::sync::{Notify, Semaphore, mpsc, watch};
use tokio::time::Instant;

/// A handle to the engine; cheap to clone.
#[derive(Clone)]
pub struct Engine(pub(crate) Arc<Shared>);

/// How far the engine has come on its way to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd)]
pub(crate) enum Phase {
    /// Delivers.
    Running,
    /// Starts nothing any more.
    Draining,
    /// Ends what is in flight.
    Aborting,
    /// Has ended.
    Stopped,
}

/// What the engine's tasks share.
pub(crate) struct Shared {
    pub(crate) config: EngineConfig,
    pub(crate) store: Store,
    pub(crate) clock: Clock,
    pub(crate) server: ServerId,
    pub(crate) client: Client,
    pub(crate) endpoints: Endpoints,
    pub(crate) lease: Lease,
    pub(crate) results: Results,
    pub(crate) upkeep: Upkeep,
    pub(crate) counters: Counters,
    pub(crate) elsewhere: Elsewhere,
    pub(crate) phase: watch::Sender<Phase>,
    lanes: Mutex<Lanes>,
    notices: mpsc::Sender<Notice>,
    tests: Semaphore,
    /// Tests by hand whose rows this server owns. As many as there are calls in progress.
    tests_under_way: Mutex<HashSet<Key>>,
    /// Wakes a sender.
    pub(crate) work: Notify,
    /// Wakes the claimer.
    pub(crate) claims: Notify,
    /// Wakes whoever waits for attempts to end or to be recorded.
    pub(crate) quieter: Notify,
}

impl Shared {
    /// Works on the lanes, then wakes who has something to do.
    pub(crate) fn lanes<R>(&self, work: impl FnOnce(&mut Lanes) -> R) -> R {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        let result = work(&mut lanes);
        let senders = std::mem::take(&mut lanes.wake_senders);
        let claimer = std::mem::take(&mut lanes.wake_claimer);
        drop(lanes);
        if senders {
            self.work.notify_one();
        }
        if claimer {
            self.claims.notify_one();
        }
        result
    }

    pub(crate) fn is_running(&self) -> bool {
        *self.phase.borrow() == Phase::Running
    }

    /// Whether deliveries may be started.
    pub(crate) fn may_send(&self) -> bool {
        self.is_running() && self.lease.is_held()
    }

    /// Tells the application; what it has no time for comes again with the endpoint's next answer.
    pub(crate) fn notify(&self, notice: Notice) {
        let _ = self.notices.try_send(notice);
    }

    /// The deliveries that tests by hand are about to send, or to write down.
    pub(crate) fn tests_under_way(&self) -> Vec<Key> {
        self.test_keys().iter().cloned().collect()
    }

    fn test_keys(&self) -> MutexGuard<'_, HashSet<Key>> {
        self.tests_under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) async fn attempt(&self, endpoint: &Endpoint, delivery: &Delivery) -> Result<Made, Failure> {
        attempt::make(&self.client, &self.clock, endpoint, delivery).await
    }
}

/// Room in memory for one delivery, given back when dropped unused.
pub struct Reservation {
    shared: Arc<Shared>,
    webhook: WebhookId,
    bytes: usize,
    generation: u64,
    used: bool,
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.shared.lanes(|lanes| lanes.unreserve(self.webhook, self.bytes));
        if !self.used {
            // Its row may have been written all the same, by a caller that was cancelled at the wrong moment.
            self.shared.upkeep.suspect(self.webhook, self.shared.clock.now());
        }
    }
}

impl std::fmt::Debug for Reservation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reservation").field("webhook", &self.webhook).field("bytes", &self.bytes).finish()
    }
}

/// A test by hand, from before its row is written until it is written down. If that does not come about, for whatever
/// reason, the row is found as left behind, and ends.
pub struct Test {
    shared: Arc<Shared>,
    webhook: WebhookId,
    key: Mutex<Option<Key>>,
    done: bool,
}

impl Test {
    /// Says which row is about to be written; instead of the one said before, if that came to nothing.
    pub fn is(&self, tenant: TenantId, log: LogId) {
        let before = self.key().replace((tenant.clone(), log));
        let mut keys = self.shared.test_keys();
        if let Some(before) = before {
            keys.remove(&before);
        }
        keys.insert((tenant, log));
    }

    fn key(&self) -> MutexGuard<'_, Option<Key>> {
        self.key.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says that the result is written down.
    pub fn done(mut self) {
        self.done = true;
    }
}

impl Drop for Test {
    fn drop(&mut self) {
        let Some(key) = self.key().take() else { return };
        self.shared.test_keys().remove(&key);
        if !self.done {
            self.shared.upkeep.suspect(self.webhook, self.shared.clock.now());
        }
    }
}

impl std::fmt::Debug for Test {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Test").field("key", &*self.key()).finish_non_exhaustive()
    }
}

impl Engine {
    /// An engine that does nothing until [`Engine::run`] runs. The receiver hears what the application must act on.
    #[must_use]
    pub fn new(
        config: EngineConfig,
        store: Store,
        clock: Clock,
        server: ServerId,
    ) -> (Self, mpsc::Receiver<Notice>) {
        let (notices, heard) = mpsc::channel(NOTICES);
        let shared = Shared {
            client: Client::new(config.allowed_networks.clone(), &config.extra_roots),
            endpoints: Endpoints::new(config.user_agent_version),
            config,
            store,
            clock,
            server,
            lease: Lease::new(),
            results: Results::default(),
            upkeep: Upkeep::default(),
            counters: Counters::default(),
            elsewhere: Elsewhere::default(),
            phase: watch::Sender::new(Phase::Running),
            lanes: Mutex::default(),
            notices,
            tests: Semaphore::new(TESTS_TOGETHER),
            tests_under_way: Mutex::default(),
            work: Notify::new(),
            claims: Notify::new(),
            quieter: Notify::new(),
        };
        (Self(Arc::new(shared)), heard)
    }

    /// Room in memory for a delivery whose payload has so many bytes. `None` if its row must wait to be
    /// claimed: there is no room, the endpoint catches up with the database, or this server may not send now.
    #[must_use]
    pub fn reserve(&self, webhook: WebhookId, bytes: usize) -> Option<Reservation> {
        let bytes = bytes + DELIVERY_OVERHEAD;
        if !self.0.may_send() {
            self.0.lanes(|lanes| lanes.refuse(webhook, Instant::now()));
            return None;
        }
        let generation = self.0.lanes(|lanes| lanes.reserve(webhook, bytes, Instant::now()))?;
        Some(Reservation { shared: Arc::clone(&self.0), webhook, bytes, generation, used: false })
    }

    /// Takes over deliveries whose rows were committed as this server's. Never blocks.
    pub fn committed(&self, deliveries: Vec<(Delivery, Reservation)>) {
        let now = Instant::now();
        for (delivery, mut reservation) in deliveries {
            let bytes = reservation.bytes;
            self.0.lanes(|lanes| {
                // After a lapse of the lease the row may be somebody else's; if not, it is found as left behind.
                if lanes.generation == reservation.generation {
                    reservation.used = true;
                    lanes.push(delivery, bytes, now);
                }
            });
        }
    }

    /// Says that rows were committed that wait to be claimed: due ones are looked for now.
    pub fn doorbell(&self) {
        self.0.upkeep.look_around();
        self.0.claims.notify_one();
    }

    /// Says that rows were committed for which there was no room: those of these endpoints.
    pub fn left_in_database(&self, webhooks: impl IntoIterator<Item = WebhookId>) {
        let unknown = self.0.lanes(|lanes| {
            webhooks.into_iter().filter(|webhook| !lanes.refused_is_committed(*webhook)).count()
        });
        if unknown > 0 {
            self.0.upkeep.look_around();
        }
        self.0.claims.notify_one();
    }

    /// Says that deliveries were queued in the lanes of these endpoints: those that are this server's are read on now.
    pub fn queued_in_order(&self, webhooks: impl IntoIterator<Item = WebhookId>) {
        let others: Vec<WebhookId> = self
            .0
            .lanes(|lanes| webhooks.into_iter().filter(|webhook| !lanes.wake_in_order(*webhook)).collect());
        for webhook in others {
            // Perhaps nobody's yet. Another's owner is told, or looks by itself.
            self.0.upkeep.look_around();
            self.0.elsewhere.note(webhook);
        }
        self.0.claims.notify_one();
    }

    /// Says that an endpoint was edited or deleted here: its row is read anew. What waits for one that was switched off
    /// ends now; what waits for one that is gone is removed.
    pub fn changed(&self, webhook: WebhookId) {
        self.0.endpoints.forget(webhook);
        self.0.upkeep.review(webhook);
        self.0.claims.notify_one();
    }

    /// Says that an endpoint was deleted here: its log is removed in steps, also when nothing waits for it.
    pub fn deleted(&self, tenant: TenantId, webhook: WebhookId) {
        self.0.endpoints.forget(webhook);
        self.0.upkeep.purge(tenant, webhook);
        self.0.claims.notify_one();
    }

    /// A test by hand of that endpoint begins.
    #[must_use]
    pub fn begin_test(&self, webhook: WebhookId) -> Test {
        Test { shared: Arc::clone(&self.0), webhook, key: Mutex::default(), done: false }
    }

    /// One attempt right now, whatever the endpoint's state. The caller writes it down.
    pub async fn send_test(&self, webhook: &Webhook, delivery: &Delivery) -> Attempt {
        // The semaphore is never closed.
        let _place = self.0.tests.acquire().await;
        let at = self.0.clock.now();
        let endpoint = Endpoint::new(webhook.clone(), self.0.config.user_agent_version);
        match self.0.attempt(&endpoint, delivery).await {
            Ok(Made { attempt, .. }) => {
                let success = attempt.verdict == Verdict::Success;
                let verdict = if success { Verdict::Success } else { Verdict::Failed };
                Attempt { verdict, test: true, paused_until: None, ..attempt }
            }
            Err(failure) => {
                let blank = attempt::end_without(delivery, at, &failure.words);
                Attempt { number: delivery.attempts + 1, ..blank }
            }
        }
    }

    /// The engine's numbers.
    #[must_use]
    pub fn gauges(&self) -> Gauges {
        let mut gauges = self.0.lanes(|lanes| Gauges {
            queued: lanes.queued,
            in_flight: lanes.in_flight,
            unrecorded: lanes.unrecorded(),
            bytes: lanes.bytes,
            lanes: lanes.lanes.len(),
            ..Gauges::default()
        });
        debug_assert!(gauges.unrecorded <= UNRECORDED);
        gauges.lease_held = self.0.lease.is_held();
        self.0.counters.read_into(&mut gauges);
        gauges
    }
}
