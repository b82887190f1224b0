//! What happens by itself: the end of a wrap-up, and the two steps of an agent without a connection. A service keeps the
//! moment that `next_timer` tells in an indexed column, and gives `Command::Timer` when it has come, until it is later
//! than now or gone.

use super::change::Cause;
use super::work::drop_wrap_up;
use super::{Agent, Chosen, DisconnectPolicy, LogoutReason, Policies, Presence, VoicePhase, reasons};
use crate::Timestamp;
use std::time::Duration;

/// What happens by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Due {
    WrapUpEnds,
    GraceEnds,
    Logout,
}

/// When something happens by itself to this agent next, if nothing else happens before. Also tells a moment that has
/// passed: then it is due now. It moves with every change, and when the policies change: where `Command::Timer` finds
/// nothing due, the kept moment was an old one, to be replaced by this.
#[must_use]
pub fn next_timer(agent: &Agent, policies: &Policies) -> Option<Timestamp> {
    next(agent, policies).map(|(at, _)| at)
}

fn next(agent: &Agent, policies: &Policies) -> Option<(Timestamp, Due)> {
    if !agent.work.is_empty() {
        // Nothing but a wrap-up ends by itself while there is work. One that was seen and that a ringing telephone hides waits
        // for the end of the ringing (`work`): what counts for a queue's numbers comes with a change that can be seen.
        let rings = agent.work.iter().any(|item| item.phase != VoicePhase::WrapUp);
        let ends = agent.work.iter().filter(|item| !(rings && item.shown)).filter_map(|item| item.until);
        return ends.min().map(|at| (at, Due::WrapUpEnds));
    }
    if policies.disconnect_policy == DisconnectPolicy::Keep {
        return None;
    }
    let after =
        |seconds: u32| agent.disconnected_since.map(|since| since.plus(Duration::from_secs(seconds.into())));
    match agent.chosen.presence {
        Presence::Available | Presence::Busy | Presence::Break => {
            after(policies.grace_seconds).map(|at| (at, Due::GraceEnds))
        }
        Presence::Away => after(policies.logout_seconds).map(|at| (at, Due::Logout)),
        Presence::Offline => None,
    }
}

pub(super) fn run(agent: &mut Agent, policies: &Policies, now: Timestamp) -> Cause {
    let due = next(agent, policies).filter(|(at, _)| *at <= now).map(|(_, due)| due);
    match due {
        Some(Due::WrapUpEnds) => drop_wrap_up(agent),
        Some(Due::GraceEnds) => {
            let away = Chosen::by_the_platform(Presence::Away, Some(reasons::DISCONNECTED), now);
            agent.remembered = Some(std::mem::replace(&mut agent.chosen, away));
        }
        Some(Due::Logout) => {
            agent.chosen = Chosen::by_the_platform(Presence::Offline, Some(reasons::DISCONNECTED), now);
            return Cause::platform(LogoutReason::Disconnected);
        }
        None => {}
    }
    Cause::platform(LogoutReason::System)
}

/// Starts the timers, or starts them anew when said again with a later moment; what is due by then happens at once. Off duty
/// no connection is missed: `change` clears it.
pub(super) fn disconnected(
    agent: &mut Agent,
    since: Timestamp,
    policies: &Policies,
    now: Timestamp,
) -> Cause {
    agent.disconnected_since = agent.disconnected_since.max(Some(since));
    run(agent, policies, now)
}

/// A connection is back. `settle` restores what was remembered, during work when that ends. Lenient about a logout that was
/// due and has not run: after an outage of the server agents come back before its timers are started anew.
pub(super) fn reconnected(agent: &mut Agent) -> Cause {
    agent.disconnected_since = None;
    Cause::platform(LogoutReason::System)
}
