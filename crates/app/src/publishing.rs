//! Publishing custom events: one call or many in a transaction, each with its idempotency key.

use crate::batches::{Batches, Weight, Writer};
use crate::broadcaster::{Broadcaster, Work};
use crate::{Error, Result, queues};
use async_recursion::async_recursion as boxed;
use model::{EventId, NewEvent, TenantId};
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;
use store::idempotency::{self, Key};

mod draft;
#[cfg(test)]
mod tests;

pub use draft::EventDraft;

/// A repeat gets the first answer for this long.
pub(crate) const ANSWERS_KEPT: Duration = Duration::from_secs(24 * 3600);

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
    events: Vec<NewEvent>,
    key: Option<Key>,
}

/// Publishes custom events.
pub struct Publishing {
    batches: Batches<Events>,
}

impl Publishing {
    pub(crate) fn new(broadcaster: Arc<Broadcaster>) -> Self {
        Self { batches: Batches::new(Events { broadcaster }) }
    }

    /// Writes the events, all or none, and answers once they are flushed. With a key, a repeat gets the first answer.
    #[boxed]
    pub async fn publish(
        &self,
        tenant: &TenantId,
        drafts: Vec<EventDraft>,
        key: Option<Key>,
    ) -> Result<Vec<Accepted>> {
        let broadcaster = &self.batches.writer().broadcaster;
        let named = draft::queues(&drafts);
        let known = queues::existing(&broadcaster.store, tenant, named).await?;
        let events = draft::check_all(tenant, drafts, &known)?;
        let weight = Weight {
            items: events.len(),
            bytes: events.iter().map(bytes_of).sum(),
            deliveries: broadcaster.expected_deliveries(tenant, &events),
        };
        self.batches.call(tenant.clone(), Call { events, key }, weight).await
    }
}

/// What an event takes in memory beside what it says: itself, its id and name, a call's own part, and what allocations add.
const BESIDE: usize = 512;
/// The same for each user or queue that it names.
const BESIDE_NAME: usize = 32;

fn bytes_of(event: &NewEvent) -> usize {
    let named = |id: &str| BESIDE_NAME + id.len();
    let users: usize = event.audience.users.iter().map(|user| named(user.as_str())).sum();
    let queues: usize = event.audience.queues.iter().map(|queue| named(queue.as_str())).sum();
    let subject = event.subject.as_ref().map_or(0, String::len);
    BESIDE + event.payload.get().len() + subject + users + queues + event.audience.roles.len()
}

/// Writes events, tenant by tenant.
struct Events {
    broadcaster: Arc<Broadcaster>,
}

impl Writer for Events {
    type Key = TenantId;
    type Call = Call;
    type Answer = Vec<Accepted>;

    /// Sixteen transactions of 4 MiB, far less than a second's worth on a disk that works; 125,000 small events.
    const WAITING: Weight = Weight { items: usize::MAX, bytes: 64 << 20, deliveries: usize::MAX };
    /// Four tenants that are behind as far as they may be.
    const IN_ALL: usize = 256 << 20;

    /// On SQLite, which has one writer, no more deliveries than can be sent until the next turn: what is published faster than it
    /// is sent goes by the database, at twice the cost. A single call may cause many more, because it is written whole.
    fn together(&self) -> Weight {
        let mysql = self.broadcaster.store.is_mysql();
        Weight { items: 500, bytes: 4 << 20, deliveries: if mysql { 10_000 } else { webhooks::RECORD_EARLY } }
    }

    async fn write(&self, tenant: &TenantId, calls: &[Call]) -> Result<Vec<Result<Vec<Accepted>>>> {
        let mut work = self.broadcaster.begin().await?;
        let mut plans = plan(&mut work, tenant, calls).await?;
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
}

impl Events {
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
async fn plan(work: &mut Work<'_>, tenant: &TenantId, calls: &[Call]) -> Result<Vec<Plan>> {
    let mut by_key: Vec<usize> = (0..calls.len()).filter(|at| calls[*at].key.is_some()).collect();
    by_key.sort_by_key(|at| calls[*at].key.clone());
    let mut free = HashSet::new();
    for at in by_key {
        let call = &calls[at];
        let ids: Vec<EventId> = call.events.iter().map(|event| event.id.clone()).collect();
        if let Some(key) = &call.key
            && work.take_key(tenant, key, &ids, ANSWERS_KEPT).await?
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
            work.first_event_of(tenant, key);
        }
        for event in &call.events {
            work.emit(tenant, event.clone());
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

fn other_body() -> Error {
    Error::field("Idempotency-Key", "was used with another body in the last 24 hours")
}

fn lost() -> Result<Vec<Accepted>> {
    Err(Error::Internal("a publishing call got no answer".into()))
}
