//! What the tests share: a world with a database, and clients.

use crate::{Admission, Frame, FrameSink, FrameStream, Gone, Hub, HubConfig, Incoming, Refusal, Socket};
use model::{
    Audience, Clock, Event, EventId, EventName, NewEvent, Role, ServerId, SessionId, TenantId, Timestamp,
    UserId, Viewer,
};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use store::{Database, Store, journal, servers, tenants};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

pub(super) const EPOCH: &str = "e1";

/// A database with tenant `t`, and a running hub.
pub(super) struct World {
    pub store: Store,
    pub hub: Hub,
    pub clock: Clock,
    pub cancel: CancellationToken,
    pub folder: Arc<tempfile::TempDir>,
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
        let world = Self { store, hub, clock, cancel, folder };
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
        let stored = journal::append(tx.conn(), &tenant(), head, events, 0, Timestamp(1_700_000_000_500))
            .await
            .unwrap();
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
        let url = format!("sqlite://{}", self.folder.path().join("test.db").display());
        let pool = sqlx::SqlitePool::connect(&url).await.unwrap();
        sqlx::query("DELETE FROM events WHERE seq <= ?").bind(last).execute(&pool).await.unwrap();
        pool.close().await;
    }

    pub(super) fn admission(&self, id: &str, role: Role) -> Admission {
        Admission {
            tenant: tenant(),
            viewer: Viewer { user: Some(user(id)), role },
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
        let mut client = self.open(self.admission(id, role), 1000).unwrap();
        assert_eq!(client.next().await["type"], "connection.ready");
        client
    }

    pub(super) async fn resume(&self, since: i64) -> Client {
        self.open(Admission { since: Some(since), ..self.admission("u1", Role::Admin) }, 1000).unwrap()
    }

    /// Connects with a socket that takes `room` frames before it is full.
    pub(super) fn open(&self, who: Admission, room: usize) -> Result<Client, Refusal> {
        let (serve, (from_server, to_server)) = self.serve(who, room)?;
        Ok(Client { from_server, to_server: Some(to_server), served: tokio::spawn(serve) })
    }

    /// A connection that nobody runs yet, and the client's ends of it.
    pub(super) fn serve(
        &self,
        who: Admission,
        room: usize,
    ) -> Result<(impl Future<Output = ()> + Send + use<>, Ends), Refusal> {
        let connection = self.hub.admit(who)?;
        let (to_client, from_server) = mpsc::channel(room);
        let (to_server, from_client) = mpsc::unbounded_channel();
        Ok((connection.serve(FakeSocket { to_client, from_client }), (from_server, to_server)))
    }
}

/// What a client holds of a connection.
type Ends = (mpsc::Receiver<Heard>, mpsc::UnboundedSender<Incoming>);

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

/// What the client's end hears.
#[derive(Debug)]
pub(super) enum Heard {
    Frame(Frame),
    Closed(u16),
}

/// The other end of a connection. Dropping it is a lost network.
pub(super) struct Client {
    from_server: mpsc::Receiver<Heard>,
    to_server: Option<mpsc::UnboundedSender<Incoming>>,
    served: tokio::task::JoinHandle<()>,
}

impl Client {
    pub(super) async fn hear(&mut self) -> Heard {
        soon(self.from_server.recv()).await.expect("the server is gone without a close")
    }

    /// The next document.
    pub(super) async fn next(&mut self) -> Value {
        loop {
            match self.hear().await {
                Heard::Frame(Frame::Text(text)) => return serde_json::from_slice(&text).unwrap(),
                Heard::Frame(Frame::Ping) => {}
                Heard::Closed(code) => panic!("closed with {code}"),
            }
        }
    }

    /// The numbers of the next `count` documents.
    pub(super) async fn seqs(&mut self, count: usize) -> Vec<i64> {
        let mut seqs = Vec::new();
        while seqs.len() < count {
            seqs.push(self.next().await["seq"].as_i64().unwrap());
        }
        seqs
    }

    /// The close code; documents before it are passed over.
    pub(super) async fn closed(&mut self) -> u16 {
        loop {
            if let Heard::Closed(code) = self.hear().await {
                return code;
            }
        }
    }

    pub(super) fn say(&self, incoming: Incoming) {
        self.to_server.as_ref().unwrap().send(incoming).unwrap();
    }

    pub(super) fn text(&self, document: &Value) {
        self.say(Incoming::Text(document.to_string().into_bytes().into()));
    }

    pub(super) async fn ask(&mut self, document: &Value) -> Value {
        self.text(document);
        self.next().await
    }

    /// Ends the connection and waits until the server has noticed.
    pub(super) async fn leave(mut self) {
        self.to_server = None;
        soon(self.served).await.unwrap();
    }

    /// Waits until the server has given the connection up, without reading what it sent.
    pub(super) async fn given_up(self) {
        soon(self.served).await.unwrap();
    }
}

struct FakeSocket {
    to_client: mpsc::Sender<Heard>,
    from_client: mpsc::UnboundedReceiver<Incoming>,
}

struct FakeSink(mpsc::Sender<Heard>);
struct FakeStream(mpsc::UnboundedReceiver<Incoming>);

impl Socket for FakeSocket {
    type Sink = FakeSink;
    type Stream = FakeStream;

    fn split(self) -> (FakeSink, FakeStream) {
        (FakeSink(self.to_client), FakeStream(self.from_client))
    }
}

impl FrameSink for FakeSink {
    async fn send(&mut self, frames: &[Frame]) -> Result<(), Gone> {
        for frame in frames {
            self.0.send(Heard::Frame(frame.clone())).await.map_err(|_| Gone)?;
        }
        Ok(())
    }

    async fn close(&mut self, code: u16, _reason: &'static str) -> Result<(), Gone> {
        self.0.send(Heard::Closed(code)).await.map_err(|_| Gone)
    }
}

impl FrameStream for FakeStream {
    async fn recv(&mut self) -> Option<Incoming> {
        self.0.recv().await
    }
}
