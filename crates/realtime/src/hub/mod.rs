//! The hub: each tenant's events, carried from the log to this server's connections. Knows nothing of sockets, tokens
//! and Redis. Connections pull; nothing here ever waits for one.

mod admission;
mod background;
mod changes;
mod departed;
mod epoch;
mod newcomers;
mod refresh;
mod tenant;

pub use admission::{Admission, LocalConnection, Refusal, Stats};
pub(crate) use changes::{Changes, Whose};
pub use newcomers::Waiting;
pub use refresh::{Authority, Bearer, CheckFuture};
pub(crate) use tenant::Tenant;

use crate::HubConfig;
use crate::bus::{Exchange, News};
use crate::connection::{Announcement, Close, Connection, Follower, Mail, Member, Place, Wish};
use crate::feed::Budget;
use crate::log::Log;
use crate::loops::Loops;
use crate::sync::lock;
use departed::Departed;
use epoch::Epoch;
use model::webhook::EventPattern;
use model::{
    Clock, ConnectionId, Event, EventName, Memberships, Role, ServerId, SessionId, TenantId, Timestamp,
    UserId,
};
use newcomers::Newcomers;
use refresh::Refreshes;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Between two connections that are told to come back elsewhere, at most.
const DRAIN_PAUSE: Duration = Duration::from_millis(2);

/// A handle on the hub; clones are the same hub.
#[derive(Clone)]
pub struct Hub(pub(crate) Arc<Shared>);

/// What all handles share.
pub(crate) struct Shared {
    pub config: HubConfig,
    pub clock: Clock,
    pub server: ServerId,
    pub log: Log,
    pub changes: Changes,
    pub loops: Loops,
    pub exchange: Exchange,
    pub refreshes: Refreshes,
    pub newcomers: Newcomers,
    epoch: Epoch,
    started: Instant,
    budget: Arc<Budget>,
    /// Tenants with listeners, or with some until a minute ago.
    tenants: RwLock<HashMap<TenantId, Arc<Tenant>>>,
    /// Connections of all tenants.
    total: watch::Sender<usize>,
    is_draining: watch::Sender<bool>,
    /// Tenants that miss an event; as many as there are in `tenants` at most.
    with_holes: Mutex<HashSet<TenantId>>,
    holes: Notify,
    departed: Mutex<Departed>,
}

impl Hub {
    /// A hub without listeners for the tenants of `store`. `run` keeps it going.
    #[must_use]
    pub fn new(config: HubConfig, store: store::Store, clock: Clock, server: ServerId) -> Self {
        Self(Arc::new(Shared {
            budget: Budget::new(&config),
            epoch: Epoch::new(&config.epoch),
            config,
            log: Log::new(store, clock.clone()),
            clock,
            server,
            changes: Changes::default(),
            loops: Loops::default(),
            exchange: Exchange::default(),
            refreshes: Refreshes::default(),
            newcomers: Newcomers::default(),
            started: Instant::now(),
            tenants: RwLock::default(),
            total: watch::Sender::new(0),
            is_draining: watch::Sender::new(false),
            with_holes: Mutex::default(),
            holes: Notify::new(),
            departed: Mutex::default(),
        }))
    }

    /// Fetches events that somebody else wrote, pings, closes what has expired, and forgets tenants without listeners,
    /// until `cancel`.
    pub async fn run(&self, cancel: CancellationToken) {
        cancel.run_until_cancelled(background::run(&self.0)).await;
    }

    /// This server.
    #[must_use]
    pub fn server(&self) -> &ServerId {
        &self.0.server
    }

    /// Takes events that have just been committed, in any order. Never waits. A caller that fails to call it loses
    /// nothing but a second.
    pub fn committed(&self, events: &[Arc<Event>]) {
        self.0.exchange.tell(events.iter().cloned().map(News::Event));
        self.heard(events);
    }

    /// Sends events that stand in no log to all who listen to this server now, best effort: others find out by themselves.
    /// Their number means nothing.
    pub fn announce_here(&self, events: &[Arc<Event>]) {
        for of_one_tenant in events.chunk_by(|a, b| a.tenant == b.tenant) {
            let Some(first) = of_one_tenant.first() else { continue };
            let all: Arc<[Announcement]> = of_one_tenant.iter().cloned().map(Announcement::new).collect();
            self.0.for_each(&first.tenant, |member| {
                if !member.is_mute {
                    member.post(Mail::Announcements(Arc::clone(&all)));
                }
            });
        }
    }

    /// The same for those of a tenant's connections alone, where they are here.
    pub fn announce_to<'a>(
        &self,
        tenant: &TenantId,
        connections: impl IntoIterator<Item = &'a ConnectionId>,
        events: &[Arc<Event>],
    ) {
        let Some(tenant) = self.0.tenant(tenant) else { return };
        let all: Arc<[Announcement]> = events.iter().cloned().map(Announcement::new).collect();
        for member in connections.into_iter().filter_map(|id| tenant.member(id)) {
            member.post(Mail::Announcements(Arc::clone(&all)));
        }
    }

    /// Has connections noted that begin to listen to events of that name, which stand in no log: on opening, and with each
    /// subscription that covers it. One name only.
    pub fn note_newcomers(&self, name: EventName) {
        self.0.newcomers.want(name);
    }

    /// Returns once there are such connections.
    pub async fn newcomers_came(&self) {
        self.0.newcomers.wait().await;
    }

    /// Such connections, since the last time.
    #[must_use]
    pub fn take_newcomers(&self) -> Waiting {
        self.0.newcomers.take()
    }

    /// The tenants with listeners here.
    #[must_use]
    pub fn tenants(&self) -> Vec<TenantId> {
        let all = self.0.tenants();
        all.iter().filter(|tenant| tenant.connections() > 0).map(|tenant| tenant.id.clone()).collect()
    }

    /// Lets clients go on with another token, if that authority agrees.
    pub fn trust(&self, authority: &Arc<dyn Authority>) {
        self.0.refreshes.ask(authority);
    }

    /// Takes events that were committed on another server.
    pub(crate) fn heard(&self, events: &[Arc<Event>]) {
        for of_one_tenant in events.chunk_by(|a, b| a.tenant == b.tenant) {
            let Some(tenant) = of_one_tenant.first().and_then(|event| self.0.tenant(&event.tenant)) else {
                continue;
            };
            if tenant.feed.offer(of_one_tenant.iter().cloned()) {
                self.0.note_hole(&tenant.id);
            }
        }
    }

    /// Gives a place to a connection, or refuses it. To be called before the upgrade; dropping the connection frees the
    /// place.
    pub fn admit(&self, who: Admission) -> Result<Connection, Refusal> {
        let member = Member::new(&who, self.0.clock.now(), self.0.now_ms());
        self.seat(member, who).map(Connection::new)
    }

    /// Gives a place to a reader within this process, for events whose names `events` cover; no entries cover all. It
    /// counts as a connection, and ends when one would be closed. Returns once it is known where the reader begins: what is
    /// committed from then on, it gets.
    pub async fn follow(&self, who: Admission, events: Vec<EventPattern>) -> Result<Follower, Refusal> {
        let member = Member::new(&who, self.0.clock.now(), self.0.now_ms()).mute();
        Ok(Follower::begin(self.seat(member, who)?, events).await)
    }

    fn seat(&self, member: Member, who: Admission) -> Result<Place, Refusal> {
        let member = Arc::new(member);
        let tenant = self.0.join(&member)?;
        self.0.changes.note(&(member.tenant.clone(), member.user.clone()));
        Ok(Place::new(self.clone(), tenant, member, Wish { since: who.since, epoch: who.epoch }))
    }

    /// Closes the connections of a sign-in that has ended, with 4401.
    pub fn end_session(&self, tenant: &TenantId, session: &SessionId) {
        self.0.for_each(tenant, |member| {
            if member.is_of(session) {
                member.close(Close::SESSION_OVER);
            }
        });
    }

    /// A user's role or queues are others now, so that its connections see other things; or, with `None`, the user is gone,
    /// and its connections close with 4403.
    pub fn user_changed(&self, tenant: &TenantId, user: &UserId, now: Option<&(Role, Memberships)>) {
        self.0.for_each(tenant, |member| {
            if member.user.as_ref() == Some(user) {
                match now {
                    Some((role, queues)) => member.see_as(*role, queues.clone()),
                    None => member.close(Close::PUT_OUT),
                }
            }
        });
    }

    /// Takes no more connections.
    pub fn refuse(&self) {
        // With the lock, so that nobody is just coming in.
        let _tenants = self.0.tenants.write().unwrap_or_else(PoisonError::into_inner);
        self.0.is_draining.send_replace(true);
    }

    /// Takes no more connections and closes every one with 1012, spread over `over` or, of fewer, 2 ms each: ten thousand
    /// clients do not come back at once.
    pub async fn drain(&self, over: Duration) {
        self.refuse();
        self.0.close_all(Close::RESTARTING, over).await;
    }

    /// Returns once no connection is left.
    pub async fn drained(&self) {
        // Fails only without a sender, which `self` holds.
        let _ = self.0.total.subscribe().wait_for(|total| *total == 0).await;
    }

    /// This server's connections, counted.
    #[must_use]
    pub fn stats(&self, tenant: &TenantId) -> Stats {
        let tenant = self.0.tenant(tenant);
        Stats {
            total: self.total_connections(),
            tenant: tenant.as_ref().map_or(0, |tenant| tenant.connections()),
            online_users: tenant.map_or(0, |tenant| tenant.users_count()),
        }
    }

    /// This server's connections whose clients take nothing now of what is written to them.
    #[must_use]
    pub fn stuck_connections(&self) -> usize {
        let mut count = 0;
        for tenant in self.0.tenants() {
            tenant.for_each(|member| count += usize::from(member.stuck_since_ms().is_some()));
        }
        count
    }

    /// How many connections the user has to this server.
    #[must_use]
    pub fn local_connections(&self, tenant: &TenantId, user: &UserId) -> usize {
        self.0.tenant(tenant).map_or(0, |tenant| tenant.connections_of(user))
    }

    /// When a frame of the user last came to this server, as far as it remembers.
    #[must_use]
    pub fn last_seen(&self, tenant: &TenantId, user: &UserId) -> Option<Timestamp> {
        let mut heard = None;
        self.0.for_each(tenant, |member| {
            if member.user.as_ref() == Some(user) {
                heard = heard.max(Some(member.heard_ms()));
            }
        });
        let here = heard.map(|ms| self.0.moment(ms));
        here.or_else(|| lock(&self.0.departed).seen(tenant, user))
    }

    /// The tenant's users with a connection to this server.
    #[must_use]
    pub fn online_users(&self, tenant: &TenantId) -> Vec<UserId> {
        self.0.tenant(tenant).map_or_else(Vec::new, |tenant| tenant.users())
    }

    /// This server's connections, of all tenants.
    #[must_use]
    pub fn total_connections(&self) -> usize {
        *self.0.total.borrow()
    }

    /// The tenant's connections to this server.
    #[must_use]
    pub fn connections(&self, tenant: &TenantId) -> Vec<LocalConnection> {
        let members = self.0.tenant(tenant).map_or_else(Vec::new, |tenant| tenant.members());
        members.iter().map(|member| LocalConnection::of(member)).collect()
    }

    /// Closes one connection with 4403; false if it is not here.
    pub fn close_connection(&self, tenant: &TenantId, id: &ConnectionId) -> bool {
        let member = self.0.tenant(tenant).and_then(|tenant| tenant.member(id));
        member.inspect(|member| member.close(Close::PUT_OUT)).is_some()
    }
}

impl Shared {
    /// Milliseconds since the hub was made, by the machine's steady clock, moved by tests.
    pub(crate) fn now_ms(&self) -> u64 {
        let passed = self.started.elapsed() + self.clock.advanced();
        u64::try_from(passed.as_millis()).unwrap_or(u64::MAX)
    }

    /// The present moment as all servers know it, whatever a test does to this one's clock.
    pub(crate) fn steady_now(&self) -> Timestamp {
        self.clock.now().minus(self.clock.advanced())
    }

    /// The moment of that number of the hub's milliseconds.
    fn moment(&self, ms: u64) -> Timestamp {
        self.clock.now().minus(Duration::from_millis(self.now_ms().saturating_sub(ms)))
    }

    pub(crate) fn tenant(&self, id: &TenantId) -> Option<Arc<Tenant>> {
        self.tenants.read().unwrap_or_else(PoisonError::into_inner).get(id).cloned()
    }

    pub(crate) fn tenants(&self) -> Vec<Arc<Tenant>> {
        self.tenants.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    fn for_each(&self, tenant: &TenantId, act: impl FnMut(&Arc<Member>)) {
        if let Some(tenant) = self.tenant(tenant) {
            tenant.for_each(act);
        }
    }

    /// Closes every connection, spread over `over` or, of fewer, 2 ms each.
    async fn close_all(&self, close: Close, over: Duration) {
        let members: Vec<Arc<Member>> = self.tenants().iter().flat_map(|tenant| tenant.members()).collect();
        let count = u32::try_from(members.len()).unwrap_or(u32::MAX).max(1);
        let pause = (over / count).min(DRAIN_PAUSE);
        let begun = Instant::now();
        for (member, at) in members.iter().zip(0..) {
            // By the clock and not by the pauses, which are too short to be kept one by one.
            if begun.elapsed() < pause * at {
                tokio::time::sleep_until(begun + pause * at).await;
            }
            member.close(close);
        }
    }

    fn join(&self, member: &Arc<Member>) -> Result<Arc<Tenant>, Refusal> {
        let mut tenants = self.tenants.write().unwrap_or_else(PoisonError::into_inner);
        if *self.is_draining.borrow() || *self.total.borrow() >= self.config.max_connections {
            return Err(Refusal::ServerFull);
        }
        let new = || Arc::new(Tenant::new(member.tenant.clone(), Arc::clone(&self.budget)));
        let tenant = tenants.entry(member.tenant.clone()).or_insert_with(|| {
            self.exchange.newcomer.notify_one();
            new()
        });
        if !tenant.join(member, self.config.max_connections_per_user) {
            return Err(Refusal::UserFull);
        }
        self.total.send_modify(|total| *total += 1);
        Ok(Arc::clone(tenant))
    }

    pub(crate) fn leave(&self, tenant: &Tenant, member: &Member) {
        if tenant.leave(member, self.now_ms())
            && let Some(user) = &member.user
        {
            let (at, because) = (self.moment(member.heard_ms()), member.left_because());
            lock(&self.departed).note(&member.tenant, user, at, because);
        }
        self.total.send_modify(|total| *total = total.saturating_sub(1));
        self.changes.note(&(member.tenant.clone(), member.user.clone()));
    }

    /// Why the user's last connection ended: `closed`, `timeout` or `revoked`.
    pub(crate) fn left_because(&self, tenant: &TenantId, user: &UserId) -> &'static str {
        lock(&self.departed).because(tenant, user).unwrap_or("closed")
    }

    /// Forgets tenants that have had no listener for `idle`.
    fn forget_idle_tenants(&self, idle: Duration) {
        let now = self.now_ms();
        let idle_ms = u64::try_from(idle.as_millis()).unwrap_or(u64::MAX);
        let is_idle =
            |tenant: &Tenant| tenant.idle_since().is_some_and(|since| now.saturating_sub(since) >= idle_ms);
        let mut tenants = self.tenants.write().unwrap_or_else(PoisonError::into_inner);
        tenants.retain(|_, tenant| !is_idle(tenant));
    }

    /// Has the repair look at a tenant.
    pub(crate) fn note_hole(&self, tenant: &TenantId) {
        lock(&self.with_holes).insert(tenant.clone());
        self.holes.notify_one();
    }

    fn take_holes(&self) -> Vec<Arc<Tenant>> {
        let ids = std::mem::take(&mut *lock(&self.with_holes));
        ids.iter().filter_map(|id| self.tenant(id)).collect()
    }
}
