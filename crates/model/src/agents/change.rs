//! What a change is, and what is to be said of it: found by comparing the agent before with the agent after.

use super::{Agent, LogoutReason, Presence, Source, State, VoicePhase, published_state};
use crate::{CallId, Timestamp, UserId};
use std::time::Duration;

/// A change that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The agent as it is from now on.
    pub agent: Agent,
    /// What is to be said, in this order; nothing if nobody can see the change.
    pub events: Vec<AgentEvent>,
}

impl Change {
    /// The change of the published state, if there is one: an entry of the agent's history.
    #[must_use]
    pub fn state_changed(&self) -> Option<&StateChanged> {
        self.events.iter().find_map(|event| match event {
            AgentEvent::StateChanged(changed) => Some(changed),
            _ => None,
        })
    }
}

/// Something to be said of an agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AgentEvent {
    /// Duty began (`agent.login`).
    LoggedIn {
        /// When.
        at: Timestamp,
        /// The state after it.
        state: State,
    },
    /// The published state, its reason, its call, or the end of the wrap-up changed (`agent.state.changed`).
    StateChanged(StateChanged),
    /// A presence is wished for later (`agent.state.pending`).
    Pending {
        /// The wish; none: it is withdrawn.
        presence: Option<Presence>,
        /// Why, in a word of the tenant's.
        reason: Option<String>,
        /// The person who wished or withdrew.
        by: Option<UserId>,
        /// When.
        at: Timestamp,
        /// The agent's version with it.
        version: i64,
    },
    /// Duty ended (`agent.logout`).
    LoggedOut {
        /// When.
        at: Timestamp,
        /// Why.
        reason: LogoutReason,
        /// How long the duty was.
        duty: Duration,
    },
}

/// A change of what others see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateChanged {
    /// The state from now on.
    pub state: State,
    /// The state before; the same if only its reason, its call, or the end of the wrap-up, changed.
    pub previous_state: State,
    /// How long that had been said; zero before the first change, and where the state and its reason stay.
    pub previous_state_lasted: Duration,
    /// The reason shown.
    pub reason: Option<String>,
    /// Who or what caused it.
    pub source: Source,
    /// The person who caused it.
    pub by: Option<UserId>,
    /// When.
    pub at: Timestamp,
    /// When the state, with this reason, began: earlier where only its call, or the end of the wrap-up, changed.
    pub began: Timestamp,
    /// Whether new voice work may be offered now, regardless of queue.
    pub routable: bool,
    /// The call that the state comes from.
    pub call: Option<CallId>,
    /// When a wrap-up ends by itself.
    pub until: Option<Timestamp>,
    /// The agent's version with it.
    pub version: i64,
}

/// Who or what causes a change.
#[derive(Debug, Clone)]
pub(super) struct Cause {
    pub source: Source,
    pub by: Option<UserId>,
    /// Why duty ends, if it ends.
    pub logout: LogoutReason,
}

impl Cause {
    pub fn of(source: Source, by: Option<&UserId>) -> Self {
        Self { source, by: by.cloned(), logout: source.into() }
    }

    pub fn telephony() -> Self {
        Self::of(Source::Telephony, None)
    }

    pub fn platform(logout: LogoutReason) -> Self {
        Self { source: Source::System, by: None, logout }
    }
}

/// Completes what a command has made of `before`, and tells the change; `None` if it has changed nothing.
pub(super) fn between(before: &Agent, mut after: Agent, cause: Cause, now: Timestamp) -> Option<Change> {
    let cause = settle(&mut after, cause);
    if !after.is_on_duty() {
        clear(&mut after);
    }
    let changed = publish(before, &mut after, now);
    let wished = wish_changed(before, &after);
    if changed || wished {
        after.version += 1;
    }
    let began = before.duty_since.is_none() && after.duty_since.is_some();
    let mut events = Vec::new();
    events.extend(began.then_some(AgentEvent::LoggedIn { at: now, state: after.state }));
    events.extend(changed.then(|| AgentEvent::StateChanged(state_changed(before, &after, &cause, now))));
    events.extend(wished.then(|| pending(&after, &cause, now)));
    if let (Some(since), None) = (before.duty_since, after.duty_since) {
        events.push(AgentEvent::LoggedOut { at: now, reason: cause.logout, duty: now.since(since) });
    }
    (after != *before).then_some(Change { agent: after, events })
}

/// Brings into force what waited for the end of the work. Who caused that is who wished it.
fn settle(agent: &mut Agent, cause: Cause) -> Cause {
    if !agent.work.is_empty() {
        return cause;
    }
    if agent.in_force.take().is_some() {
        return Cause::of(agent.chosen.source, agent.chosen.by.as_ref());
    }
    match agent.remembered.take_if(|_| agent.disconnected_since.is_none()) {
        Some(remembered) => {
            agent.chosen = remembered;
            Cause::of(Source::System, None)
        }
        None => cause,
    }
}

/// Whoever is off duty finishes nothing up and is waited for by no timer, and begins the next duty with a clean slate.
fn clear(agent: &mut Agent) {
    agent.work.retain(|item| item.phase != VoicePhase::WrapUp);
    (agent.remembered, agent.disconnected_since) = (None, None);
    (agent.missed_offers, agent.declined_offers) = (0, 0);
}

/// Computes what others see, and whether that has changed.
fn publish(before: &Agent, after: &mut Agent, now: Timestamp) -> bool {
    let on_duty = after.is_on_duty();
    after.duty_since = if on_duty { before.duty_since.or(Some(now)) } else { None };
    after.state = if on_duty {
        published_state(after.chosen.presence, after.work.iter().map(|item| item.phase))
    } else {
        State::Offline
    };
    if after.state == State::WrapUp {
        after
            .work
            .iter_mut()
            .filter(|item| item.phase == VoicePhase::WrapUp)
            .for_each(|item| item.shown = true);
    }
    let changed = seen(before) != seen(after);
    if (before.state, before.shown_reason()) != (after.state, after.shown_reason()) {
        after.previous_state = Some(before.state);
        after.since = Some(now);
    }
    changed
}

fn seen(agent: &Agent) -> (State, Option<&str>, Option<&CallId>, Option<Timestamp>) {
    let work = agent.shown_work();
    (agent.state, agent.shown_reason(), work.map(|item| &item.call), work.and_then(|item| item.until))
}

fn state_changed(before: &Agent, after: &Agent, cause: &Cause, now: Timestamp) -> StateChanged {
    let work = after.shown_work();
    let is_new = after.since != before.since;
    StateChanged {
        state: after.state,
        previous_state: before.state,
        previous_state_lasted: before
            .since
            .filter(|_| is_new)
            .map_or(Duration::ZERO, |since| now.since(since)),
        reason: after.shown_reason().map(Into::into),
        source: cause.source,
        by: cause.by.clone(),
        at: now,
        began: after.since.unwrap_or(now),
        routable: after.routable(),
        call: work.map(|item| item.call.clone()),
        until: work.and_then(|item| item.until),
        version: after.version,
    }
}

/// Whether a wish came, was replaced, or was withdrawn while the work goes on. One that came into force, or ended with the
/// duty, is told by the change of state.
fn wish_changed(before: &Agent, after: &Agent) -> bool {
    match (before.pending(), after.pending()) {
        (Some(last), Some(wish)) => !last.is_as(wish),
        (None, Some(_)) => true,
        (Some(_), None) => after.is_on_duty() && !after.work.is_empty(),
        (None, None) => false,
    }
}

fn pending(agent: &Agent, cause: &Cause, now: Timestamp) -> AgentEvent {
    let wish = agent.pending();
    AgentEvent::Pending {
        presence: wish.map(|wish| wish.presence),
        reason: wish.and_then(|wish| wish.reason.clone()),
        by: cause.by.clone(),
        at: now,
        version: agent.version,
    }
}
