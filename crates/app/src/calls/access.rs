//! Who may do what to which call. Whether its state allows it is the machine's to say.

use super::refused;
use crate::{Caller, Error, Result};
use model::calls::{
    self as machine, Actor, Call, Command, Leg, Refusal, Role as Part, Target, TransferKind, Why,
};
use model::{Role, UserId};
use store::calls::Filter;

/// Who acts when that caller does: programs report for the telephone system.
pub(super) fn actor(caller: &Caller) -> Actor {
    match caller {
        Caller::Program(_) => Actor::Telephony,
        Caller::User(identity) if identity.role == Role::Agent => Actor::Agent(identity.user.clone()),
        Caller::User(identity) => Actor::Supervisor(identity.user.clone()),
    }
}

/// The agent who calls, if an agent does.
fn agent(caller: &Caller) -> Option<&UserId> {
    match caller {
        Caller::User(identity) if identity.role == Role::Agent => Some(&identity.user),
        _ => None,
    }
}

/// Whether `user` has, or had, a part in the call.
fn is_own(call: &Call, user: &UserId) -> bool {
    call.legs.iter().any(|leg| leg.user == *user)
}

pub(super) fn may_see(caller: &Caller, call: &Call) -> bool {
    agent(caller).is_none_or(|user| is_own(call, user))
}

/// The filter for an agent's own calls, if an agent asks.
pub(super) fn own_only(caller: &Caller, filter: Filter) -> Result<Filter> {
    let Some(own) = agent(caller) else { return Ok(filter) };
    if filter.user.as_ref().is_some_and(|user| user != own) {
        return Err(Error::Forbidden("agents see their own calls only"));
    }
    Ok(Filter { user: Some(own.clone()), ..filter })
}

/// Keeps agents to their own calls, and in them to what is theirs to do: for a colleague's call there is none, one that does
/// not ring for an agent is not there to be answered, of a call that only rings or waits, or has gone on to somebody else, an
/// agent cannot dispose, save that who dials may give up, and what is kept with a call is for those who took part. That a call was handed on may be said again.
pub(super) fn check(actor: &Actor, call: &Call, command: &Command) -> Result<()> {
    let Actor::Agent(user) = actor else { return Ok(()) };
    if !is_own(call, user) {
        return Err(Error::NotFound("call"));
    }
    match command {
        Command::Answer(other) | Command::Hold(other) | Command::Unhold(other) if other != user => {
            Err(Error::Forbidden("agents act for themselves only: user_id must be your own"))
        }
        Command::Update(_) if !call.concerned().contains(user) => Err(Error::Forbidden(
            "agents change what is kept with calls that they took part in, or that ring for them",
        )),
        _ if call.ended_at.is_some() => Ok(()),
        Command::Answer(_) if !call.party().contains(user) && !machine::has_handed_on(call, user) => {
            Err(not_now(call, Why::DoesNotRing(user.clone())))
        }
        Command::Transfer(kind, to) if has_had_it(call, user) && machine::is_there(call, *kind, to) => Ok(()),
        Command::Transfer(..) if !talks(call, user) => Err(not_now(call, Why::DoesNotTalk(user.clone()))),
        Command::End { .. } if !has_it(call, user) => Err(not_now(call, Why::DoesNotTalk(user.clone()))),
        _ => Ok(()),
    }
}

fn not_now(call: &Call, why: Why) -> Error {
    refused(&Refusal { state: call.state, why })
}

fn has_had_it(call: &Call, user: &UserId) -> bool {
    call.legs.iter().any(|leg| leg.user == *user && leg.answered_at.is_some())
}

/// Whether the agent is in a conversation, and does not only wait for one.
fn talks(call: &Call, user: &UserId) -> bool {
    let is_conversation = call.agent_leg().is_some() || call.outside.is_some();
    is_conversation && call.open_leg(user).is_some_and(Leg::active)
}

fn has_it(call: &Call, user: &UserId) -> bool {
    let theirs = |leg: &Leg| leg.user == *user && leg.open() && (leg.active() || leg.role != Part::Agent);
    call.legs.iter().any(theirs)
}

/// The stable word for what is in the way.
pub(super) fn code(why: &Why) -> &'static str {
    match why {
        Why::Ended => "call_ended",
        Why::Waits(_) => "call_waits",
        Why::WaitsNowhere => "call_waits_nowhere",
        Why::NotAReason => "not_a_reason",
        Why::Taken(_) => "call_taken",
        Why::DoesNotRing(_) => "not_ringing",
        Why::DoesNotTalk(_) => "not_in_call",
        Why::IsInIt(_) => "already_in_call",
        Why::NobodyHasIt => "nobody_has_it",
        Why::TooMany { .. } => "too_many",
    }
}

/// Whether a transfer rings its target, who must be there for it then.
pub(super) fn rings(command: &Command) -> bool {
    match command {
        Command::Ring(_) => true,
        Command::Transfer(kind, Target::User(_)) => *kind != TransferKind::Attended,
        _ => false,
    }
}
