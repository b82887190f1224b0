//! A call with its legs and entries.

use super::{Direction, EndedBy, OfferOutcome, Outcome, Role, State, Via};
use crate::queues::LeftReason;
use crate::{CallId, EntryId, LegId, QueueId, Timestamp, UserId};
use std::collections::BTreeMap;
use std::time::Duration;

/// One end of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Party {
    /// The number.
    pub number: String,
    /// The name that came with it.
    pub name: Option<String>,
}

/// One customer's conversation, from the first ring to the last hang-up, through queues and transfers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// Its id.
    pub id: CallId,
    /// What the telephone system calls it.
    pub external_id: Option<String>,
    /// What the program that placed it calls it.
    pub client_ref: Option<String>,
    /// Where it comes from and goes to.
    pub direction: Direction,
    /// How it is now; follows from all the rest.
    pub state: State,
    /// Who calls.
    pub from: Party,
    /// Who is called.
    pub to: Party,
    /// The queue where it waits, or the last one.
    pub queue: Option<QueueId>,
    /// When it began.
    pub started_at: Timestamp,
    /// When a human first answered it.
    pub answered_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// When anything last happened to it; what is older than `CALL_STALE_AFTER` is given up.
    pub reported_at: Timestamp,
    /// How long it waited for its first answer, once it has one.
    pub waited: Option<Duration>,
    /// What became of it, once it has ended.
    pub outcome: Option<Outcome>,
    /// Who ended it, once it has ended.
    pub ended_by: Option<EndedBy>,
    /// The number outside that has the call, while no agent has.
    pub outside: Option<String>,
    /// Agents' parts, in the order in which they came.
    pub legs: Vec<Leg>,
    /// Stays in queues, in the order in which they came.
    pub entries: Vec<Entry>,
    /// How often it was transferred.
    pub transfers: u32,
    /// What the agent says it was about.
    pub disposition: Option<String>,
    /// Labels.
    pub tags: Vec<String>,
    /// What other programs keep with it.
    pub attributes: BTreeMap<String, String>,
}

/// One agent's part in a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leg {
    /// Its id.
    pub id: LegId,
    /// The agent.
    pub user: UserId,
    /// What the agent is in the call.
    pub role: Role,
    /// The queue that it is served for, if any.
    pub queue: Option<QueueId>,
    /// How the call has come; settled by the answer.
    pub via: Option<Via>,
    /// Which of this agent's parts in the call it is: 1, 2, 3 …
    pub attempt: usize,
    /// When the call was offered.
    pub offered_at: Timestamp,
    /// When it was answered.
    pub answered_at: Option<Timestamp>,
    /// When the part was over.
    pub ended_at: Option<Timestamp>,
    /// How the offer ended, if not with an answer.
    pub missed: Option<OfferOutcome>,
    /// How often the agent has put the other on hold.
    pub hold_count: u32,
    /// Since when the other is on hold.
    pub held_since: Option<Timestamp>,
    /// How long the holds that are over were.
    pub held: Duration,
}

/// One stay in one queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its id.
    pub id: EntryId,
    /// The queue.
    pub queue: QueueId,
    /// When it began.
    pub joined_at: Timestamp,
    /// The place at which it began: 1 is next.
    pub position: u32,
    /// To how many agents the call was offered meanwhile.
    pub offers: u32,
    /// When it was over.
    pub left_at: Option<Timestamp>,
    /// Why it was over.
    pub reason: Option<LeftReason>,
}

impl Call {
    /// A call that has just begun, and of which nothing else is known.
    #[must_use]
    pub fn new(id: CallId, direction: Direction, from: Party, to: Party, now: Timestamp) -> Self {
        Self {
            id,
            external_id: None,
            client_ref: None,
            direction,
            state: State::Ringing,
            from,
            to,
            queue: None,
            started_at: now,
            answered_at: None,
            ended_at: None,
            reported_at: now,
            waited: None,
            outcome: None,
            ended_by: None,
            outside: None,
            legs: Vec::new(),
            entries: Vec::new(),
            transfers: 0,
            disposition: None,
            tags: Vec::new(),
            attributes: BTreeMap::new(),
        }
    }
}

impl Leg {
    /// An offer that has just been made to `user`, for the first time.
    #[must_use]
    pub fn new(id: LegId, user: UserId, role: Role, now: Timestamp) -> Self {
        Self {
            id,
            user,
            role,
            queue: None,
            via: None,
            attempt: 1,
            offered_at: now,
            answered_at: None,
            ended_at: None,
            missed: None,
            hold_count: 0,
            held_since: None,
            held: Duration::ZERO,
        }
    }
}
