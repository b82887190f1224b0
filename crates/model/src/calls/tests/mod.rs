//! What the tests of calls share: a desk at which a call is driven, and short names.

mod ends;
mod fold;
mod life;
mod properties;
mod table;
mod transfers;

use super::*;
use crate::agents::Command as AgentCommand;
use crate::queues::Settings;
use crate::{CallId, EntryId, LegId, QueueId, Timestamp, UserId};
use std::time::Duration;

pub(super) fn user(name: &str) -> UserId {
    UserId::parse(name).unwrap()
}

pub(super) fn queue(name: &str) -> QueueId {
    QueueId::parse(name).unwrap()
}

pub(super) fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub(super) fn transfer(kind: TransferKind, to: &str) -> Command {
    let target = match to.split_at(1) {
        ("q", _) => Target::Queue(queue(to)),
        ("+", number) => Target::Number(number.to_owned()),
        _ => Target::User(user(to)),
    };
    Command::Transfer(kind, target)
}

/// An end of which only that is known.
pub(super) fn end(ended_by: Option<EndedBy>, outcome: Option<Outcome>) -> Command {
    Command::End { ended_by, outcome, hangup_cause: None, merged_into: None }
}

pub(super) fn new_call(direction: Direction, queue_id: Option<&str>, user_id: Option<&str>) -> NewCall {
    NewCall {
        id: CallId::parse("call").unwrap(),
        external_id: None,
        client_ref: None,
        direction,
        from: Party { number: "0171".into(), name: None },
        to: Party { number: "100".into(), name: None },
        queue: queue_id.map(queue),
        user: user_id.map(user),
    }
}

/// Drives one call, and keeps all that was said and meant.
#[derive(Clone)]
pub(super) struct Desk {
    pub call: Call,
    pub now: Timestamp,
    pub actor: Actor,
    pub steps: Vec<Step>,
}

impl Desk {
    pub fn start(direction: Direction, queue: Option<&str>, user: Option<&str>) -> Self {
        let now = Timestamp(1_000_000);
        let step = start(&new_call(direction, queue, user), &context(Actor::Telephony, 0), now).unwrap();
        Self { call: step.call.clone(), now, actor: Actor::Telephony, steps: vec![step] }
    }

    pub fn inbound(queue: Option<&str>) -> Self {
        Self::start(Direction::Inbound, queue, None)
    }

    pub fn after(&mut self, ms: u64) -> &mut Self {
        self.now = self.now.plus(Duration::from_millis(ms));
        self
    }

    pub fn by(&mut self, actor: Actor) -> &mut Self {
        self.actor = actor;
        self
    }

    pub fn apply(&mut self, command: &Command) -> Result<Option<Step>, Refusal> {
        let context = context(self.actor.clone(), self.steps.len());
        let step = apply(&self.call, command, &context, self.now)?;
        if let Some(step) = &step {
            self.call = step.call.clone();
            self.steps.push(step.clone());
        }
        Ok(step)
    }

    /// Does it, and gives the names of what is said.
    pub fn says(&mut self, command: &Command) -> Vec<&'static str> {
        let step = self.apply(command).unwrap_or_else(|refusal| panic!("{command:?}: {refusal}"));
        step.map_or(Vec::new(), |step| step.events.iter().map(|event| event.what.name()).collect())
    }

    /// Does it, whatever is said.
    pub fn did(mut self, command: &Command) -> Self {
        self.says(command);
        self
    }

    pub fn last(&self) -> &Step {
        self.steps.last().unwrap()
    }

    /// What the last step said of that name.
    pub fn said(&self, name: &str) -> &CallEvent {
        self.last().events.iter().find(|event| event.what.name() == name).unwrap()
    }

    /// The names of everything said so far.
    pub fn all_said(&self) -> Vec<&'static str> {
        self.log().map(|(_, event)| event.what.name()).collect()
    }

    pub fn ending(&self) -> &Ending {
        let What::Ended(ending) = &self.said("call.ended").what else { unreachable!() };
        ending
    }

    pub fn why(&mut self, command: &Command) -> Why {
        let before = self.call.clone();
        let refusal = self.apply(command).unwrap_err();
        assert_eq!((refusal.state, &self.call), (before.state, &before));
        refusal.why
    }

    /// Everything said so far, with its moment.
    pub fn log(&self) -> impl Iterator<Item = (Timestamp, &CallEvent)> {
        self.steps.iter().flat_map(|step| step.events.iter().map(|event| (step.at, event)))
    }
}

/// Two queues in which, beside this call, two wait before it; only the first one's agents have time for paper work.
fn context(actor: Actor, step: usize) -> Context {
    let facts = |id: &str, wrap_up| QueueFacts {
        id: queue(id),
        settings: Settings { wrap_up: secs(wrap_up), ..Settings::default() },
        waiting: 2,
        position: Some(1),
    };
    Context {
        actor,
        leg: LegId::parse(&format!("leg-{step}")).unwrap(),
        entry: EntryId::parse(&format!("entry-{step}")).unwrap(),
        queues: vec![facts("q1", 30), facts("q2", 0)],
        short_abandon: secs(5),
    }
}
