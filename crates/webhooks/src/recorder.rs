//! Writes down what became of attempts, many in one transaction, until the database has taken it. Knows nothing of HTTP.

use crate::attempt::Next;
use crate::engine::Shared;
use crate::lane::ordered::{InLane, Outcome};
use crate::limits::{RECORD_EARLY, RECORD_PAUSE, UNRECORDED};
use model::{Timestamp, WebhookId};
use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use store::Conn;
use store::deliveries::{self, Attempt, Holder, Key, Verdict};
use store::lanes::{self, queue};
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

/// Waits between attempts to write: they double up to the longest.
const FIRST_WAIT: Duration = Duration::from_millis(50);
const LONGEST_WAIT: Duration = Duration::from_secs(2);
/// How long refused results wait.
const REFUSED_WAIT: Duration = Duration::from_secs(10);
const FAR: Duration = Duration::from_secs(3600);

/// What became of a delivery that a sender had.
#[derive(Debug, Clone)]
pub(crate) enum What {
    /// It was attempted, or ended without.
    Attempt(Attempt, Next),
    /// It was not attempted and is due again then.
    GiveBack(Timestamp),
    /// Its endpoint is gone; its row goes with it.
    Removed,
}

impl What {
    /// Whether the delivery is over, and nothing is left to decide.
    pub(crate) fn is_end(&self) -> bool {
        match self {
            Self::Attempt(attempt, Next::Decided) => !matches!(attempt.verdict, Verdict::Retry(_)),
            Self::Removed => true,
            Self::Attempt(..) | Self::GiveBack(_) => false,
        }
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Result {
    pub(crate) key: Key,
    pub(crate) webhook: WebhookId,
    pub(crate) slot: usize,
    pub(crate) generation: u64,
    /// Its place in the endpoint's lane, if it went in order.
    pub(crate) place: Option<InLane>,
    pub(crate) what: What,
}

/// Results that wait to be written. At most [`UNRECORDED`], as each holds one of as many slots.
#[derive(Default)]
pub(crate) struct Results {
    list: Mutex<VecDeque<Result>>,
    bell: Notify,
}

impl Results {
    pub(crate) fn push(&self, result: Result) {
        self.lock().push_back(result);
        self.bell.notify_one();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, VecDeque<Result>> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn wait_for(&self, count: usize) {
        while self.lock().len() < count {
            self.bell.notified().await;
        }
    }

    fn take(&self) -> Vec<Result> {
        let mut list = self.lock();
        let count = list.len().min(UNRECORDED);
        list.drain(..count).collect()
    }
}

/// The recorder, until the engine stops.
pub(crate) async fn run(shared: Arc<Shared>) {
    let mut begun = Instant::now();
    // Results that the database refuses one by one: a defect. They keep their slots and are tried again now and then.
    let (mut refused, mut again) = (Vec::new(), begun + FAR);
    loop {
        let _ = timeout_at(again, shared.results.wait_for(1)).await;
        let _ = timeout_at(begun + RECORD_PAUSE, shared.results.wait_for(RECORD_EARLY)).await;
        begun = Instant::now();
        let mut fresh = shared.results.take();
        if begun >= again {
            fresh.append(&mut refused);
            again = begun + FAR;
        }
        refused.append(&mut record(&shared, fresh).await);
        again = if refused.is_empty() { begun + FAR } else { again.min(begun + REFUSED_WAIT) };
    }
}

/// Writes the batch, in parts where some of it cannot be written. Gives what the database refuses.
async fn record(shared: &Shared, batch: Vec<Result>) -> Vec<Result> {
    let mut parts = VecDeque::from([batch]);
    let mut refused = Vec::new();
    let mut wait = FIRST_WAIT;
    let mut repeated = false;
    while let Some(mut part) = parts.pop_front() {
        match write(shared, &part, repeated).await {
            Ok(written) => {
                shared.upkeep.database_works();
                settle(shared, &part, &written);
                continue;
            }
            Err(error) if error.is_unavailable() => {
                shared.upkeep.database_trouble(&error);
                parts.push_front(part);
                tokio::time::sleep(wait).await;
                wait = (wait * 2).min(LONGEST_WAIT);
            }
            Err(error) if part.len() == 1 => {
                tracing::error!(%error, "A webhook result could not be written; tried again later");
                refused.append(&mut part);
            }
            Err(_) => {
                let rest = part.split_off(part.len() / 2);
                parts.extend([part, rest]);
            }
        }
        // Whether the failed transaction took place is unknown: from now on only rows still owned are written.
        repeated = true;
    }
    refused
}

/// What was written.
#[derive(Default)]
struct Written {
    attempts: Vec<Attempt>,
    /// What became of deliveries that went in order.
    outcomes: HashMap<Key, Outcome>,
}

/// One transaction. Gives the attempts with their verdicts.
async fn write(shared: &Shared, part: &[Result], repeated: bool) -> store::Result<Written> {
    let generation = shared.lanes(|lanes| lanes.generation);
    let doubtful = repeated || part.iter().any(|result| result.generation != generation);
    let mut tx = shared.store.begin().await?;
    let mut written = Written::default();
    if part.iter().any(|result| result.place.is_some()) {
        write_in_lanes(shared, tx.conn(), part, &mut written).await?;
    }
    let owned = if doubtful { Some(still_owned(shared, tx.conn(), part).await?) } else { None };
    let ours = |result: &&Result| {
        result.place.is_none() && owned.as_ref().is_none_or(|owned| owned.contains(&result.key))
    };
    let mut attempts = Vec::with_capacity(part.len());
    for result in part.iter().filter(ours) {
        match &result.what {
            What::Attempt(attempt, next) => attempts.push(decided(shared, attempt, *next)),
            What::GiveBack(due) => {
                let (tenant, id) = &result.key;
                deliveries::give_back(tx.conn(), tenant, *id, &shared.server, *due).await?;
            }
            What::Removed => {}
        }
    }
    deliveries::finish(tx.conn(), Holder::Server(&shared.server), &mut attempts).await?;
    tx.commit().await?;
    written.attempts.append(&mut attempts);
    Ok(written)
}

/// Writes the results of deliveries that went in order, as far as their lanes are still this server's with the fences under
/// which they were sent. The lanes stay locked until the end, so that nobody takes them over meanwhile.
async fn write_in_lanes(
    shared: &Shared,
    mut conn: Conn<'_>,
    part: &[Result],
    written: &mut Written,
) -> store::Result<()> {
    let results: Vec<(&Result, InLane)> =
        part.iter().filter_map(|result| Some((result, result.place?))).collect();
    let webhooks: BTreeSet<WebhookId> = results.iter().map(|(result, _)| result.webhook).collect();
    let webhooks: Vec<WebhookId> = webhooks.into_iter().collect();
    let held: HashMap<WebhookId, i64> =
        lanes::lock_held(conn.again(), &shared.server, &webhooks).await?.into_iter().collect();
    let keys: Vec<Key> = results.iter().map(|(result, _)| result.key.clone()).collect();
    let waiting: HashMap<Key, i64> =
        deliveries::still_in_lanes(conn.again(), &keys).await?.into_iter().collect();
    let mut over = Vec::new();
    for (result, place) in results {
        let at = queue::Place { webhook: result.webhook, queue: place.queue, log: result.key.1 };
        let outcome = match (&result.what, waiting.get(&result.key)) {
            _ if held.get(&result.webhook) != Some(&place.fence) => Outcome::Lost,
            // Written down already, by a transaction whose answer was lost, or gone with its endpoint.
            (_, None) | (What::Removed, _) => Outcome::Ended,
            (What::GiveBack(due), _) => Outcome::Until(*due),
            (What::Attempt(attempt, next), Some(attempts)) => {
                let attempt = decided(shared, attempt, *next);
                let outcome = match attempt.verdict {
                    Verdict::Retry(due) => Outcome::Until(due),
                    Verdict::Success | Verdict::Failed => Outcome::Ended,
                };
                if outcome == Outcome::Ended || *attempts < attempt.number {
                    written.attempts.push(attempt);
                }
                outcome
            }
        };
        match outcome {
            Outcome::Ended => over.push(at),
            Outcome::Until(due) => queue::postpone(conn.again(), at, due).await?,
            Outcome::Lost => {}
        }
        written.outcomes.insert(result.key.clone(), outcome);
    }
    deliveries::finish(conn.again(), Holder::Lanes, &mut written.attempts).await?;
    queue::remove(conn, &over).await
}

async fn still_owned(shared: &Shared, conn: Conn<'_>, part: &[Result]) -> store::Result<HashSet<Key>> {
    let keys: Vec<Key> = part.iter().map(|result| result.key.clone()).collect();
    Ok(deliveries::still_owned(conn, &shared.server, &keys).await?.into_iter().collect())
}

/// The attempt with its verdict: whether a failed one is repeated.
fn decided(shared: &Shared, attempt: &Attempt, next: Next) -> Attempt {
    let attempt = attempt.clone();
    let Next::RetryIfLeft { retry_count, spread } = next else { return attempt };
    if attempt.retries >= retry_count {
        return Attempt { verdict: Verdict::Failed, ..attempt };
    }
    let retries = attempt.retries + 1;
    let number = u32::try_from(retries).unwrap_or(u32::MAX);
    let delay = model::webhook::retry_delay(&shared.config.retry_schedule, number, spread);
    let ended = attempt.at.plus(Duration::from_millis(attempt.duration_ms.unsigned_abs()));
    Attempt { retries, verdict: Verdict::Retry(ended.plus(delay)), ..attempt }
}

/// Frees the slots and counts.
fn settle(shared: &Shared, part: &[Result], written: &Written) {
    shared.lanes(|lanes| {
        for result in part {
            let outcome = written.outcomes.get(&result.key).copied();
            lanes.recorded(result.webhook, result.slot, result.place.map(|place| place.queue).zip(outcome));
        }
        for attempt in &written.attempts {
            if let Some(until) = attempt.paused_until {
                lanes.pause_is_stored(attempt.webhook, until);
            }
        }
    });
    for result in part {
        if let What::GiveBack(due) = result.what {
            shared.upkeep.due_at(due);
        }
    }
    let counters = &shared.counters;
    for attempt in &written.attempts {
        match attempt.verdict {
            Verdict::Success => counters.delivered.fetch_add(1, Relaxed),
            Verdict::Failed => counters.failed.fetch_add(1, Relaxed),
            Verdict::Retry(due) => {
                shared.upkeep.due_at(due);
                counters.retried.fetch_add(1, Relaxed)
            }
        };
    }
    shared.claims.notify_one();
    shared.quieter.notify_waiters();
}
