//! Sender tasks: each takes deliveries whose turn it is and drives many attempts at a time. Knows nothing of SQL; results
//! go to the recorder.

use crate::Notice;
use crate::attempt::{self, Made, Next};
use crate::engine::{Phase, Shared};
use crate::lane::Standing;
use crate::lanes::{Job, Lesson};
use crate::recorder::{Result, What};
use std::sync::Arc;
use std::time::Duration;
use store::deliveries::Verdict;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

/// When a delivery is looked at again that this server could not send, for reasons of its own.
const OWN_TROUBLE: Duration = Duration::from_secs(2);

/// The same for an endpoint whose row cannot be read.
const UNREADABLE: Duration = Duration::from_secs(30);

/// One sender, until the engine aborts.
pub(crate) async fn run(shared: Arc<Shared>) {
    let mut phase = shared.phase.subscribe();
    let mut attempts = JoinSet::new();
    loop {
        tokio::select! {
            biased;
            _ = phase.wait_for(|phase| *phase >= Phase::Aborting) => return,
            Some(ended) = attempts.join_next() => {
                if let Err(error) = ended {
                    tracing::error!(%error, "An attempt ended in a defect; its delivery is repeated");
                }
            }
            job = next_job(&shared) => {
                attempts.spawn(send(InFlight::new(&shared, job)));
            }
        }
    }
}

async fn next_job(shared: &Shared) -> Job {
    loop {
        // Asked for before the look, so that no bell between look and wait is missed.
        let bell = shared.work.notified();
        let (job, next_turn) = shared.lanes(|lanes| {
            // Asked under the lock: who drains and then sees nothing in flight may rely on it.
            let may_send = shared.may_send();
            let job = may_send.then(|| lanes.take(Instant::now(), shared.clock.now())).flatten();
            // The next sender goes on while this one starts the attempt.
            lanes.wake_senders |= job.is_some() && lanes.has_candidates();
            let next_turn = if may_send && job.is_none() { lanes.next_turn() } else { None };
            (job, next_turn)
        });
        if let Some(job) = job {
            return job;
        }
        match next_turn {
            Some(at) => drop(timeout_at(at, bell).await),
            None => bell.await,
        }
    }
}

/// A delivery in flight. If it is dropped before its end, its row is given back.
struct InFlight {
    shared: Arc<Shared>,
    job: Option<Job>,
}

impl InFlight {
    fn new(shared: &Arc<Shared>, job: Job) -> Self {
        Self { shared: Arc::clone(shared), job: Some(job) }
    }

    fn end(&mut self, what: What, lesson: Lesson) {
        let Some(job) = self.job.take() else { return };
        let lesson = Lesson { ended: what.is_end(), ..lesson };
        self.shared.lanes(|lanes| lanes.answered(&job, lesson, Instant::now()));
        let (webhook, slot, generation, place) = (job.delivery.webhook, job.slot, job.generation, job.place);
        let key = (job.delivery.tenant, job.delivery.id);
        self.shared.results.push(Result { key, webhook, slot, generation, place, what });
        self.shared.quieter.notify_waiters();
    }

    fn give_back(&mut self, wait: Duration) {
        let due = self.shared.clock.now().plus(wait);
        self.end(What::GiveBack(due), Lesson::default());
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.give_back(Duration::ZERO);
    }
}

async fn send(mut flight: InFlight) {
    let shared = Arc::clone(&flight.shared);
    let Some(Job { delivery, .. }) = &flight.job else { return };
    let endpoint = match shared.endpoints.get(&shared.store, &delivery.tenant, delivery.webhook).await {
        Ok(Some(endpoint)) => endpoint,
        Ok(None) => {
            shared.lanes(|lanes| lanes.clear(delivery.webhook));
            shared.upkeep.purge(delivery.tenant.clone(), delivery.webhook);
            shared.claims.notify_one();
            return flight.end(What::Removed, Lesson::default());
        }
        Err(error) if error.is_unavailable() => {
            shared.upkeep.database_trouble(&error);
            return flight.give_back(OWN_TROUBLE);
        }
        Err(error) => {
            shared.upkeep.own_trouble(&format!("webhook {}: {error}", delivery.webhook));
            return flight.give_back(UNREADABLE);
        }
    };
    let webhook = &endpoint.webhook;
    // A test is sent while somebody waits for it, and never later.
    let is_left_over = delivery.attempts == 0 && delivery.event == model::catalogue::WEBHOOK_TEST;
    let without = match (webhook.is_active, &delivery.payload) {
        _ if is_left_over => Some("the test was interrupted"),
        (false, _) => Some("webhook inactive"),
        (true, None) => Some("event pruned"),
        (true, Some(_)) => None,
    };
    if let Some(why) = without {
        let ended = attempt::end_without(delivery, shared.clock.now(), why);
        let lesson = Lesson { closed: Some(!webhook.is_active), ..Lesson::default() };
        return flight.end(What::Attempt(ended, Next::Decided), lesson);
    }
    match shared.attempt(&endpoint, delivery).await {
        Ok(made) => {
            tell(&shared, &made, endpoint.host());
            let Made { attempt, next, standing, pause, .. } = made;
            let success = pause.is_none().then_some(attempt.verdict == Verdict::Success);
            let lesson =
                Lesson { standing: Some(standing), success, pause, closed: Some(false), ended: false };
            flight.end(What::Attempt(attempt, next), lesson);
        }
        Err(failure) => {
            shared.upkeep.own_trouble(&failure.words);
            flight.give_back(OWN_TROUBLE);
        }
    }
}

fn tell(shared: &Shared, made: &Made, host: &str) {
    let attempt = &made.attempt;
    shared.counters.took(Duration::from_millis(attempt.duration_ms.unsigned_abs()));
    if made.gone {
        shared.notify(Notice::Gone { tenant: attempt.tenant.clone(), webhook: attempt.webhook });
    }
    if let Some(error) = &attempt.error {
        let stalled = made.standing == Standing::Stalled;
        tracing::debug!(tenant_id = %attempt.tenant, webhook_id = %attempt.webhook, log_id = %attempt.log, host,
            attempt = attempt.number, error, stalled, "Webhook attempt failed");
    }
}
