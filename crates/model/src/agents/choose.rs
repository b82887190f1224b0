//! Choosing a presence: at once, or as a wish during work.

use super::change::Cause;
use super::{Agent, Choice, Chosen, Presence, Refusal, Source};
use crate::Timestamp;

pub(super) fn choose(agent: &mut Agent, choice: &Choice, now: Timestamp) -> Result<Cause, Refusal> {
    if choice.if_version.is_some_and(|version| version != agent.version) {
        return Err(Refusal::StaleVersion { present: agent.version });
    }
    let cause = Cause::of(choice.source, choice.by.as_ref());
    let wish = Chosen {
        presence: choice.presence,
        reason: choice.reason.clone(),
        source: choice.source,
        by: choice.by.clone(),
        at: Some(now),
    };
    if is_forced_end(choice) && agent.is_on_duty() {
        agent.chosen = wish;
        agent.in_force = None;
        return Ok(cause);
    }
    // Only the reason of an absence changed: nothing that anybody could see or that history needs.
    let still_absent = !agent.is_on_duty() && wish.presence == Presence::Offline;
    if still_absent || wish.is_as(&agent.chosen) {
        return Ok(cause);
    }
    if wish.presence == Presence::Available && choice.source == Source::Supervisor && is_absent(agent) {
        return Err(Refusal::Absent);
    }
    take(agent, wish);
    // Whoever decides over the agent knows of it: the timers for agents that nobody hears of start anew, and there is
    // nothing to return to by itself.
    agent.disconnected_since = agent.disconnected_since.map(|_| now);
    agent.remembered = None;
    Ok(cause)
}

/// Off duty, or known to be gone.
fn is_absent(agent: &Agent) -> bool {
    !agent.is_on_duty() || agent.remembered.is_some()
}

fn is_forced_end(choice: &Choice) -> bool {
    choice.force && choice.source == Source::Supervisor && choice.presence == Presence::Offline
}

/// Puts the wish into force, or lets it wait while there is work; one for what is in force anyway withdraws the last.
fn take(agent: &mut Agent, wish: Chosen) {
    let waits = agent.is_on_duty() && !agent.work.is_empty();
    let last = std::mem::replace(&mut agent.chosen, wish);
    if !waits {
        return;
    }
    let in_force = agent.in_force.take().unwrap_or(last);
    if in_force.is_as(&agent.chosen) {
        agent.chosen = in_force;
    } else {
        agent.in_force = Some(in_force);
    }
}
