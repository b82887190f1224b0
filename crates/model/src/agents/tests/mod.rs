//! The machine as the table of the contract has it, row by row, and under random commands.

mod disconnects;
mod duty;
mod offers;
mod properties;
mod wishes;
mod wrap_up;

use super::*;
use crate::{CallId, LegId, Timestamp, UserId};
use std::time::Duration;

/// An agent at work, on a clock that only the test moves, with what was said of it since it was last asked.
struct Desk {
    agent: Agent,
    policies: Policies,
    now: Timestamp,
    said: Vec<String>,
}

impl Desk {
    fn new() -> Self {
        let agent = Agent::never_on_duty(user("u1"));
        Self { agent, policies: Policies::default(), now: Timestamp(1_000_000), said: Vec::new() }
    }

    /// One who has chosen this.
    fn with(presence: Presence) -> Self {
        let mut desk = Self::new();
        desk.choose(presence, None);
        desk.said.clear();
        desk
    }

    /// One who was available and is now in a call on leg `l1`.
    fn on_call() -> Self {
        let mut desk = Self::with(Presence::Available);
        desk.answered("l1");
        desk.said.clear();
        desk
    }

    /// One who was available and is in a wrap-up of a minute.
    fn in_wrap_up() -> Self {
        let mut desk = Self::on_call();
        desk.ended("l1", 60);
        desk.said.clear();
        desk
    }

    fn does(&mut self, command: &Command) -> Result<(), Refusal> {
        if let Some(change) = apply(&self.agent, command, &self.policies, self.now)? {
            self.said.extend(change.events.iter().map(told));
            self.agent = change.agent;
        }
        Ok(())
    }

    fn must(&mut self, command: &Command) {
        self.does(command).unwrap();
    }

    fn choose(&mut self, presence: Presence, reason: Option<&str>) {
        self.must(&Command::Choose(own(presence, reason)));
    }

    fn offered(&mut self, leg: &str) {
        self.must(&Command::Offered { call: call(leg), leg: self::leg(leg) });
    }

    fn offer_ended(&mut self, leg: &str, outcome: OfferOutcome) {
        self.must(&Command::OfferEnded { leg: self::leg(leg), outcome });
    }

    /// A whole offer that this agent does not answer.
    fn offer(&mut self, outcome: OfferOutcome) {
        self.offered("l9");
        self.offer_ended("l9", outcome);
    }

    fn answered(&mut self, leg: &str) {
        self.must(&Command::Answered { call: call(leg), leg: self::leg(leg) });
    }

    fn ended(&mut self, leg: &str, wrap_up_seconds: u64) {
        let wrap_up = Some(Duration::from_secs(wrap_up_seconds));
        self.must(&Command::WorkEnded { leg: self::leg(leg), wrap_up });
    }

    fn wait(&mut self, seconds: u64) {
        self.now = self.now.plus(Duration::from_secs(seconds));
    }

    /// Waits, then does what is due by then.
    fn timers_after(&mut self, seconds: u64) {
        self.wait(seconds);
        // At most a wrap-up's end and the two steps of the lost connection.
        for _ in 0..3 {
            if next_timer(&self.agent, &self.policies).is_some_and(|at| at <= self.now) {
                self.must(&Command::Timer);
            }
        }
    }

    fn disconnected(&mut self) {
        self.must(&Command::Disconnected { since: self.now });
    }

    /// What was said since this was last asked.
    fn said(&mut self) -> Vec<String> {
        std::mem::take(&mut self.said)
    }
}

fn user(id: &str) -> UserId {
    UserId::parse(id).unwrap()
}

fn leg(id: &str) -> LegId {
    LegId::parse(id).unwrap()
}

/// The call of a leg.
fn call(leg: &str) -> CallId {
    CallId::parse(&format!("call-{leg}")).unwrap()
}

fn own(presence: Presence, reason: Option<&str>) -> Choice {
    Choice {
        presence,
        reason: reason.map(Into::into),
        if_version: None,
        source: Source::Oneself,
        by: Some(user("u1")),
        force: false,
    }
}

fn supervised(presence: Presence) -> Choice {
    Choice { source: Source::Supervisor, by: Some(user("boss")), ..own(presence, None) }
}

/// An event in one line: `available -> break (lunch) by self`.
fn told(event: &AgentEvent) -> String {
    let because =
        |reason: &Option<String>| reason.as_ref().map_or_else(String::new, |why| format!(" ({why})"));
    match event {
        AgentEvent::LoggedIn { state, .. } => format!("login {}", state.as_str()),
        AgentEvent::StateChanged(changed) => format!(
            "{} -> {}{} by {}",
            changed.previous_state.as_str(),
            changed.state.as_str(),
            because(&changed.reason),
            changed.source.as_str()
        ),
        AgentEvent::Pending { presence, reason, .. } => {
            format!("pending {}{}", presence.map_or("nothing", Presence::as_str), because(reason))
        }
        AgentEvent::LoggedOut { reason, duty, .. } => {
            format!("logout {} after {}", reason.as_str(), crate::duration::format(*duty))
        }
    }
}
