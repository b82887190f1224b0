//! What a step says and means: the call's events with all that their payloads need, work for agents, and what counts for a
//! queue's numbers. What every event shares (the call's ids, direction and parties) is in the step's call.

use super::{Call, Changes, Direction, EndedBy, Outcome, Party, Target, TransferKind, Via, Where};
use crate::agents::{self, OfferOutcome};
use crate::queues::{EndedEntry, LeftReason};
use crate::{CallId, EntryId, LegId, QueueId, Timestamp, UserId};
use std::time::Duration;

/// A change of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The call as it is from now on.
    pub call: Call,
    /// When.
    pub at: Timestamp,
    /// What is to be said, in this order, and before what agents' states have to say.
    pub events: Vec<CallEvent>,
    /// What it means for agents, in this order.
    pub agents: Vec<(UserId, agents::Command)>,
    /// What counts for queues' and agents' numbers.
    pub counted: Vec<Counted>,
}

/// Something that counts for the numbers of a queue or an agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Counted {
    /// A stay ended.
    Entry(QueueId, EndedEntry),
    /// An agent's part in a call of a queue, or in another one with outside, ended.
    Leg {
        /// The agent.
        user: UserId,
        /// The queue that it was for, if it was for one.
        queue: Option<QueueId>,
        /// The agent's part.
        leg: LegId,
        /// How long the agent talked.
        talk: Duration,
        /// How long the other was on hold.
        hold: Duration,
    },
    /// An agent let an offer pass, or declined it.
    MissedOffer(UserId),
}

/// One event about a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallEvent {
    /// The queue concerned (`queue_id`), whose members may be among the audience.
    pub queue: Option<QueueId>,
    /// The agent concerned (`user_id`).
    pub user: Option<UserId>,
    /// The agents whom the audience codes SELF and PARTY mean.
    pub audience: Vec<UserId>,
    /// What happened.
    pub what: What,
}

/// What happened to a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// `call.incoming`.
    Incoming {
        /// Who calls.
        from: Party,
        /// Who is called.
        to: Party,
    },
    /// `call.outgoing`.
    Outgoing {
        /// The part of the agent who placed it, if one did.
        leg: Option<LegId>,
        /// Who calls.
        from: Party,
        /// Who is called.
        to: Party,
        /// What the program that placed it calls it.
        client_ref: Option<String>,
    },
    /// `queue.joined`.
    Joined {
        /// The stay.
        entry: EntryId,
        /// Its place.
        position: u32,
        /// How many wait, this one included.
        size: u32,
        /// Who calls.
        from: Party,
    },
    /// `queue.left`.
    Left {
        /// The stay.
        entry: EntryId,
        /// Why.
        reason: LeftReason,
        /// How long it was.
        wait: Duration,
        /// The place left.
        position: u32,
        /// How many still wait.
        size: u32,
    },
    /// `call.ringing`.
    Ringing {
        /// The agent's part.
        leg: LegId,
        /// Which of this agent's in this call.
        attempt: usize,
        /// Who calls.
        from: Party,
        /// For how many other agents it rings.
        also_ringing: usize,
    },
    /// `call.missed`.
    Missed {
        /// The agent's part.
        leg: LegId,
        /// How the offer ended.
        outcome: OfferOutcome,
        /// How long it rang.
        ring: Duration,
    },
    /// `call.answered`.
    Answered {
        /// The agent's part.
        leg: LegId,
        /// How long the call waited for this answer.
        wait: Duration,
        /// How long this phone rang.
        ring: Duration,
        /// How the call had come.
        via: Via,
    },
    /// `call.hold`.
    Hold {
        /// The agent's part.
        leg: LegId,
        /// How often by now.
        count: u32,
    },
    /// `call.unhold`.
    Unhold {
        /// The agent's part.
        leg: LegId,
        /// How long it was.
        hold: Duration,
    },
    /// `call.transferred`.
    Transferred {
        /// How.
        kind: TransferKind,
        /// Who had it before.
        from: Option<UserId>,
        /// Who has it now, or is asked.
        to: Target,
        /// Who moved it: a user's id, or `telephony` or `system` where nobody knows.
        by: String,
    },
    /// `call.abandoned`.
    Abandoned {
        /// Where.
        place: Where,
        /// How long the caller waited.
        wait: Duration,
        /// The caller's place in the queue.
        position: Option<u32>,
        /// Whether that was too short for any rate.
        short: bool,
        /// Who called.
        from: Party,
    },
    /// `call.ended`.
    Ended(Box<Ending>),
    /// `call.updated`.
    Updated {
        /// What is different from before.
        changed: Changes,
        /// Who changed it.
        by: Option<UserId>,
    },
}

/// The sum of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    /// When it ended; for an end that nobody saw, when anything last happened.
    pub ended_at: Timestamp,
    /// From begin to end.
    pub duration: Duration,
    /// Until the first answer, or the end.
    pub wait: Duration,
    /// What agents talked.
    pub talk: Duration,
    /// What somebody was on hold.
    pub hold: Duration,
    /// What became of it.
    pub outcome: Outcome,
    /// The call that it goes on in.
    pub merged_into: Option<CallId>,
    /// Whether nobody saw the end.
    pub estimated: bool,
    /// Who ended it.
    pub ended_by: EndedBy,
    /// The telephone system's cause.
    pub hangup_cause: Option<u16>,
    /// Who took part.
    pub users: Vec<UserId>,
    /// Where it waited or for which it was served.
    pub queues: Vec<QueueId>,
    /// How often it was transferred.
    pub transfers: u32,
}

impl What {
    /// The event's name in the catalogue.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Incoming { .. } => "call.incoming",
            Self::Outgoing { .. } => "call.outgoing",
            Self::Joined { .. } => "queue.joined",
            Self::Left { .. } => "queue.left",
            Self::Ringing { .. } => "call.ringing",
            Self::Missed { .. } => "call.missed",
            Self::Answered { .. } => "call.answered",
            Self::Hold { .. } => "call.hold",
            Self::Unhold { .. } => "call.unhold",
            Self::Transferred { .. } => "call.transferred",
            Self::Abandoned { .. } => "call.abandoned",
            Self::Ended(_) => "call.ended",
            Self::Updated { .. } => "call.updated",
        }
    }

    /// The first word about a call of that direction.
    pub(super) fn beginning(call: &Call, leg: Option<LegId>) -> Self {
        let (from, to) = (call.from.clone(), call.to.clone());
        match call.direction {
            Direction::Inbound => Self::Incoming { from, to },
            Direction::Outbound | Direction::Internal => {
                Self::Outgoing { leg, from, to, client_ref: call.client_ref.clone() }
            }
        }
    }
}
