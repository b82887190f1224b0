//! Publishing custom events. Calls of a tenant that come in while its last transaction is being flushed are written
//! together in the next one, so that a flush is paid by many.

use crate::broadcaster::{Broadcaster, Work};
use crate::error::retrying;
use crate::{Error, Result, queues};
use model::{EventId, NewEvent, TenantId};
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use store::idempotency::{self, Key};
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};

mod draft;
#[cfg(test)]
mod tests;

pub use draft::EventDraft;

/// A repeat gets the first answer for this long.
pub(crate) const ANSWERS_KEPT: Duration = Duration::from_secs(24 * 3600);
/// One transaction writes at most so many events, bytes of payload and deliveries. A single call may be as large by itself;
/// of deliveries it may cause five times as many, because it is written whole.
const EVENTS_TOGETHER: usize = 500;
const BYTES_TOGETHER: usize = 4 << 20;
const DELIVERIES_TOGETHER: usize = 10_000;
/// Payload of one tenant that may wait: sixteen transactions, far less than a second's worth on a disk that works.
const BYTES_WAITING: usize = 64 << 20;

/// Times that a writer lets others run before it writes, at most.
const GATHERING: usize = 8;

/// A call that has waited so long for its turn is refused. Eight seconds outlast a database that is away for one of its own
/// time limits (5 s), and end before the usual limit of a client (10 s), which would not know what became of its events.
const PATIENCE: Duration = Duration::from_secs(8);

/// An event as it was accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// Its id.
    pub id: EventId,
    /// Its number in the tenant's log.
    pub seq: i64,
}

/// One call, waiting to be written.
struct Call {
    /// Tells it from all others.
    number: u64,
    /// Until when it waits for its turn.
    until: Instant,
    events: Vec<NewEvent>,
    bytes: usize,
    /// As far as is known before the transaction.
    deliveries: usize,
    key: Option<Key>,
    answer: oneshot::Sender<Result<Vec<Accepted>>>,
}

/// A tenant's calls. It stands in the map as long as somebody writes for the tenant.
#[derive(Default)]
struct Queue {
    calls: VecDeque<Call>,
    bytes: usize,
}

impl Queue {
    fn remove(&mut self, number: u64) -> bool {
        let Some(at) = self.calls.iter().position(|call| call.number == number) else { return false };
        self.bytes -= self.calls.remove(at).map_or(0, |call| call.bytes);
        true
    }
}

/// Publishes custom events.
#[derive(Clone)]
pub struct Publishing {
    broadcaster: Arc<Broadcaster>,
    queues: Arc<Mutex<HashMap<TenantId, Queue>>>,
    numbers: Arc<AtomicU64>,
    patience: Duration,
}

impl Publishing {
    pub(crate) fn new(broadcaster: Arc<Broadcaster>) -> Self {
        Self { broadcaster, queues: Arc::default(), numbers: Arc::default(), patience: PATIENCE }
    }

    /// Writes the events, all or none, and answers once they are flushed. With a key, a repeat gets the first answer. A call
    /// whose turn does not come in time is refused, and then never written; one that is being written is waited for.
    pub async fn publish(
        &self,
        tenant: &TenantId,
        drafts: Vec<EventDraft>,
        key: Option<Key>,
    ) -> Result<Vec<Accepted>> {
        let named = draft::queues(&drafts);
        let known = queues::existing(&self.broadcaster.store, tenant, named).await?;
        let events = draft::check_all(tenant, drafts, &known)?;
        let bytes = events.iter().map(|event| event.payload.get().len()).sum();
        let (answer, mut answered) = oneshot::channel();
        let until = Instant::now() + self.patience;
        let number = self.numbers.fetch_add(1, Ordering::Relaxed);
        let deliveries = self.broadcaster.expected_deliveries(tenant, &events);
        self.enqueue(tenant, Call { number, until, events, bytes, deliveries, key, answer })?;
        let in_time = timeout_at(until, &mut answered).await;
        let answer = match in_time {
            Ok(answer) => answer,
            Err(_) if self.withdraw(tenant, number) => return Err(Error::Busy),
            // It is being written: only the outcome tells the truth, and the database's own time limits bound the wait.
            Err(_) => answered.await,
        };
        answer.unwrap_or_else(|_| Err(Error::Internal("a publishing call was dropped".into())))
    }

    /// Takes a call out of its queue; whether it was still in it.
    fn withdraw(&self, tenant: &TenantId, number: u64) -> bool {
        self.queues().get_mut(tenant).is_some_and(|queue| queue.remove(number))
    }

    fn enqueue(&self, tenant: &TenantId, call: Call) -> Result<()> {
        let mut queues = self.queues();
        let is_new = !queues.contains_key(tenant);
        let queue = queues.entry(tenant.clone()).or_default();
        if queue.bytes + call.bytes > BYTES_WAITING && !queue.calls.is_empty() {
            return Err(Error::Busy);
        }
        queue.bytes += call.bytes;
        queue.calls.push_back(call);
        drop(queues);
        if is_new {
            // Ends with the queue; a server that stops lets requests in progress finish first, and each waits for its answer.
            tokio::spawn(self.clone().write_all(tenant.clone()));
        }
        Ok(())
    }

    fn queues(&self) -> MutexGuard<'_, HashMap<TenantId, Queue>> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn write_all(self, tenant: TenantId) {
        let queue = OpenQueue { publishing: &self, tenant: &tenant };
        loop {
            self.gather(&tenant).await;
            let Some(calls) = self.next_calls(&tenant) else { break };
            self.write(&tenant, calls).await;
        }
        drop(queue);
    }

    /// Lets callers that are about to call do so, for as long as more of them come: a transaction costs several times what
    /// an event in it does. When nobody else is at work this takes microseconds.
    async fn gather(&self, tenant: &TenantId) {
        let mut before = 0;
        for _ in 0..GATHERING {
            let waiting = self.queues().get(tenant).map_or(0, |queue| queue.calls.len());
            if waiting == before {
                return;
            }
            before = waiting;
            tokio::task::yield_now().await;
        }
    }

    /// The calls of the next transaction; removes the queue when there is none.
    fn next_calls(&self, tenant: &TenantId) -> Option<Vec<Call>> {
        let mut queues = self.queues();
        let queue = queues.get_mut(tenant)?;
        let (mut taken, mut events, mut bytes, mut deliveries) = (Vec::new(), 0, 0, 0);
        while let Some(call) = queue.calls.front() {
            let fits = events + call.events.len() <= EVENTS_TOGETHER
                && bytes + call.bytes <= BYTES_TOGETHER
                && deliveries + call.deliveries <= DELIVERIES_TOGETHER;
            if !fits && !taken.is_empty() {
                break;
            }
            events += call.events.len();
            bytes += call.bytes;
            deliveries += call.deliveries;
            queue.bytes -= call.bytes;
            taken.extend(queue.calls.pop_front());
        }
        if taken.is_empty() {
            queues.remove(tenant);
            return None;
        }
        Some(taken)
    }

    async fn write(&self, tenant: &TenantId, calls: Vec<Call>) {
        match retrying(|| self.write_together(tenant, &calls)).await {
            Ok(answers) => answer_all(calls, answers),
            Err(Error::Store(error)) if error.is_unavailable() => {
                let unavailable = || Error::Store(store::Error::Unavailable(error.to_string()));
                calls.into_iter().for_each(|call| reply(call, Err(unavailable())));
            }
            Err(_) if calls.len() > 1 => {
                // One of them may be the reason: each gets a transaction, and an answer, of its own.
                for call in calls {
                    if call.until <= Instant::now() {
                        reply(call, Err(Error::Busy));
                        continue;
                    }
                    let alone = std::slice::from_ref(&call);
                    let answer = retrying(|| self.write_together(tenant, alone)).await;
                    reply(call, answer.and_then(|mut answers| answers.pop().unwrap_or_else(lost)));
                }
            }
            Err(error) => answer_all(calls, vec![Err(error)]),
        }
    }

    /// Writes calls in one transaction; gives each its answer.
    async fn write_together(&self, tenant: &TenantId, calls: &[Call]) -> Result<Vec<Result<Vec<Accepted>>>> {
        let mut work = self.broadcaster.begin(tenant).await?;
        let mut plans = plan(&mut work, calls).await?;
        if plans.iter().any(|plan| matches!(plan, Plan::Repeat)) {
            self.look_up(&mut work, tenant, calls, &mut plans).await?;
        }
        let stored = work.commit_events().await?;
        let mut rest = stored.iter().map(|event| Accepted { id: event.id.clone(), seq: event.seq });
        let answer = |(plan, call): (Plan, &Call)| match plan {
            Plan::Write => Ok(rest.by_ref().take(call.events.len()).collect()),
            Plan::Answered(answer) => answer,
            Plan::Repeat => lost(),
        };
        let mut answers: Vec<Result<Vec<Accepted>>> = plans.into_iter().zip(calls).map(answer).collect();
        copy_answers(calls, &mut answers);
        Ok(answers)
    }

    /// Finds the answers of calls whose keys were taken before this transaction.
    async fn look_up(
        &self,
        work: &mut Work<'_>,
        tenant: &TenantId,
        calls: &[Call],
        plans: &mut [Plan],
    ) -> Result<()> {
        let since = self.broadcaster.clock.now().minus(ANSWERS_KEPT);
        let written: HashSet<Key> = written_keys(calls, plans);
        for (call, plan) in calls.iter().zip(plans) {
            let Some(key) = call.key.as_ref().filter(|_| matches!(plan, Plan::Repeat)) else { continue };
            if written.iter().any(|other| same_call(other, key)) {
                continue;
            }
            let found = idempotency::find(work.conn(), tenant, key, since).await?;
            *plan = Plan::Answered(match found {
                Some(found) if found.body_hash == key.body_hash => {
                    Ok((found.first_seq..).zip(found.events).map(|(seq, id)| Accepted { id, seq }).collect())
                }
                Some(_) => Err(other_body()),
                None => lost(),
            });
        }
        Ok(())
    }
}

/// Removes a tenant's queue when its writer ends, however it ends: calls left in it are told, and the next one starts anew.
struct OpenQueue<'a> {
    publishing: &'a Publishing,
    tenant: &'a TenantId,
}

impl Drop for OpenQueue<'_> {
    fn drop(&mut self) {
        // `next_calls` has removed it already, and perhaps another writer has opened the next, unless this one broke down.
        if std::thread::panicking() {
            self.publishing.queues().remove(self.tenant);
        }
    }
}

/// What becomes of one call of a transaction.
enum Plan {
    /// Its events are written.
    Write,
    /// Its key is taken.
    Repeat,
    /// It has its answer.
    Answered(Result<Vec<Accepted>>),
}

/// Takes the keys, in their order so that servers never wait for each other in a circle, and emits the events of the
/// calls that are to be written, in the calls' order.
async fn plan(work: &mut Work<'_>, calls: &[Call]) -> Result<Vec<Plan>> {
    let mut by_key: Vec<usize> = (0..calls.len()).filter(|at| calls[*at].key.is_some()).collect();
    by_key.sort_by_key(|at| calls[*at].key.clone());
    let mut free = HashSet::new();
    for at in by_key {
        let call = &calls[at];
        let ids: Vec<EventId> = call.events.iter().map(|event| event.id.clone()).collect();
        if let Some(key) = &call.key
            && work.take_key(key, &ids, ANSWERS_KEPT).await?
        {
            free.insert(at);
        }
    }
    let mut plans = Vec::with_capacity(calls.len());
    for (at, call) in calls.iter().enumerate() {
        if call.key.is_some() && !free.contains(&at) {
            plans.push(Plan::Repeat);
            continue;
        }
        if let Some(key) = &call.key {
            work.first_event_of(key);
        }
        for event in &call.events {
            work.emit(event.clone());
        }
        plans.push(Plan::Write);
    }
    Ok(plans)
}

fn written_keys(calls: &[Call], plans: &[Plan]) -> HashSet<Key> {
    let written = calls.iter().zip(plans).filter(|(_, plan)| matches!(plan, Plan::Write));
    written.filter_map(|(call, _)| call.key.clone()).collect()
}

fn same_call(one: &Key, other: &Key) -> bool {
    one.credential == other.credential && one.key == other.key
}

/// Equal calls of one transaction get one answer.
fn copy_answers(calls: &[Call], answers: &mut [Result<Vec<Accepted>>]) {
    for at in 0..calls.len() {
        let Some(key) = calls[at].key.as_ref().filter(|_| answers[at].is_err()) else { continue };
        let first = (0..calls.len()).find(|other| {
            answers[*other].is_ok() && calls[*other].key.as_ref().is_some_and(|other| same_call(other, key))
        });
        let Some(first) = first else { continue };
        let same_body = calls[first].key.as_ref().is_some_and(|first| first.body_hash == key.body_hash);
        answers[at] = match &answers[first] {
            Ok(answer) if same_body => Ok(answer.clone()),
            _ => Err(other_body()),
        };
    }
}

fn answer_all(calls: Vec<Call>, answers: Vec<Result<Vec<Accepted>>>) {
    for (call, answer) in calls.into_iter().zip(answers) {
        reply(call, answer);
    }
}

fn reply(call: Call, answer: Result<Vec<Accepted>>) {
    // A caller that has gone away needs no answer.
    let _ = call.answer.send(answer);
}

fn other_body() -> Error {
    Error::field("Idempotency-Key", "was used with another body in the last 24 hours")
}

fn lost() -> Result<Vec<Accepted>> {
    Err(Error::Internal("a publishing call got no answer".into()))
}
