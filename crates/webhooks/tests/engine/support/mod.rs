//! What the engine's tests share: a store in a folder of its own, an endpoint that does as it is told, engines.

pub mod sink;

use model::webhook::Ordering;
use model::{Clock, EventId, EventName, LogId, ServerId, TenantId, Timestamp, WebhookId};
use serde_json::value::RawValue;
use std::sync::atomic::{AtomicI64, Ordering::SeqCst};
use std::time::Duration;
use store::deliveries::{self, AttemptEntry, Delivery, LogEntry, NewDelivery, Owner};
use store::webhooks::Webhook;
use store::{Database, Store, Tls};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use webhooks::{AllowedNetworks, Engine, EngineConfig, ExtraRoots, Notice};

pub struct Site {
    /// Goes with the site.
    _folder: tempfile::TempDir,
    pub store: Store,
    pub clock: Clock,
    pub tenant: TenantId,
    ids: AtomicI64,
}

/// A running engine; dropping it ends it as a crash would.
pub struct Running {
    pub engine: Engine,
    pub notices: mpsc::Receiver<Notice>,
    pub server: ServerId,
    task: JoinHandle<()>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Running {
    /// Ends it as `kill -9` would.
    pub async fn crash(mut self) {
        self.task.abort();
        let _ = (&mut self.task).await;
    }
}

pub async fn site() -> Site {
    let folder = tempfile::tempdir().unwrap();
    let file = Database::Sqlite(folder.path().join("test.db"));
    let store = Store::connect(&mysql().unwrap_or(file)).await.unwrap();
    store::migrate(&store).await.unwrap();
    let tenant = TenantId::parse("t1").unwrap();
    Site { _folder: folder, store, clock: Clock::default(), tenant, ids: AtomicI64::new(0) }
}

/// With `WEBHOOKS_TEST_MYSQL=host:port:user:password:prefix` each test has an empty database prefix_0, prefix_1, … of a
/// MySQL or MariaDB server instead.
fn mysql() -> Option<Database> {
    static NUMBER: AtomicI64 = AtomicI64::new(0);
    let text = std::env::var("WEBHOOKS_TEST_MYSQL").ok()?;
    let parts: Vec<&str> = text.split(':').collect();
    Some(Database::MySql {
        host: parts[0].into(),
        port: parts[1].parse().unwrap(),
        user: parts[2].into(),
        password: parts[3].into(),
        name: format!("{}_{}", parts[4], NUMBER.fetch_add(1, SeqCst)),
        tls: Tls::Disabled,
        max_connections: 8,
    })
}

impl Site {
    pub async fn start(&self) -> Running {
        let running = self.start_idle();
        until("the lease is held", async || running.engine.gauges().lease_held).await;
        running
    }

    fn start_idle(&self) -> Running {
        let config = EngineConfig {
            workers: 4,
            // Longer than a test takes: time passes when the test says so.
            retry_schedule: vec![Duration::from_secs(300), Duration::from_secs(600)],
            allowed_networks: AllowedNetworks::parse("127.0.0.1/32").unwrap(),
            extra_roots: ExtraRoots::default(),
            user_agent_version: "1.2.3",
        };
        let server = ServerId::generate();
        let (engine, notices) = Engine::new(config, self.store.clone(), self.clock.clone(), server.clone());
        let task = tokio::spawn(engine.clone().run(CancellationToken::new()));
        Running { engine, notices, server, task }
    }

    pub async fn webhook(&self, url: &str) -> Webhook {
        self.webhook_with(url, |_| {}).await
    }

    pub async fn webhook_with(&self, url: &str, edit: impl FnOnce(&mut Webhook)) -> Webhook {
        let mut webhook = Webhook {
            id: WebhookId(0),
            tenant: self.tenant.clone(),
            name: "test".into(),
            url: url.into(),
            events: Vec::new(),
            secret: "test-secret-123".into(),
            previous_secret: None,
            is_active: true,
            retry_count: 2,
            timeout_seconds: 30,
            ordering: Ordering::None,
            mask_personal_data: false,
            headers: [("x-own".to_owned(), "yes".to_owned())].into(),
            description: None,
            disabled_reason: None,
            created_at: self.clock.now(),
            updated_at: self.clock.now(),
        };
        edit(&mut webhook);
        let mut tx = self.store.begin().await.unwrap();
        webhook.id = store::webhooks::insert(tx.conn(), &webhook).await.unwrap();
        tx.commit().await.unwrap();
        webhook
    }

    pub async fn update(&self, webhook: &Webhook) {
        let mut tx = self.store.begin().await.unwrap();
        store::webhooks::update(tx.conn(), webhook).await.unwrap();
        tx.commit().await.unwrap();
    }

    pub fn delivery(&self, webhook: &Webhook) -> Delivery {
        let id = self.ids.fetch_add(1, SeqCst) + 1;
        let payload = RawValue::from_string(format!(r#"{{"n":{id}}}"#)).unwrap();
        Delivery {
            tenant: self.tenant.clone(),
            id: LogId(id),
            webhook: webhook.id,
            event_id: EventId::generate(),
            event_seq: Some(id),
            event: EventName::parse("order.paid").unwrap(),
            subject: None,
            attempts: 0,
            retries: 0,
            created_at: self.clock.now(),
            payload: Some(payload.into()),
        }
    }

    async fn insert(&self, deliveries: &[(Delivery, Owner)]) {
        self.insert_at(deliveries, self.clock.now()).await;
    }

    async fn insert_at(&self, deliveries: &[(Delivery, Owner)], now: Timestamp) {
        let rows: Vec<NewDelivery> = deliveries
            .iter()
            .map(|(delivery, owner)| NewDelivery {
                tenant: delivery.tenant.clone(),
                id: delivery.id,
                webhook: delivery.webhook,
                event_id: delivery.event_id.clone(),
                event_seq: delivery.event_seq,
                event: delivery.event.clone(),
                subject: delivery.subject.clone(),
                owner: owner.clone(),
                payload: delivery.payload.clone(),
            })
            .collect();
        let mut tx = self.store.begin().await.unwrap();
        deliveries::insert(tx.conn(), &rows, now).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// Writes deliveries that nobody owns.
    pub async fn queue(&self, webhook: &Webhook, count: usize) -> Vec<LogId> {
        let rows: Vec<_> = (0..count).map(|_| (self.delivery(webhook), Owner::Nobody)).collect();
        self.insert(&rows).await;
        rows.iter().map(|(delivery, _)| delivery.id).collect()
    }

    /// Writes a delivery that nobody owns and that has been due for so long.
    pub async fn queue_late(&self, webhook: &Webhook, late: Duration) -> LogId {
        let delivery = self.delivery(webhook);
        let id = delivery.id;
        self.insert_at(&[(delivery, Owner::Nobody)], self.clock.now().minus(late)).await;
        id
    }

    /// Queues a delivery about each of these subjects, in the endpoint's order, and says so to nobody.
    pub async fn queue_about(
        &self,
        webhook: &Webhook,
        subjects: impl IntoIterator<Item = &str>,
    ) -> Vec<LogId> {
        let row = |subject: &str| {
            let delivery = Delivery { subject: Some(subject.into()), ..self.delivery(webhook) };
            let owner = match webhook.ordering.queue(Some(subject), delivery.id) {
                Some(queue) => Owner::Lane(queue),
                None => Owner::Nobody,
            };
            (delivery, owner)
        };
        let rows: Vec<_> = subjects.into_iter().map(row).collect();
        self.insert(&rows).await;
        rows.iter().map(|(delivery, _)| delivery.id).collect()
    }

    /// Writes a test by hand as its server leaves it behind that has died before it was written down.
    pub async fn queue_test(&self, webhook: &Webhook) -> LogId {
        let event = model::catalogue::WEBHOOK_TEST;
        let delivery = Delivery { event, event_seq: None, ..self.delivery(webhook) };
        let id = delivery.id;
        self.insert(&[(delivery, Owner::Nobody)]).await;
        id
    }

    /// Writes a delivery of an event that is in the log no more.
    pub async fn queue_without_payload(&self, webhook: &Webhook) -> LogId {
        let delivery = Delivery { payload: None, ..self.delivery(webhook) };
        let id = delivery.id;
        self.insert(&[(delivery, Owner::Nobody)]).await;
        id
    }

    /// Publishes as the application does: in memory where there is room, else by the database.
    pub async fn publish(&self, running: &Running, webhook: &Webhook, count: usize) -> Vec<LogId> {
        let (mut rows, mut kept) = (Vec::new(), Vec::new());
        for _ in 0..count {
            let delivery = self.delivery(webhook);
            if let Some(queue) = webhook.ordering.queue(None, delivery.id) {
                rows.push((delivery, Owner::Lane(queue)));
                continue;
            }
            match running.engine.reserve(webhook.id, 16) {
                Some(reservation) => {
                    rows.push((delivery.clone(), Owner::Server(running.server.clone())));
                    kept.push((delivery, reservation));
                }
                None => rows.push((delivery, Owner::Nobody)),
            }
        }
        self.insert(&rows).await;
        let unowned = rows.iter().any(|(_, owner)| *owner == Owner::Nobody);
        running.engine.committed(kept);
        if unowned {
            running.engine.left_in_database([webhook.id]);
        }
        if webhook.ordering != Ordering::None {
            running.engine.queued_in_order([webhook.id]);
        }
        rows.iter().map(|(delivery, _)| delivery.id).collect()
    }

    /// Sends one delivery, after which the engine knows that the endpoint answers and keeps deliveries in memory.
    pub async fn warm_up(&self, running: &Running, webhook: &Webhook) {
        let ids = self.publish(running, webhook, 1).await;
        self.all(&ids, "success").await;
        let engine = &running.engine;
        until("the lane is known", async || {
            let room = engine.reserve(webhook.id, 16);
            engine.doorbell();
            room.is_some()
        })
        .await;
    }

    pub async fn entry(&self, webhook: WebhookId, id: LogId) -> Option<LogEntry> {
        let mut reader = self.store.read().await.unwrap();
        deliveries::entry(reader.conn(), &self.tenant, webhook, id).await.unwrap()
    }

    pub async fn entries(&self) -> Vec<LogEntry> {
        let mut reader = self.store.read().await.unwrap();
        let filter = deliveries::Filter::default();
        deliveries::page(reader.conn(), &self.tenant, &filter, 10_000).await.unwrap().entries
    }

    pub async fn attempts(&self, id: LogId) -> Vec<AttemptEntry> {
        let mut reader = self.store.read().await.unwrap();
        deliveries::attempts(reader.conn(), &self.tenant, id).await.unwrap()
    }

    pub async fn alive(&self, server: &ServerId) -> bool {
        let mut reader = self.store.read().await.unwrap();
        store::servers::is_alive(reader.conn(), server, self.clock.now()).await.unwrap()
    }

    /// Whether that server has the endpoint's lane.
    pub async fn has_lane(&self, server: &ServerId, webhook: &Webhook) -> bool {
        let mut tx = self.store.begin().await.unwrap();
        !store::lanes::lock_held(tx.conn(), server, &[webhook.id]).await.unwrap().is_empty()
    }

    /// Waits until all of them have that status.
    pub async fn all(&self, ids: &[LogId], status: &str) {
        until(status, async || {
            let entries = self.entries().await;
            let good = |id: &LogId| entries.iter().any(|entry| entry.id == id.0 && entry.status == status);
            ids.iter().all(good)
        })
        .await;
    }

    /// Waits until that entry is as described.
    pub async fn one(&self, webhook: &Webhook, id: LogId, good: impl Fn(&LogEntry) -> bool) -> LogEntry {
        until("the log entry is as expected", async || {
            self.entry(webhook.id, id).await.is_some_and(|entry| good(&entry))
        })
        .await;
        self.entry(webhook.id, id).await.unwrap()
    }

    /// Waits until the delivery waits for its next attempt, and moves the clock there.
    pub async fn advance_to_retry(&self, webhook: &Webhook, id: LogId, attempts: i64) -> Timestamp {
        let entry =
            self.one(webhook, id, |entry| entry.attempts == attempts && entry.status == "pending").await;
        let due = Timestamp(entry.next_attempt_at.unwrap());
        self.clock.advance(due.since(self.clock.now()) + Duration::from_millis(1));
        due
    }
}

/// Waits for a condition; fails after a minute.
pub async fn until(what: &str, condition: impl AsyncFn() -> bool) {
    let wait = async {
        while !condition().await {
            tokio::time::sleep(Duration::from_millis(3)).await;
        }
    };
    assert!(tokio::time::timeout(Duration::from_secs(60), wait).await.is_ok(), "never happened: {what}");
}
