//! Says `queue.stats` to this server's listeners. The numbers are kept in memory for tenants with listeners here, and computed
//! anew for those queues alone that the log speaks of, all of a tenant's at once: what a second costs does not grow with the
//! events in it. Each server reads the log for itself, so that it does not matter which one wrote what.

mod dirty;
mod known;

use super::stats::{Frame, Question, Stats};
use super::{QUEUES_AT_MOST, Queues, rows, stats};
use crate::{Error, Result, events};
use async_recursion::async_recursion as boxed;
use dirty::Dirty;
use known::Known;
use model::queues::Queue;
use model::{Event, QueueId, TenantId, TenantSettings, Timestamp, catalogue};
use realtime::Waiting;
use std::collections::{BTreeSet, HashMap, HashSet};
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
/// Tenants whose numbers one snapshot reads: a tenth of a second's worth where all of them have moved.
const TOGETHER: usize = 128;

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
    #[boxed]
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
        let newcomers = std::mem::take(&mut state.newcomers);
        let refreshed = self.refresh(newcomers.keys().cloned().collect(), state).await;
        for (tenant, connections) in newcomers {
            match state.tenants.get(&tenant).filter(|_| refreshed.contains(&tenant)) {
                Some(known) => {
                    let now = self.broadcaster.clock.now();
                    let all: Vec<Arc<Event>> = known.all().map(|one| event(&tenant, one, now)).collect();
                    if !all.is_empty() {
                        self.broadcaster.hub.announce_to(&tenant, &connections, &all);
                    }
                }
                None => drop(state.newcomers.insert(tenant, connections)),
            }
        }
    }

    /// Tells everybody what has changed.
    async fn follow(&self, state: &mut State) {
        let listened: HashSet<TenantId> = self.broadcaster.hub.tenants().into_iter().collect();
        state.tenants.retain(|tenant, _| listened.contains(tenant));
        state.newcomers.retain(|tenant, _| listened.contains(tenant));
        let now = self.broadcaster.clock.now();
        let moved = self.moved(state).await;
        self.refresh(moved, state).await;
        for (tenant, known) in &mut state.tenants {
            let due: Vec<Arc<Event>> =
                known.take_due(now).iter().map(|one| event(tenant, one, now)).collect();
            self.broadcaster.hub.announce_here(&due);
        }
    }

    /// The tenants whose numbers may be others now. Of whom that cannot be told now is told later.
    async fn moved(&self, state: &State) -> BTreeSet<TenantId> {
        let tenants: Vec<TenantId> = state.tenants.keys().cloned().collect();
        let mut moved = BTreeSet::new();
        for some in tenants.chunks(TOGETHER) {
            match self.moved_of(some, state).await {
                Ok(more) => moved.extend(more),
                Err(error) => tracing::debug!(%error, "Queues' numbers are told later"),
            }
        }
        moved
    }

    async fn moved_of(&self, tenants: &[TenantId], state: &State) -> Result<Vec<TenantId>> {
        let mut reader = self.broadcaster.store.read().await?;
        let heads = journal::heads(reader.conn(), tenants).await?;
        // Each time anew: another time zone is another day, another variant another level, and no event tells of them.
        let settings = settings::of_tenants(reader.conn(), &tenants.iter().cloned().collect()).await?;
        let now = self.broadcaster.clock.now();
        let has_moved = |(tenant, head): (TenantId, i64)| {
            // Of settings that cannot be read the refreshing tells.
            let Ok(settings) = settings.get(&tenant)? else { return Some(tenant) };
            let known = state.tenants.get(&tenant)?;
            (known.seq != head || known.frame != Some(Frame::of(settings, now))).then_some(tenant)
        };
        Ok(heads.into_iter().filter_map(has_moved).collect())
    }

    /// Brings tenants' numbers up to what the log says, a number of tenants at a time in one snapshot. Gives those of whom that
    /// worked.
    async fn refresh(&self, tenants: BTreeSet<TenantId>, state: &mut State) -> HashSet<TenantId> {
        let mut refreshed = HashSet::new();
        let tenants: Vec<TenantId> = tenants.into_iter().collect();
        for some in tenants.chunks(TOGETHER) {
            if let Err(error) = self.refresh_some(some, state, &mut refreshed).await {
                tracing::debug!(%error, "Queues' numbers are told later");
            }
        }
        refreshed
    }

    async fn refresh_some(
        &self,
        tenants: &[TenantId],
        state: &mut State,
        refreshed: &mut HashSet<TenantId>,
    ) -> Result<()> {
        let mut snapshot = self.broadcaster.store.begin_snapshot().await?;
        let heads = journal::heads(snapshot.conn(), tenants).await?;
        let mut settings = settings::of_tenants(snapshot.conn(), &tenants.iter().cloned().collect()).await?;
        let now = self.broadcaster.clock.now();
        let of_frame = |tenant: &TenantId| Some((tenant.clone(), state.tenants.get(tenant)?.frame?));
        let frames: Vec<_> = tenants.iter().filter_map(of_frame).collect();
        let gone = dirty::gone(snapshot.conn(), &frames, now.minute()).await?;
        let (mut questions, mut notes) = (Vec::new(), Vec::new());
        for (tenant, head) in heads {
            let read = settings.remove(&tenant).unwrap_or_else(|| Ok(TenantSettings::default()));
            let Some(settings) = or_later(tenant.as_str(), read.map_err(Error::from))? else { continue };
            let known = state.tenants.entry(tenant.clone()).or_default();
            let frame = Frame::of(&settings, now);
            if let Some((dirty, queues)) = or_later(
                tenant.as_str(),
                wanted(snapshot.conn(), &tenant, known, (head, frame), gone.get(&tenant)).await,
            )? {
                questions.push(Question { tenant, frame, queues });
                notes.push((head, dirty));
            }
        }
        let answers = answers(snapshot.conn(), &questions).await?;
        for ((question, (head, dirty)), answer) in questions.into_iter().zip(notes).zip(answers) {
            let (Some(all), Some(known)) = (answer, state.tenants.get_mut(&question.tenant)) else {
                continue;
            };
            known.take_in(&dirty, all, question.frame, now);
            known.seq = head;
            refreshed.insert(question.tenant);
        }
        Ok(())
    }
}

/// Which queues of a tenant are to be computed anew `now`, at that end of the log and in that frame, with what they are set to.
async fn wanted(
    mut conn: Conn<'_>,
    tenant: &TenantId,
    known: &Known,
    now: (i64, Frame),
    gone: Option<&HashSet<QueueId>>,
) -> Result<(Dirty, Vec<Queue>)> {
    let (head, frame) = now;
    let dirty = dirty::since(conn.again(), tenant, known, head, frame, gone).await?;
    let queues = if dirty.is_empty() { Vec::new() } else { load(conn, tenant, known, &dirty).await? };
    Ok((dirty, queues))
}

/// All answers at once; one by one where some row cannot be read, so that only its tenant has none.
async fn answers(mut conn: Conn<'_>, questions: &[Question]) -> Result<Vec<Option<Vec<Stats>>>> {
    if let Some(all) = or_later("several", stats::compute_all(conn.again(), questions).await)? {
        return Ok(all.into_iter().map(Some).collect());
    }
    let mut answers = Vec::with_capacity(questions.len());
    for question in questions {
        let answer = stats::compute_all(conn.again(), std::slice::from_ref(question)).await;
        answers.push(or_later(question.tenant.as_str(), answer)?.and_then(|mut one| one.pop()));
    }
    Ok(answers)
}

/// Nothing where a tenant's rows cannot be read. An error where nobody gets an answer now.
fn or_later<T>(tenant_id: &str, result: Result<T>) -> Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(Error::Store(error)) if error.is_unavailable() => Err(error.into()),
        Err(error) => {
            tracing::debug!(%error, tenant_id, "Queues' numbers are told later");
            Ok(None)
        }
    }
}

async fn load(conn: Conn<'_>, tenant: &TenantId, known: &Known, dirty: &Dirty) -> Result<Vec<Queue>> {
    let (queues, edited) = match dirty {
        Dirty::All => {
            let all = rows::page(conn, tenant, "", QUEUES_AT_MOST).await?;
            return Ok(all.into_iter().map(|stored| stored.queue).collect());
        }
        Dirty::These { queues, edited } => (queues, *edited),
    };
    if let Some(queues) = known.queues(queues).filter(|_| !edited) {
        return Ok(queues);
    }
    let ids: Vec<_> = queues.iter().cloned().collect();
    Ok(rows::of_ids(conn, tenant, &ids).await?)
}

fn event(tenant: &TenantId, one: &Stats, now: Timestamp) -> Arc<Event> {
    Arc::new(events::of_the_moment(tenant, events::queues::stats(tenant, one, now), now))
}
