//! What the tests share: a world with a database, and clients.

use super::client::{Client, Over};
use crate::{Admission, Hub, HubConfig, Refusal};
use model::{
    Audience, Clock, Event, EventId, EventName, NewEvent, Role, ServerId, SessionId, TenantId, Timestamp,
    UserId, Viewer,
};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use store::journal::{self, Append};
use store::{Database, Store, servers, tenants};
use tokio_util::sync::CancellationToken;

pub(super) const EPOCH: &str = "e1";

/// A database with tenant `t`, and a running hub.
pub(super) struct World {
    pub store: Store,
    pub hub: Hub,
    pub clock: Clock,
    pub cancel: CancellationToken,
    pub folder: Arc<tempfile::TempDir>,
    /// What serves the connections.
    pub over: Over,
}

pub(super) fn tenant() -> TenantId {
    TenantId::parse("t").unwrap()
}

pub(super) fn user(id: &str) -> UserId {
    UserId::parse(id).unwrap()
}

pub(super) fn config() -> HubConfig {
    HubConfig { epoch: EPOCH.into(), ..HubConfig::default() }
}

/// Polls until the condition holds; a minute is for ever.
pub(super) async fn eventually<F: Future<Output = bool>>(what: &str, condition: impl Fn() -> F) {
    for _ in 0..6000 {
        if condition().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("did not happen: {what}");
}

/// What happens at last; a minute is for ever.
pub(super) async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), what).await.unwrap()
}

impl World {
    pub(super) async fn new(config: HubConfig) -> Self {
        let folder = Arc::new(tempfile::tempdir().unwrap());
        let store = Store::connect(&Database::Sqlite(folder.path().join("test.db"))).await.unwrap();
        store::migrate(&store).await.unwrap();
        let mut tx = store.begin().await.unwrap();
        tenants::insert(tx.conn(), &tenant(), "T", Timestamp(0)).await.unwrap();
        tx.commit().await.unwrap();
        Self::beside(store, folder, config)
    }

    /// Another server on the same database.
    pub(super) fn neighbour(&self) -> Self {
        Self::beside(self.store.clone(), Arc::clone(&self.folder), config())
    }

    fn beside(store: Store, folder: Arc<tempfile::TempDir>, config: HubConfig) -> Self {
        let (clock, cancel) = (Clock::default(), CancellationToken::new());
        let hub = Hub::new(config, store.clone(), clock.clone(), ServerId::generate());
        let world = Self { store, hub, clock, cancel, folder, over: Over::Loop };
        let (hub, cancel) = (world.hub.clone(), world.cancel.clone());
        tokio::spawn(async move { hub.run(cancel).await });
        world
    }

    /// Lets other servers take this one as living for an hour.
    pub(super) async fn hold_lease(&self) {
        let (now, server) = (self.clock.now(), &self.hub.0.server);
        let mut tx = self.store.begin().await.unwrap();
        servers::renew(tx.conn(), server, now, now.plus(Duration::from_secs(3600))).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// Commits events without telling the hub.
    pub(super) async fn commit(&self, events: Vec<NewEvent>) -> Vec<Arc<Event>> {
        let mut tx = self.store.begin().await.unwrap();
        let head = journal::lock_head(tx.conn(), &tenant()).await.unwrap();
        let append = Append { tenant: tenant(), head, events, log_ids: 0 };
        let stored = journal::append(tx.conn(), vec![append], Timestamp(1_700_000_000_500)).await.unwrap();
        tx.commit().await.unwrap();
        stored.into_iter().map(Arc::new).collect()
    }

    /// Commits `count` events for everyone and tells the hub.
    pub(super) async fn publish(&self, count: usize) -> Vec<Arc<Event>> {
        let events =
            self.commit((0..count).map(|_| custom("order.paid", Audience::default())).collect()).await;
        self.hub.committed(&events);
        events
    }

    /// Loses the log's events up to number `last`.
    pub(super) async fn prune(&self, last: i64) {
        self.sql(&format!("DELETE FROM events WHERE seq <= {last}")).await;
    }

    /// Does something to the database by hand.
    pub(super) async fn sql(&self, text: &str) {
        let url = format!("sqlite://{}", self.folder.path().join("test.db").display());
        let pool = sqlx::SqlitePool::connect(&url).await.unwrap();
        sqlx::query(sqlx::AssertSqlSafe(text)).execute(&pool).await.unwrap();
        pool.close().await;
    }

    pub(super) fn admission(&self, id: &str, role: Role) -> Admission {
        Admission {
            tenant: tenant(),
            viewer: Viewer::new(Some(user(id)), role),
            session: Some(SessionId::parse(&format!("session-{id}")).unwrap()),
            expires_at: self.clock.now().plus(Duration::from_secs(3600)),
            since: None,
            epoch: None,
            remote_addr: "127.0.0.1:1".into(),
            user_agent: Some("test".into()),
        }
    }

    /// Connects an admin and reads `connection.ready`.
    pub(super) async fn connect(&self) -> Client {
        self.connect_as("u1", Role::Admin).await
    }

    pub(super) async fn connect_as(&self, id: &str, role: Role) -> Client {
        let mut client = self.open(self.admission(id, role)).await.unwrap();
        assert_eq!(client.next().await["type"], "connection.ready");
        client
    }

    pub(super) async fn resume(&self, since: i64) -> Client {
        self.open(Admission { since: Some(since), ..self.admission("u1", Role::Admin) }).await.unwrap()
    }

    pub(super) async fn open(&self, who: Admission) -> Result<Client, Refusal> {
        Ok(Client::open(self.hub.admit(who)?, self, false).await)
    }

    /// Connects over a way that is full after some events.
    pub(super) async fn open_narrow(&self, who: Admission) -> Result<Client, Refusal> {
        Ok(Client::open(self.hub.admit(who)?, self, true).await)
    }
}

pub(super) fn custom(name: &str, audience: Audience) -> NewEvent {
    let payload = json!({"tenant_id":"t","n":1});
    NewEvent {
        id: EventId::generate(),
        name: EventName::parse(name).unwrap(),
        subject: None,
        audience,
        payload: serde_json::value::to_raw_value(&payload).unwrap().into(),
    }
}
