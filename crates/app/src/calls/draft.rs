//! What a report says, and the checks that make a command of it.

use crate::fields::Problems;
use crate::{Error, Result, api_keys};
use model::calls::{
    Changes, Command, Direction, EndedBy, MAX_ATTRIBUTES, NewCall, OfferOutcome, Outcome, Party, Target,
    TransferKind,
};
use model::queues::LeftReason;
use model::{CallId, QueueId, UserId};
use serde::Serialize;
use std::collections::BTreeMap;

const MAX_NUMBER: usize = 64;
const MAX_NAME: usize = 200;
const MAX_FOREIGN_ID: usize = 200;
const MAX_DISPOSITION: usize = 100;
const MAX_TAGS: usize = 50;
const MAX_TAG: usize = 50;
const MAX_KEY: usize = 64;
const MAX_VALUE: usize = 1000;

/// One end of a call, as reported.
#[derive(Debug, Clone, Serialize)]
pub struct PartyDraft {
    /// The number.
    pub number: String,
    /// The name that came with it.
    pub name: Option<String>,
}

/// A call that begins, as reported.
#[derive(Debug, Clone, Serialize)]
pub struct NewCallDraft {
    /// The reporter's own id for it.
    pub id: Option<String>,
    /// What the telephone system calls it.
    pub external_id: Option<String>,
    /// What the program that placed it calls it.
    pub client_ref: Option<String>,
    /// inbound, outbound or internal.
    pub direction: String,
    /// Who calls.
    pub from: PartyDraft,
    /// Who is called.
    pub to: PartyDraft,
    /// The queue where it waits at once.
    pub queue_id: Option<String>,
    /// The agent whom it rings, or who places it.
    pub user_id: Option<String>,
}

impl NewCallDraft {
    /// The same for the same report.
    pub(super) fn hash(&self) -> String {
        api_keys::hash(&serde_json::to_string(self).unwrap_or_default())
    }

    pub(super) fn read(self) -> Result<NewCall> {
        let mut problems = Problems::default();
        let id = match &self.id {
            None => Some(CallId::generate()),
            Some(id) => problems.take("id", CallId::parse(id)),
        };
        for (text, field) in [(&self.external_id, "external_id"), (&self.client_ref, "client_ref")] {
            if let Some(text) = text {
                problems.check_text(text, 1, MAX_FOREIGN_ID, field);
            }
        }
        let direction = word(&mut problems, "direction", &self.direction, Direction::parse, Direction::ALL);
        let (from, to) = (party(&mut problems, "from", self.from), party(&mut problems, "to", self.to));
        let queue = self.queue_id.as_deref().and_then(|id| named_queue(&mut problems, "queue_id", id));
        let user = self.user_id.as_deref().and_then(|id| named_user(&mut problems, "user_id", id));
        problems.into_result()?;
        let (Some(id), Some(direction)) = (id, direction) else { return Err(unexplained()) };
        let (external_id, client_ref) = (self.external_id, self.client_ref);
        Ok(NewCall { id, external_id, client_ref, direction, from, to, queue, user })
    }
}

fn party(problems: &mut Problems, field: &str, draft: PartyDraft) -> Party {
    problems.check_text(&draft.number, 1, MAX_NUMBER, &format!("{field}.number"));
    if let Some(name) = &draft.name {
        problems.check_text(name, 1, MAX_NAME, &format!("{field}.name"));
    }
    Party { number: draft.number, name: draft.name }
}

/// Where a transfer leads, as reported: exactly one of the three.
#[derive(Debug, Clone, Default)]
pub struct TargetDraft {
    /// An agent.
    pub user_id: Option<String>,
    /// A queue.
    pub queue_id: Option<String>,
    /// A number outside.
    pub number: Option<String>,
}

/// A transfer, as reported.
#[derive(Debug, Clone)]
pub struct TransferDraft {
    /// blind, attended or redirect.
    pub kind: String,
    /// Where to.
    pub to: TargetDraft,
}

impl TransferDraft {
    /// The command.
    pub fn read(self) -> Result<Command> {
        let mut problems = Problems::default();
        let kind = word(&mut problems, "kind", &self.kind, TransferKind::parse, TransferKind::ALL);
        let target = match (self.to.user_id, self.to.queue_id, self.to.number) {
            (Some(id), None, None) => named_user(&mut problems, "to.user_id", &id).map(Target::User),
            (None, Some(id), None) => named_queue(&mut problems, "to.queue_id", &id).map(Target::Queue),
            (None, None, Some(number)) => {
                problems.check_text(&number, 1, MAX_NUMBER, "to.number");
                Some(Target::Number(number))
            }
            _ => {
                problems.add("to", "must have exactly one of user_id, queue_id and number");
                None
            }
        };
        problems.into_result()?;
        match (kind, target) {
            (Some(kind), Some(target)) => Ok(Command::Transfer(kind, target)),
            _ => Err(unexplained()),
        }
    }
}

/// What the end of a call is told with; what is `None` was not said.
#[derive(Debug, Clone, Default)]
pub struct Ends {
    /// Who ended it.
    pub ended_by: Option<String>,
    /// What became of it.
    pub outcome: Option<String>,
    /// The telephone network's cause.
    pub hangup_cause: Option<u16>,
    /// The call that it goes on in.
    pub merged_into: Option<String>,
}

impl Ends {
    /// The command.
    pub fn read(self) -> Result<Command> {
        let mut problems = Problems::default();
        let ended_by = self
            .ended_by
            .and_then(|text| word(&mut problems, "ended_by", &text, EndedBy::parse, EndedBy::ALL));
        let outcome =
            self.outcome.and_then(|text| word(&mut problems, "outcome", &text, Outcome::parse, Outcome::ALL));
        let merged_into = self.merged_into.and_then(|id| problems.take("merged_into", CallId::parse(&id)));
        let goes_on = merged_into.as_ref().map(|_| Outcome::Merged);
        let fits = goes_on.is_none() || outcome.is_none_or(|outcome| outcome == Outcome::Merged);
        problems.check(fits, "outcome", "must be merged, or left out, where merged_into names a call");
        problems.into_result()?;
        let outcome = outcome.or(goes_on);
        Ok(Command::End { ended_by, outcome, hangup_cause: self.hangup_cause, merged_into })
    }
}

/// What is to change of what is kept with a call; what is `None` was not said.
#[derive(Debug, Clone, Default)]
pub struct ChangesDraft {
    /// Another disposition, or none any more.
    pub disposition: Option<Option<String>>,
    /// All tags from now on.
    pub tags: Option<Vec<String>>,
    /// Attributes with another value, or none any more.
    pub attributes: Option<BTreeMap<String, Option<String>>>,
}

impl ChangesDraft {
    /// The command.
    pub fn read(self) -> Result<Command> {
        let mut problems = Problems::default();
        if let Some(Some(disposition)) = &self.disposition {
            problems.check_text(disposition, 1, MAX_DISPOSITION, "disposition");
        }
        let tags = self.tags.map(|tags| {
            problems.check(tags.len() <= MAX_TAGS, "tags", &format!("must be {MAX_TAGS} at most"));
            let mut kept: Vec<String> = Vec::new();
            for (at, tag) in tags.into_iter().enumerate() {
                problems.check_text(&tag, 1, MAX_TAG, &format!("tags[{at}]"));
                if !kept.contains(&tag) {
                    kept.push(tag);
                }
            }
            kept
        });
        let attributes = self.attributes.unwrap_or_default();
        let many = format!("must be {MAX_ATTRIBUTES} at most");
        problems.check(attributes.len() <= MAX_ATTRIBUTES, "attributes", &many);
        for (key, value) in &attributes {
            problems.check_text(key, 1, MAX_KEY, "attributes");
            let length = value.as_ref().map_or(0, |value| value.chars().count());
            let field = format!("attributes.{key}");
            problems.check(
                length <= MAX_VALUE,
                &field,
                &format!("must be {MAX_VALUE} characters long at most"),
            );
        }
        problems.into_result()?;
        Ok(Command::Update(Changes { disposition: self.disposition, tags, attributes }))
    }
}

/// A command about one agent.
pub fn of_user(id: &str, command: impl Fn(UserId) -> Command) -> Result<Command> {
    let mut problems = Problems::default();
    let user = named_user(&mut problems, "user_id", id);
    problems.into_result()?;
    user.map(command).ok_or_else(unexplained)
}

/// The command to wait in a queue.
pub fn enqueue(id: &str) -> Result<Command> {
    let mut problems = Problems::default();
    let queue = named_queue(&mut problems, "queue_id", id);
    problems.into_result()?;
    queue.map(Command::Enqueue).ok_or_else(unexplained)
}

/// The command to leave the queue.
pub fn dequeue(reason: &str) -> Result<Command> {
    use LeftReason::{Empty, ExitKey, Removed, Timeout};
    let mut problems = Problems::default();
    let known = [Timeout, ExitKey, Empty, Removed];
    let parse = |text: &str| known.into_iter().find(|reason| reason.as_str() == text);
    let reason = word(&mut problems, "reason", reason, parse, &known);
    problems.into_result()?;
    reason.map(Command::Dequeue).ok_or_else(unexplained)
}

/// The command that ends an offer.
pub fn miss(user: &str, outcome: &str) -> Result<Command> {
    let mut problems = Problems::default();
    let user = named_user(&mut problems, "user_id", user);
    let outcome = word(&mut problems, "outcome", outcome, OfferOutcome::parse, OfferOutcome::ALL);
    problems.into_result()?;
    user.zip(outcome).map(|(user, outcome)| Command::Miss(user, outcome)).ok_or_else(unexplained)
}

/// An id that no user can have is one that no user has.
fn named_user(problems: &mut Problems, field: &str, id: &str) -> Option<UserId> {
    let user = UserId::parse(id).ok();
    problems.check(user.is_some(), field, "must be the id of a user");
    user
}

fn named_queue(problems: &mut Problems, field: &str, id: &str) -> Option<QueueId> {
    let queue = QueueId::parse(id).ok();
    problems.check(queue.is_some(), field, "must be the id of a queue");
    queue
}

fn word<T: Copy + Serialize>(
    problems: &mut Problems,
    field: &str,
    text: &str,
    parse: impl Fn(&str) -> Option<T>,
    known: &[T],
) -> Option<T> {
    let found = parse(text);
    if found.is_none() {
        let words: Vec<String> =
            known.iter().filter_map(|one| serde_json::to_value(one).ok()?.as_str().map(Into::into)).collect();
        problems.add(field, format!("must be one of {}", words.join(", ")));
    }
    found
}

fn unexplained() -> Error {
    Error::Internal("a value that cannot be read, without a problem".into())
}
