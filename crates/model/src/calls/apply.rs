//! What a command does to a call.

use super::call::{Call, Leg};
use super::command::{Actor, Changes, Command, Context, MAX_ATTRIBUTES, Refusal, Why};
use super::end::{End, end, give_up};
use super::progress::Progress;
use super::said::{Step, What};
use super::transfer::transfer;
use super::{EndedBy, OfferOutcome, Outcome, Role, State};
use crate::queues::LeftReason;
use crate::{LegId, QueueId, Timestamp, UserId};

/// What becomes of `call` when `command` is given at `now`: a step, nothing (it is so already), or a refusal. Ids for what
/// begins are in `context`, and what it tells about queues is as `concerned_queues` asks.
pub fn apply(
    call: &Call,
    command: &Command,
    context: &Context,
    now: Timestamp,
) -> Result<Option<Step>, Refusal> {
    let mut progress = Progress::new(call.clone(), context, now);
    let at = progress.now;
    let ended = call.state == State::Ended;
    let changed = match command {
        Command::Update(changes) => return update(progress, changes, call.reported_at),
        Command::End { ended_by, outcome, hangup_cause, merged_into } => end(
            &mut progress,
            End {
                ended_by: ended_by.unwrap_or(ends(call, &context.actor, *outcome)),
                outcome: *outcome,
                hangup_cause: *hangup_cause,
                merged_into: merged_into.clone(),
            },
        ),
        Command::Stale(after) if now.since(call.reported_at) < *after => false,
        Command::Stale(_) => give_up(&mut progress),
        Command::Unhold(user) => unhold(&mut progress, user),
        Command::Miss(user, outcome) => miss(&mut progress, user, *outcome)?,
        Command::Dequeue(reason) => dequeue(&mut progress, *reason)?,
        _ if ended => return progress.refuse(Why::Ended),
        Command::Enqueue(queue) => enqueue(&mut progress, queue)?,
        Command::Ring(user) => ring(&mut progress, user)?,
        Command::Answer(user) => answer(&mut progress, user)?,
        Command::Hold(user) => hold(&mut progress, user)?,
        Command::Transfer(kind, to) => transfer(&mut progress, *kind, to)?,
    };
    Ok(changed.then(|| progress.done(at)))
}

/// Who ends a call when nobody says so. Whoever has called within, and ends it while nobody has it, gives up as a customer does,
/// unless something else is told to have become of it.
fn ends(call: &Call, actor: &Actor, outcome: Option<Outcome>) -> EndedBy {
    let nobody_has_it = call.agent_leg().is_none() && call.outside.is_none();
    let may_give_up = nobody_has_it && matches!(outcome, None | Some(Outcome::Abandoned | Outcome::Answered));
    let has_called = |user: &UserId| call.open_leg(user).is_some_and(|leg| leg.role == Role::Caller);
    if may_give_up && actor.user().is_some_and(has_called) { EndedBy::Customer } else { actor.ends() }
}

fn enqueue(progress: &mut Progress, queue: &QueueId) -> Result<bool, Refusal> {
    match progress.call.waiting() {
        Some(entry) if entry.queue == *queue => return Ok(false),
        Some(entry) => return progress.refuse(Why::Waits(entry.queue.clone())),
        None => {}
    }
    if let Some(agent) = progress.call.agent() {
        return progress.refuse(Why::Taken(agent.clone()));
    }
    progress.end_holds();
    progress.join(queue)?;
    Ok(true)
}

fn dequeue(progress: &mut Progress, reason: LeftReason) -> Result<bool, Refusal> {
    use LeftReason::{Empty, ExitKey, Removed, Timeout};
    let left = progress.call.entries.last().and_then(|entry| entry.reason);
    if !matches!(reason, Timeout | ExitKey | Empty | Removed) {
        return progress.refuse(Why::NotAReason);
    }
    if left == Some(reason) {
        return Ok(false);
    }
    match progress.leave(reason) {
        Some(_) => Ok(true),
        None if progress.call.state == State::Ended => progress.refuse(Why::Ended),
        None => progress.refuse(Why::WaitsNowhere),
    }
}

fn ring(progress: &mut Progress, user: &UserId) -> Result<bool, Refusal> {
    match progress.call.open_leg(user) {
        Some(leg) if leg.offered() => return Ok(false),
        Some(_) => return progress.refuse(Why::IsInIt(user.clone())),
        None => {}
    }
    if let Some(agent) = progress.call.agent() {
        return progress.refuse(Why::Taken(agent.clone()));
    }
    progress.ring(user, None)?;
    Ok(true)
}

fn miss(progress: &mut Progress, user: &UserId, outcome: OfferOutcome) -> Result<bool, Refusal> {
    let last = progress.call.legs.iter().rfind(|leg| leg.user == *user);
    match last {
        Some(leg) if leg.offered() => {
            let id = leg.id.clone();
            progress.miss(&id, outcome, true);
            Ok(true)
        }
        Some(leg) if leg.missed == Some(outcome) => Ok(false),
        _ if progress.call.state == State::Ended => progress.refuse(Why::Ended),
        _ => progress.refuse(Why::DoesNotRing(user.clone())),
    }
}

fn answer(progress: &mut Progress, user: &UserId) -> Result<bool, Refusal> {
    let own = progress.call.open_leg(user).cloned();
    if own.as_ref().is_some_and(Leg::active) {
        return Ok(false);
    }
    if let Some(agent) = progress.call.agent() {
        return progress.refuse(Why::Taken(agent.clone()));
    }
    if own.is_none() && has_handed_on(&progress.call, user) {
        return Ok(false);
    }
    let id = match own {
        Some(leg) if leg.role == Role::Caller => return answer_caller(progress, &leg.id),
        Some(leg) => leg.id,
        None => progress.begin(user, Role::Agent, None, None)?.id,
    };
    progress.end_holds();
    take(progress, &id);
    Ok(true)
}

/// Whether the agent has had the call, and it rings for somebody else since: an answer then is a report that was sent again, and
/// changes nothing.
#[must_use]
pub fn has_handed_on(call: &Call, user: &UserId) -> bool {
    let last = call.legs.iter().rfind(|leg| leg.user == *user && leg.answered_at.is_some());
    let rings_since = |over| call.legs.iter().any(|leg| leg.offered() && leg.offered_at >= over);
    last.and_then(|leg| leg.ended_at).is_some_and(rings_since)
}

/// An agent takes the call, out of its queue if it waits, from whoever else it rings for.
fn take(progress: &mut Progress, id: &LegId) {
    let left = progress.leave(LeftReason::Answered);
    progress.call.outside = None;
    progress.answer(id, left.as_ref());
    progress.connect_caller();
    progress.miss_all(OfferOutcome::AnsweredElsewhere, |_| true);
}

/// The far end of an internal call answers, which is no agent that anybody has named yet; phones ring on.
fn answer_caller(progress: &mut Progress, id: &LegId) -> Result<bool, Refusal> {
    if let Some(entry) = progress.call.waiting() {
        return progress.refuse(Why::Waits(entry.queue.clone()));
    }
    progress.call.outside = Some(progress.call.to.number.clone());
    progress.answer(id, None);
    Ok(true)
}

fn hold(progress: &mut Progress, user: &UserId) -> Result<bool, Refusal> {
    let talking = matches!(progress.call.state, State::Active | State::Held);
    match progress.call.open_leg(user) {
        Some(leg) if leg.held_since.is_some() => Ok(false),
        Some(leg) if leg.active() && talking => {
            let id = leg.id.clone();
            progress.hold(&id);
            Ok(true)
        }
        _ => progress.refuse(Why::DoesNotTalk(user.clone())),
    }
}

/// Never refused: telephone systems report the end of a hold also where none was, after a blind transfer for one.
fn unhold(progress: &mut Progress, user: &UserId) -> bool {
    let held = progress.call.open_leg(user).filter(|leg| leg.held_since.is_some());
    let Some(id) = held.map(|leg| leg.id.clone()) else { return false };
    progress.unhold(&id);
    true
}

/// Changes what is kept with a call, also with an ended one. It is no report, so `reported_at` stays.
fn update(mut progress: Progress, wanted: &Changes, reported_at: Timestamp) -> Result<Option<Step>, Refusal> {
    let at = progress.now;
    let call = &mut progress.call;
    let mut changed = Changes::default();
    if let Some(wish) = wanted.disposition.as_ref().filter(|wish| **wish != call.disposition) {
        call.disposition.clone_from(wish);
        changed.disposition = Some(wish.clone());
    }
    if let Some(wish) = wanted.tags.as_ref().filter(|wish| **wish != call.tags) {
        call.tags.clone_from(wish);
        changed.tags = Some(wish.clone());
    }
    for (key, wish) in &wanted.attributes {
        let before = match wish {
            Some(value) => call.attributes.insert(key.clone(), value.clone()),
            None => call.attributes.remove(key),
        };
        if before != *wish {
            changed.attributes.insert(key.clone(), wish.clone());
        }
    }
    if call.attributes.len() > MAX_ATTRIBUTES {
        return progress.refuse(Why::TooMany { what: "attributes", limit: MAX_ATTRIBUTES });
    }
    if changed == Changes::default() {
        return Ok(None);
    }
    let audience = progress.call.concerned();
    let by = progress.context.actor.user().cloned();
    progress.say(progress.call.queue.clone(), None, audience, What::Updated { changed, by });
    let mut step = progress.done(at);
    step.call.reported_at = reported_at;
    Ok(Some(step))
}
