//! What the telephone system reports of an agent's calls, and the wrap-up after them.

use super::change::Cause;
use super::{
    Agent, Chosen, LogoutReason, MAX_WORK, OfferOutcome, Policies, Presence, Refusal, State, VoicePhase,
    WorkItem, reasons,
};
use crate::{CallId, LegId, Timestamp};
use std::time::Duration;

pub(super) fn offered(agent: &mut Agent, call: &CallId, leg: &LegId, now: Timestamp) -> Cause {
    if position(agent, leg).is_none() {
        add(agent, call, leg, VoicePhase::Ringing, now);
    }
    Cause::telephony()
}

/// An answer ends a wrap-up that still runs, and forgives what was missed before.
pub(super) fn answered(agent: &mut Agent, call: &CallId, leg: &LegId, now: Timestamp) -> Cause {
    let known = position(agent, leg).map(|at| &mut agent.work[at]);
    match known {
        Some(item) if item.phase == VoicePhase::Active => return Cause::telephony(),
        Some(item) => {
            (item.phase, item.since, item.until, item.shown) = (VoicePhase::Active, now, None, false);
        }
        None => add(agent, call, leg, VoicePhase::Active, now),
    }
    drop_wrap_up(agent);
    (agent.missed_offers, agent.declined_offers) = (0, 0);
    Cause::telephony()
}

pub(super) fn offer_ended(
    agent: &mut Agent,
    leg: &LegId,
    outcome: OfferOutcome,
    policies: &Policies,
    now: Timestamp,
) -> Cause {
    let offer = position(agent, leg).filter(|at| agent.work[*at].phase == VoicePhase::Ringing);
    let Some(at) = offer else { return Cause::telephony() };
    agent.work.remove(at);
    drop_what_is_over(agent, now);
    // Whoever has other work, or is not there for queue work, is not to blame.
    if agent.work.is_empty() && agent.chosen.presence == Presence::Available {
        blame(agent, outcome, policies, now)
    } else {
        Cause::telephony()
    }
}

/// Counts a missed or a declined offer; too many in a row make the agent away.
fn blame(agent: &mut Agent, outcome: OfferOutcome, policies: &Policies, now: Timestamp) -> Cause {
    let (count, limit) = match outcome {
        OfferOutcome::NoAnswer | OfferOutcome::Busy | OfferOutcome::Unreachable => {
            (&mut agent.missed_offers, policies.missed_offers_to_away)
        }
        OfferOutcome::Declined => (&mut agent.declined_offers, policies.declined_offers_to_away),
        OfferOutcome::AnsweredElsewhere | OfferOutcome::CallerGone => return Cause::telephony(),
    };
    *count = count.saturating_add(1);
    if limit == 0 || *count < limit {
        return Cause::telephony();
    }
    (agent.missed_offers, agent.declined_offers) = (0, 0);
    agent.chosen = Chosen::by_the_platform(Presence::Away, Some(reasons::MISSED_CALL), now);
    Cause::platform(LogoutReason::System)
}

pub(super) fn ended(agent: &mut Agent, leg: &LegId, wrap_up: Option<Duration>, now: Timestamp) -> Cause {
    let work = position(agent, leg).filter(|at| agent.work[*at].phase != VoicePhase::WrapUp);
    let Some(at) = work else { return Cause::telephony() };
    let item = agent.work.remove(at);
    drop_what_is_over(agent, now);
    let wrap_up = wrap_up.filter(|long| item.phase == VoicePhase::Active && !long.is_zero());
    if let Some(long) = wrap_up {
        // One wrap-up at a time: that of the call that ended last.
        drop_wrap_up(agent);
        let until = Some(now.plus(long));
        agent.work.push(WorkItem { phase: VoicePhase::WrapUp, since: now, until, ..item });
    }
    Cause::telephony()
}

pub(super) fn end_wrap_up(agent: &mut Agent) -> Result<(), Refusal> {
    wrap_up(agent)?;
    drop_wrap_up(agent);
    Ok(())
}

pub(super) fn extend_wrap_up(agent: &mut Agent, seconds: u32, policies: &Policies) -> Result<(), Refusal> {
    let item = wrap_up(agent)?;
    let until = item.until.map(|until| until.plus(Duration::from_secs(seconds.into())));
    let limit = Duration::from_secs(policies.wrap_up_max_seconds.into());
    if until.is_some_and(|until| until.since(item.since) > limit) {
        return Err(Refusal::WrapUpTooLong { max_seconds: policies.wrap_up_max_seconds });
    }
    item.until = until;
    Ok(())
}

/// The wrap-up that the agent is seen in.
fn wrap_up(agent: &mut Agent) -> Result<&mut WorkItem, Refusal> {
    let outside = Refusal::NotInWrapUp { state: agent.state };
    let seen = agent.work.iter_mut().find(|_| agent.state == State::WrapUp);
    seen.ok_or(outside)
}

pub(super) fn drop_wrap_up(agent: &mut Agent) {
    agent.work.retain(|item| item.phase != VoicePhase::WrapUp);
}

/// Drops the wrap-up whose time was over while other work hid it, once none does.
fn drop_what_is_over(agent: &mut Agent, now: Timestamp) {
    if agent.work.iter().all(|item| item.phase == VoicePhase::WrapUp) {
        agent.work.retain(|item| item.until.is_none_or(|until| until > now));
    }
}

/// The wrap-ups that `before` had and `after` no longer has, if anybody has seen them, and how long each was: it begins with
/// the end of the call. A timer may be late; the agent was done in time.
pub fn ended_wrap_ups<'a>(
    before: &'a Agent,
    after: &'a Agent,
    now: Timestamp,
) -> impl Iterator<Item = (&'a WorkItem, Duration)> {
    let goes_on =
        |item: &WorkItem| after.work.iter().any(|one| one.leg == item.leg && one.phase == VoicePhase::WrapUp);
    let ended = before.work.iter().filter(move |item| item.shown && !goes_on(item));
    ended.map(move |item| (item, item.until.map_or(now, |until| until.min(now)).since(item.since)))
}

fn add(agent: &mut Agent, call: &CallId, leg: &LegId, phase: VoicePhase, now: Timestamp) {
    if agent.work.len() < MAX_WORK {
        let (call, leg) = (call.clone(), leg.clone());
        agent.work.push(WorkItem { call, leg, phase, since: now, until: None, shown: false });
    }
}

fn position(agent: &Agent, leg: &LegId) -> Option<usize> {
    agent.work.iter().position(|item| item.leg == *leg)
}
