//! One command's way through the machine: the part that it concerns notes it, `change` says what follows.

use super::change::{self, Cause, Change};
use super::{
    Agent, Chosen, Command, Device, DisconnectPolicy, LogoutReason, Policies, Presence, Refusal, choose,
    timers, work,
};
use crate::Timestamp;

/// What becomes of `agent` by `command` at `now`: a change, nothing (what is said was so already), or a refusal.
pub fn apply(
    agent: &Agent,
    command: &Command,
    policies: &Policies,
    now: Timestamp,
) -> Result<Option<Change>, Refusal> {
    let mut next = agent.clone();
    let cause = note(&mut next, command, policies, now)?;
    Ok(change::between(agent, next, cause, now))
}

fn note(agent: &mut Agent, command: &Command, policies: &Policies, now: Timestamp) -> Result<Cause, Refusal> {
    match command {
        Command::Choose(choice) => choose::choose(agent, choice, now),
        Command::Offered { call, leg } => Ok(work::offered(agent, call, leg, now)),
        Command::OfferEnded { leg, outcome } => Ok(work::offer_ended(agent, leg, *outcome, policies, now)),
        Command::Answered { call, leg } => Ok(work::answered(agent, call, leg, now)),
        Command::WorkEnded { leg, wrap_up } => Ok(work::ended(agent, leg, *wrap_up, now)),
        Command::EndWrapUp { source, by } => {
            work::end_wrap_up(agent)?;
            Ok(Cause::of(*source, by.as_ref()))
        }
        Command::ExtendWrapUp { seconds, source, by } => {
            work::extend_wrap_up(agent, *seconds, policies)?;
            Ok(Cause::of(*source, by.as_ref()))
        }
        Command::Disconnected { since } => Ok(timers::disconnected(agent, *since, policies, now)),
        Command::Reconnected => Ok(timers::reconnected(agent)),
        Command::Timer => Ok(timers::run(agent, policies, now)),
        Command::Disabled => Ok(end_duty(agent, LogoutReason::AccountDisabled, now)),
        Command::SignedOut => Ok(signed_out(agent, policies, now)),
        Command::Device(device) => Ok(device_is(agent, *device)),
    }
}

/// At once, whatever the work.
fn end_duty(agent: &mut Agent, reason: LogoutReason, now: Timestamp) -> Cause {
    if agent.is_on_duty() {
        agent.chosen = Chosen::by_the_platform(Presence::Offline, None, now);
        agent.in_force = None;
    }
    Cause::platform(reason)
}

/// Agents whose connections do not count are not missed for want of a sign-in either.
fn signed_out(agent: &mut Agent, policies: &Policies, now: Timestamp) -> Cause {
    match policies.disconnect_policy {
        DisconnectPolicy::TwoStep => end_duty(agent, LogoutReason::SessionExpired, now),
        DisconnectPolicy::Keep => Cause::platform(LogoutReason::SessionExpired),
    }
}

fn device_is(agent: &mut Agent, device: Device) -> Cause {
    agent.device = device;
    Cause::telephony()
}
