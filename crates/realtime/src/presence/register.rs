//! Writes this server's connections into the database and out of it, and finds out who comes online and who goes, over all
//! servers: whoever changes a user's rows holds the user's lock, so that each edge is seen by one. Knows nothing of Redis.

mod ending;

use super::listed::Listed;
use super::step::{self, Here, Step};
use super::teller::Teller;
use super::writer::Writer;
use crate::Hub;
use crate::bus::News;
use crate::connection::Member;
use crate::hub::Whose;
use model::{TenantId, UserId};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;
use store::presence_edges::{self, Edge};
use store::user_connections::{self as rows, Owner, Row};
use store::{Conn, Store, agents};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};

/// How long changes are gathered before they are written together.
const GATHER: Duration = Duration::from_millis(50);
/// Owners of one transaction.
const AT_A_TIME: usize = 200;
/// How often it is looked at what else is to be done.
const TICK: Duration = Duration::from_secs(1);
/// How long a user without connections still counts: a page reload shows nothing.
const GRACE: Duration = Duration::from_secs(5);
/// Every so many ticks other servers' rows are looked at, and this one's counted.
const LOOK_AROUND: u64 = 5;
const COUNT: u64 = 60;
/// A process that stood still for so long may have been taken for dead.
const STOOD_STILL: Duration = Duration::from_secs(8);
/// Waiting after the database failed.
const AGAIN: Duration = Duration::from_millis(500);
/// How long a stopping server tries to write that its users are gone. The others find out by themselves, when its lease is
/// over.
pub(super) const GOODBYE: Duration = Duration::from_secs(1);
/// Tries of a transaction that another server's was in the way of.
const TRIES: usize = 4;

/// This server's part in the tables of connections.
pub(super) struct Register<'a> {
    hub: &'a Hub,
    store: &'a Store,
    teller: Teller<'a>,
    /// Somebody has found an edge, and it is to be told.
    has_news: bool,
    /// Who has a row of this server's.
    written: HashSet<Whose>,
    listed: Listed,
    /// Whose rows may be wrong: of this server's connections and `written` at most.
    due: HashSet<Whose>,
    /// The database has failed: what is written there is not known.
    in_doubt: bool,
    closes_at: Option<Instant>,
    is_leaving: bool,
}

impl<'a> Register<'a> {
    pub(super) fn new(hub: &'a Hub, store: &'a Store, edges: &'a mpsc::Sender<Edge>) -> Self {
        Self {
            hub,
            store,
            teller: Teller::new(store, edges, hub.0.steady_now()),
            has_news: false,
            written: HashSet::new(),
            listed: Listed::new(store),
            due: HashSet::new(),
            in_doubt: false,
            closes_at: None,
            is_leaving: false,
        }
    }

    async fn settle_after(&mut self, done: store::Result<()>) -> store::Result<()> {
        done?;
        if std::mem::take(&mut self.in_doubt) {
            self.all_due();
        }
        self.settle().await
    }

    async fn tick(&mut self, ticks: u64) -> store::Result<()> {
        let is_time_to_look = ticks % LOOK_AROUND == 1;
        if is_time_to_look {
            self.bury_the_dead().await?;
        }
        if ticks.is_multiple_of(COUNT) {
            let mut reader = self.store.read().await?;
            let count = rows::count(reader.conn(), &self.hub.0.server).await?;
            if usize::try_from(count).unwrap_or(0) != self.written.len() {
                self.all_due();
            }
        }
        if is_time_to_look || self.closes_at.is_some() { self.close_gone().await } else { Ok(()) }
    }

    fn note_changes(&mut self) {
        let changed = self.hub.0.changes.for_register.take();
        let due = changed.whose.into_iter().filter(|whose| self.is_told_of(whose));
        self.due.extend(due.collect::<Vec<_>>());
        if changed.and_more {
            self.all_due();
        }
    }

    /// Whether others are told of a change. With SQLite, where nobody else counts connections, only who comes and who goes is
    /// written: otherwise every further connection of a user would cost a share of a flushed transaction.
    fn is_told_of(&self, whose: &Whose) -> bool {
        let (tenant, Some(user)) = whose else { return true };
        self.store.is_mysql()
            || self.written.contains(whose) != (self.hub.local_connections(tenant, user) > 0)
    }

    fn all_due(&mut self) {
        self.listed.doubt();
        self.due.extend(self.written.iter().cloned());
        for tenant in self.hub.0.tenants().iter().filter(|tenant| tenant.connections() > 0) {
            self.due.extend(tenant.users().into_iter().map(|user| (tenant.id.clone(), Some(user))));
            self.due.insert((tenant.id.clone(), None));
        }
    }

    async fn settle_some(&mut self, tenant: &TenantId, owners: &[Owner]) -> store::Result<()> {
        let here = self.here(tenant, owners);
        let is_news = |owner: &&Owner| {
            here.contains_key(*owner) || self.written.contains(&(tenant.clone(), (*owner).clone()))
        };
        let owners: Vec<Owner> = owners.iter().filter(is_news).cloned().collect();
        if owners.is_empty() {
            return Ok(());
        }
        let has_found = retrying(|| self.write(tenant, &owners, &here)).await?;
        for owner in owners {
            let whose = (tenant.clone(), owner);
            let members = here.get(&whose.1);
            self.listed.note(&whose, members);
            if members.is_some() {
                self.written.insert(whose);
            } else {
                self.written.remove(&whose);
                self.closes_at = Some(Instant::now() + GRACE);
            }
        }
        self.note_found(tenant, has_found);
        Ok(())
    }

    /// After this server has, or has not, found edges of a tenant.
    fn note_found(&mut self, tenant: &TenantId, has_found: bool) {
        if has_found {
            self.has_news = true;
            self.hub.0.exchange.tell([News::Edges(tenant.clone())]);
        }
    }

    /// Tells this server's listeners of edges, whoever found them; without Redis only a look shows those of others.
    async fn tell(&mut self, is_time_to_look: bool) {
        if !is_time_to_look && !self.has_news {
            return;
        }
        let told = self.teller.tell(self.hub.0.steady_now()).await;
        self.has_news = told.is_err();
        if let Err(error) = told {
            tracing::debug!(%error, "Who came and went cannot be read; it is tried again");
        }
    }

    /// This server's connections of those owners; none are left out.
    fn here(&self, tenant: &TenantId, owners: &[Owner]) -> HashMap<Owner, Vec<Arc<Member>>> {
        let mut here: HashMap<Owner, Vec<Arc<Member>>> = HashMap::new();
        let wanted: HashSet<&Owner> = owners.iter().collect();
        if let Some(tenant) = self.hub.0.tenant(tenant).filter(|_| !self.is_leaving) {
            tenant.for_each(|member| {
                if wanted.contains(&member.user) {
                    here.entry(member.user.clone()).or_default().push(Arc::clone(member));
                }
            });
        }
        here
    }

    async fn write(
        &self,
        tenant: &TenantId,
        owners: &[Owner],
        here: &HashMap<Owner, Vec<Arc<Member>>>,
    ) -> store::Result<bool> {
        let (now, server) = (self.hub.0.clock.now(), &self.hub.0.server);
        let settle = |owner: &Owner, rows: &[Row]| {
            let connections = here.get(owner).map_or(0, Vec::len);
            let because = owner.as_ref().map_or("closed", |user| self.hub.0.left_because(tenant, user));
            step::settle(owner, &Here { server, connections, because }, rows, now)
        };
        let mut tx = self.store.begin().await?;
        let edges = self.take_steps(tx.conn(), tenant, owners, settle).await?;
        self.listed.write(tx.conn(), server, tenant, owners, here).await?;
        self.note_edges(tx.conn(), tenant, &edges).await?;
        tx.commit().await?;
        Ok(!edges.is_empty())
    }

    /// Writes edges for every server to tell, and has the agents among those users looked at.
    async fn note_edges(&self, mut conn: Conn<'_>, tenant: &TenantId, edges: &[Edge]) -> store::Result<()> {
        presence_edges::insert(conn.again(), edges, self.hub.0.steady_now()).await?;
        let users: Vec<&UserId> = edges.iter().map(|edge| &edge.user).collect();
        agents::look_at(conn, tenant, &users).await
    }

    /// Reads what stands there of some owners, with their locks, and writes what it is to be. Gives the edges that it means.
    async fn take_steps(
        &self,
        mut conn: Conn<'_>,
        tenant: &TenantId,
        owners: &[Owner],
        step: impl Fn(&Owner, &[Row]) -> Step,
    ) -> store::Result<Vec<Edge>> {
        rows::lock(conn.again(), tenant, owners).await?;
        let mut known: HashMap<Owner, Vec<Row>> = HashMap::new();
        for row in rows::of(conn.again(), tenant, owners).await? {
            known.entry(row.owner.clone()).or_default().push(row);
        }
        let steps: Vec<Step> =
            owners.iter().map(|owner| step(owner, known.get(owner).map_or(&[], Vec::as_slice))).collect();
        let put: Vec<Row> = steps.iter().filter_map(|step| step.put.clone()).collect();
        rows::put(conn.again(), tenant, &put).await?;
        let remove: Vec<&Row> = steps.iter().flat_map(|step| &step.remove).collect();
        rows::remove(conn, tenant, &remove).await?;
        let now = self.hub.0.clock.now();
        Ok(steps.iter().zip(owners).filter_map(|(step, owner)| step.edge(tenant, owner, now)).collect())
    }
}

impl Writer for Register<'_> {
    type Error = store::Error;

    async fn keep(&mut self) {
        let shared = &self.hub.0;
        let (mut ticks, mut ticked) = (0_u64, Instant::now());
        let mut next_tick = shared.clock.now();
        loop {
            let is_tick = tokio::select! {
                () = shared.changes.for_register.wait() => false,
                () = shared.exchange.edges.notified() => {
                    self.has_news = true;
                    false
                }
                () = shared.clock.sleep_until(next_tick) => true,
            };
            let done = if is_tick {
                if ticked.elapsed() > STOOD_STILL {
                    self.all_due();
                }
                (ticked, next_tick) = (Instant::now(), shared.clock.now().plus(TICK));
                ticks += 1;
                self.tick(ticks).await
            } else {
                sleep(GATHER).await;
                Ok(())
            };
            self.note_changes();
            if let Err(error) = self.settle_after(done).await {
                tracing::debug!(%error, "Presence cannot be written; it is tried again");
                self.in_doubt = true;
                sleep(AGAIN).await;
            }
            self.tell(is_tick).await;
        }
    }

    fn leave(&mut self) {
        self.is_leaving = true;
        self.all_due();
    }

    async fn settle(&mut self) -> store::Result<()> {
        while let Some((tenant, _)) = self.due.iter().next().cloned() {
            let of_tenant = self.due.iter().filter(|(id, _)| *id == tenant);
            let owners: Vec<Owner> = of_tenant.map(|(_, owner)| owner.clone()).take(AT_A_TIME).collect();
            self.settle_some(&tenant, &owners).await?;
            for owner in owners {
                self.due.remove(&(tenant.clone(), owner));
            }
        }
        Ok(())
    }
}

/// Repeats a transaction that another one was in the way of.
async fn retrying<T, F>(attempt: impl Fn() -> F) -> store::Result<T>
where
    F: Future<Output = store::Result<T>>,
{
    for _ in 1..TRIES {
        match attempt().await {
            Err(error) if error.is_contention() => {}
            outcome => return outcome,
        }
    }
    attempt().await
}
