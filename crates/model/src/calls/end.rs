//! How a call ends, and what became of it.

use super::call::{Call, Entry, Leg};
use super::progress::Progress;
use super::said::{Ending, What};
use super::{Direction, EndedBy, OfferOutcome, Outcome, State, Where};
use crate::queues::LeftReason;
use crate::{CallId, LegId};
use std::time::Duration;

/// What is known of a call's end.
pub(super) struct End {
    pub ended_by: EndedBy,
    pub outcome: Option<Outcome>,
    pub hangup_cause: Option<u16>,
    pub merged_into: Option<CallId>,
}

/// The end that nobody saw. It is dated back to the last report, and counts for no average.
pub(super) fn give_up(progress: &mut Progress) -> bool {
    progress.now = progress.call.reported_at;
    progress.estimated = true;
    let (ended_by, outcome) = (EndedBy::System, Some(Outcome::Failed));
    end(progress, End { ended_by, outcome, hangup_cause: None, merged_into: None })
}

pub(super) fn end(progress: &mut Progress, end: End) -> bool {
    if progress.call.state == State::Ended {
        return false;
    }
    progress.end_holds();
    let outcome = outcome(&progress.call, &end);
    let place = place(progress);
    let left = leave(progress, &end);
    if outcome == Outcome::Abandoned {
        abandoned(progress, place, left.as_ref());
    }
    progress.miss_all(OfferOutcome::CallerGone, |_| true);
    let active = progress.call.legs.iter().filter(|leg| leg.active());
    let ids: Vec<LegId> = active.map(|leg| leg.id.clone()).collect();
    for id in ids {
        progress.release(&id);
    }
    progress.call.outside = None;
    progress.call.ended_at = Some(progress.now);
    progress.call.outcome = Some(outcome);
    progress.call.ended_by = Some(end.ended_by);
    say(progress, end, outcome);
    true
}

/// Whether it ended because the other side hung up, as far as it has been told.
fn hung_up(call: &Call, end: &End) -> bool {
    use Outcome::{Abandoned, Answered, Merged, NoAnswer, Voicemail};
    match (end.ended_by, end.outcome) {
        (_, Some(Abandoned)) => true,
        (_, Some(Voicemail | Merged)) => false,
        (EndedBy::Customer, _) | (EndedBy::Unknown, None | Some(Answered)) => true,
        // What telephone systems say of whoever waits and gives up, but also of a phone that nobody picked up.
        (EndedBy::Unknown, Some(NoAnswer)) => call.waiting().is_some(),
        _ => false,
    }
}

/// Whether a human has answered, and whether the caller gave up, is known here; the rest is as it was told.
fn outcome(call: &Call, end: &End) -> Outcome {
    use Outcome::{Abandoned, Answered, Failed, Merged, NoAnswer, Rejected, Voicemail};
    let outward = call.direction == Direction::Outbound;
    let waited = !outward || call.waiting().is_some() || end.outcome == Some(Abandoned);
    let answered = call.answered_at.is_some();
    let outside = call.outside.is_some();
    match end.outcome {
        Some(told @ (Voicemail | Merged)) => told,
        _ if hung_up(call, end) && waited && !answered && !outside => Abandoned,
        Some(Failed) => Failed,
        Some(told) if !answered && !matches!(told, Answered | Abandoned) => told,
        // Nobody tells what happens outside; there somebody has the call.
        _ if answered || outside => Answered,
        _ if !outward && matches!(end.ended_by, EndedBy::Agent | EndedBy::Supervisor) => Rejected,
        _ => NoAnswer,
    }
}

/// Where the call is, for somebody who gives up now.
fn place(progress: &Progress) -> Where {
    if progress.call.waiting().is_some() {
        Where::Queue
    } else if progress.call.legs.iter().any(Leg::offered) {
        Where::Ringing
    } else {
        Where::BeforeQueue
    }
}

/// Takes the call out of its queue. Gives the stay that is over.
fn leave(progress: &mut Progress, end: &End) -> Option<Entry> {
    progress.leave(match end.ended_by {
        _ if hung_up(&progress.call, end) => LeftReason::Abandoned,
        EndedBy::Agent | EndedBy::Supervisor | EndedBy::System if !progress.estimated => LeftReason::Removed,
        _ => LeftReason::Unknown,
    })
}

fn abandoned(progress: &mut Progress, place: Where, left: Option<&Entry>) {
    let wait = progress.call.present_wait(progress.now);
    let (queue, from) = (progress.call.queue.clone(), progress.call.customer().clone());
    let position = left.and_then(|entry| progress.context.queue(&entry.queue)?.position);
    let short = is_short(progress, left, wait);
    progress.say(queue, None, Vec::new(), What::Abandoned { place, wait, position, short, from });
}

/// In a queue as the queue's numbers judge that stay; elsewhere, where none count, by the whole wait.
fn is_short(progress: &Progress, left: Option<&Entry>, wait: Duration) -> bool {
    let tenants = progress.context.short_abandon;
    let Some((entry, ended)) = left.and_then(|entry| Some((entry, entry.ended()?))) else {
        return wait < tenants;
    };
    let facts = progress.context.queue(&entry.queue);
    ended.is_short(facts.map_or(tenants, |facts| facts.settings.short_abandon(tenants)))
}

fn say(progress: &mut Progress, end: End, outcome: Outcome) {
    let (call, now) = (&progress.call, progress.now);
    let ending = Ending {
        ended_at: now,
        duration: now.since(call.started_at),
        wait: call.wait(now),
        talk: call.talk(now),
        hold: call.hold(now),
        outcome,
        merged_into: end.merged_into,
        estimated: progress.estimated,
        ended_by: end.ended_by,
        hangup_cause: end.hangup_cause,
        users: call.took_part(),
        queues: call.queues(),
        transfers: call.transfers,
    };
    let (queue, users) = (call.queue.clone(), ending.users.clone());
    progress.say(queue, None, users, What::Ended(Box::new(ending)));
}
