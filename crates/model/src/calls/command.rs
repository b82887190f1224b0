//! What can be done to a call, what the machine must be told for it, and why it may say no.

use super::{Call, Direction, EndedBy, OfferOutcome, Outcome, Party, State, TransferKind};
use crate::queues::{LeftReason, Settings};
use crate::{CallId, EntryId, LegId, QueueId, UserId};
use std::collections::BTreeMap;
use std::time::Duration;

/// Parts that agents may have in one call. A queue that rings 50 agents at once can try ten times; at about 200 bytes each
/// a call stays under 100 KiB.
pub const MAX_LEGS: usize = 500;
/// Stays in queues that one call may have; none is longer than a phone menu between queues goes in circles.
pub const MAX_ENTRIES: usize = 200;
/// Attributes that one call may have.
pub const MAX_ATTRIBUTES: usize = 50;

/// A call that begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCall {
    /// Its id.
    pub id: CallId,
    /// What the telephone system calls it.
    pub external_id: Option<String>,
    /// What the program that placed it calls it.
    pub client_ref: Option<String>,
    /// Where it comes from and goes to.
    pub direction: Direction,
    /// Who calls.
    pub from: Party,
    /// Who is called.
    pub to: Party,
    /// The queue where it waits at once; for an agent's own call to outside, the queue that it is made for.
    pub queue: Option<QueueId>,
    /// Inbound: the agent whom it rings. Else: the agent who places it.
    pub user: Option<UserId>,
}

/// What is done to a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// It begins to wait in a queue.
    Enqueue(QueueId),
    /// It leaves its queue without an answer: timeout, exit_key, empty or removed.
    Dequeue(LeftReason),
    /// It is offered to an agent.
    Ring(UserId),
    /// An offer ends without an answer.
    Miss(UserId, OfferOutcome),
    /// An agent answers; in a call that this agent has placed, the far end does.
    Answer(UserId),
    /// An agent puts the other on hold.
    Hold(UserId),
    /// That hold ends.
    Unhold(UserId),
    /// It goes to somebody else.
    Transfer(TransferKind, Target),
    /// It is over.
    End {
        /// Who ended it; none: whoever acts.
        ended_by: Option<EndedBy>,
        /// What became of it. `answered` and `abandoned` are only believed as far as the machine has seen no other.
        outcome: Option<Outcome>,
        /// The telephone system's cause.
        hangup_cause: Option<u16>,
        /// The call that it goes on in.
        merged_into: Option<CallId>,
    },
    /// What is kept with it changes.
    Update(Changes),
    /// It is given up if nothing has happened to it for this time.
    Stale(Duration),
}

/// Where a call is transferred to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// An agent.
    User(UserId),
    /// A queue.
    Queue(QueueId),
    /// A number outside.
    Number(String),
}

/// What is to change of the things that are kept with a call, or what has changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// Another disposition, or none any more.
    pub disposition: Option<Option<String>>,
    /// All tags from now on.
    pub tags: Option<Vec<String>>,
    /// Attributes with another value, or none any more. Those not named stay.
    pub attributes: BTreeMap<String, Option<String>>,
}

/// Who acts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// An agent, in a call of its own.
    Agent(UserId),
    /// A supervisor or an admin.
    Supervisor(UserId),
    /// The telephone system reports.
    Telephony,
    /// The platform: timers.
    System,
}

impl Actor {
    /// The person.
    #[must_use]
    pub fn user(&self) -> Option<&UserId> {
        match self {
            Self::Agent(user) | Self::Supervisor(user) => Some(user),
            Self::Telephony | Self::System => None,
        }
    }

    /// Who ends a call that this one ends.
    #[must_use]
    pub fn ends(&self) -> EndedBy {
        match self {
            Self::Agent(_) => EndedBy::Agent,
            Self::Supervisor(_) => EndedBy::Supervisor,
            Self::Telephony => EndedBy::Unknown,
            Self::System => EndedBy::System,
        }
    }
}

/// What the machine must be told about the world.
#[derive(Debug, Clone)]
pub struct Context {
    /// Who acts.
    pub actor: Actor,
    /// An id for the leg that may begin; one step begins at most one.
    pub leg: LegId,
    /// An id for the entry that may begin; one step begins at most one.
    pub entry: EntryId,
    /// The queues of `concerned_queues`. What is missing has the default settings and nobody waiting.
    pub queues: Vec<QueueFacts>,
    /// The tenant's limit for short abandoned waits.
    pub short_abandon: Duration,
}

/// A queue as it is before the step.
#[derive(Debug, Clone)]
pub struct QueueFacts {
    /// Which.
    pub id: QueueId,
    /// Its settings.
    pub settings: Settings,
    /// How many wait there, this call included if it does.
    pub waiting: u32,
    /// This call's place there, if it waits there: 1 is next.
    pub position: Option<u32>,
}

impl Context {
    pub(super) fn queue(&self, id: &QueueId) -> Option<&QueueFacts> {
        self.queues.iter().find(|queue| queue.id == *id)
    }
}

/// The queues that the context of `command` must tell about, sorted, each once: the one to join, the one to leave, and
/// those that agents in the call serve it for. A call that starts concerns the queue of its `NewCall`.
#[must_use]
pub fn concerned_queues(call: &Call, command: &Command) -> Vec<QueueId> {
    let joined = match command {
        Command::Enqueue(queue) | Command::Transfer(_, Target::Queue(queue)) => Some(queue),
        _ => None,
    };
    let waits = call.waiting().map(|entry| &entry.queue);
    let serves = call.legs.iter().filter(|leg| leg.open()).filter_map(|leg| leg.queue.as_ref());
    let all = joined.into_iter().chain(waits).chain(call.queue.as_ref()).chain(serves);
    let mut queues: Vec<QueueId> = all.cloned().collect();
    queues.sort();
    queues.dedup();
    queues
}

/// A command that the call's state does not allow. Nothing has changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct Refusal {
    /// How the call is.
    pub state: State,
    /// What is in the way.
    pub why: Why,
}

/// What is in the way of a command.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Why {
    /// Nothing happens to an ended call.
    #[error("the call has ended")]
    Ended,
    /// One queue at a time.
    #[error("the call waits in queue {0}: take it out, transfer it, or answer it first")]
    Waits(QueueId),
    /// It waits nowhere.
    #[error("the call waits in no queue")]
    WaitsNowhere,
    /// An entry does not end for this reason by itself.
    #[error(
        "a call leaves its queue for timeout, exit_key, empty or removed; other reasons have calls of their own"
    )]
    NotAReason,
    /// One agent at a time.
    #[error("agent {0} has the call: transfer it first")]
    Taken(UserId),
    /// No offer to end.
    #[error("the call does not ring for agent {0}")]
    DoesNotRing(UserId),
    /// Not in the conversation.
    #[error("agent {0} is not talking in this call")]
    DoesNotTalk(UserId),
    /// Nobody gets a call twice.
    #[error("agent {0} is in the call already")]
    IsInIt(UserId),
    /// Only who has a call can hand it over.
    #[error("nobody has the call who could transfer it: use kind redirect")]
    NobodyHasIt,
    /// A bound.
    #[error("a call has at most {limit} {what}")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many are allowed.
        limit: usize,
    },
}
