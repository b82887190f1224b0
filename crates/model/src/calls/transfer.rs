//! How a call goes from who has it to somebody else.

use super::call::{Call, Leg};
use super::command::{Actor, MAX_ENTRIES, MAX_LEGS, Refusal, Target, Why};
use super::progress::Progress;
use super::said::What;
use super::{OfferOutcome, Role, State, TransferKind, Via};
use crate::LegId;
use crate::queues::LeftReason;

/// Moves the call. Who had it is out of it. A target agent who was asked (`attended`) has it at once, another one is rung;
/// a queue makes it wait; a number outside has it, and no agent has. What nobody has can only be redirected: it leaves its
/// queue, and stops ringing elsewhere.
pub(super) fn transfer(progress: &mut Progress, kind: TransferKind, to: &Target) -> Result<bool, Refusal> {
    if is_there(&progress.call, kind, to) {
        return Ok(false);
    }
    let from = from(progress, kind)?;
    check_target(progress, to)?;
    progress.end_holds();
    progress.leave(LeftReason::Transferred);
    let target = match to {
        Target::User(user) => Some(user),
        Target::Queue(_) | Target::Number(_) => None,
    };
    progress.miss_all(OfferOutcome::CallerGone, |leg| leg.role != Role::Caller && Some(&leg.user) != target);
    if let Some(leg) = &from {
        progress.release(&leg.id);
        swap_caller(&mut progress.call, leg);
    }
    progress.call.transfers = progress.call.transfers.saturating_add(1);
    progress.call.outside = None;
    say(progress, kind, from.as_ref(), to);
    arrive(progress, kind, to)?;
    Ok(true)
}

/// Whether the call is at its target already, so that a transfer changes nothing.
#[must_use]
pub fn is_there(call: &Call, kind: TransferKind, to: &Target) -> bool {
    match to {
        Target::User(user) => call.open_leg(user).is_some_and(|leg| {
            leg.via == Some(Via::Transfer) && (leg.active() || kind != TransferKind::Attended)
        }),
        Target::Queue(queue) => call.waiting().is_some_and(|entry| entry.queue == *queue),
        Target::Number(number) => call.transfers > 0 && call.outside.as_ref() == Some(number),
    }
}

/// Whose part is over with the transfer: who transfers, else who has the call.
fn from(progress: &Progress, kind: TransferKind) -> Result<Option<Leg>, Refusal> {
    let call = &progress.call;
    let talking = matches!(call.state, State::Active | State::Held);
    let caller = || call.legs.iter().find(|leg| leg.active() && call.outside.is_some());
    let from = match &progress.context.actor {
        Actor::Agent(user) => {
            let own = call.open_leg(user).filter(|leg| leg.active());
            if own.is_none() && kind != TransferKind::Redirect {
                return progress.refuse(Why::DoesNotTalk(user.clone()));
            }
            own.or(call.agent_leg())
        }
        _ => call.agent_leg().or_else(caller),
    };
    match from {
        Some(leg) if talking => Ok(Some(leg.clone())),
        _ if kind == TransferKind::Redirect => Ok(None),
        _ => progress.refuse(Why::NobodyHasIt),
    }
}

fn check_target(progress: &Progress, to: &Target) -> Result<(), Refusal> {
    match to {
        Target::User(user) => match progress.call.open_leg(user) {
            Some(leg) if leg.active() || leg.role != Role::Agent => {
                progress.refuse(Why::IsInIt(user.clone()))
            }
            None if progress.call.legs.len() >= MAX_LEGS => {
                progress.refuse(Why::TooMany { what: "parts of agents", limit: MAX_LEGS })
            }
            _ => Ok(()),
        },
        Target::Queue(_) if progress.call.entries.len() >= MAX_ENTRIES => {
            progress.refuse(Why::TooMany { what: "stays in queues", limit: MAX_ENTRIES })
        }
        Target::Queue(_) | Target::Number(_) => Ok(()),
    }
}

/// Where the caller of an internal call transfers it, the agent stays and is the one to be served from now on.
fn swap_caller(call: &mut Call, gone: &Leg) {
    if gone.role != Role::Caller {
        return;
    }
    for leg in &mut call.legs {
        if leg.id == gone.id {
            leg.role = Role::Agent;
        } else if leg.active() {
            leg.role = Role::Caller;
        }
    }
}

fn say(progress: &mut Progress, kind: TransferKind, from: Option<&Leg>, to: &Target) {
    let user = from.map(|leg| leg.user.clone());
    let by = match (&progress.context.actor, &user) {
        (Actor::Agent(actor) | Actor::Supervisor(actor), _) => actor.to_string(),
        (Actor::Telephony, Some(user)) if kind != TransferKind::Redirect => user.to_string(),
        (Actor::Telephony, _) => "telephony".to_owned(),
        (Actor::System, _) => "system".to_owned(),
    };
    let mut audience = progress.call.party();
    let target = if let Target::User(target) = to { Some(target.clone()) } else { None };
    for one in user.iter().cloned().chain(target) {
        if !audience.contains(&one) {
            audience.push(one);
        }
    }
    let queue = from.and_then(|leg| leg.queue.clone());
    let what = What::Transferred { kind, from: user.clone(), to: to.clone(), by };
    progress.say(queue, user, audience, what);
}

fn arrive(progress: &mut Progress, kind: TransferKind, to: &Target) -> Result<(), Refusal> {
    match to {
        Target::Queue(queue) => progress.join(queue)?,
        Target::Number(number) => {
            let wait = progress.call.present_wait(progress.now);
            progress.call.waited.get_or_insert(wait);
            progress.call.outside = Some(number.clone());
        }
        Target::User(user) => {
            let open = progress.call.legs.iter_mut().find(|leg| leg.open() && leg.user == *user);
            let ringing: Option<LegId> = open.map(|leg| {
                (leg.via, leg.queue) = (Some(Via::Transfer), None);
                leg.id.clone()
            });
            match (kind, ringing) {
                (TransferKind::Attended, Some(id)) => progress.answer(&id, None),
                (TransferKind::Attended, None) => {
                    let id = progress.begin(user, Role::Agent, Some(Via::Transfer), None)?.id;
                    progress.answer(&id, None);
                }
                (TransferKind::Blind | TransferKind::Redirect, Some(_)) => {}
                (TransferKind::Blind | TransferKind::Redirect, None) => {
                    progress.ring(user, Some(Via::Transfer))?;
                }
            }
        }
    }
    Ok(())
}
