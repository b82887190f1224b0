//! What answers about calls look like.

use model::calls::{Call, EndedBy, Entry, Leg, Outcome, Party, Via};
use model::duration::seconds;
use model::queues::LeftReason;
use model::{QueueId, Timestamp};
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// A call: one customer's conversation, from the first ring to the last hang-up. Times that go on are counted until now.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Call)]
pub(crate) struct CallBody {
    #[schema(example = "call-42")]
    id: String,
    /// The telephone system's own name of it.
    #[schema(required = true)]
    external_id: Option<String>,
    #[schema(required = true)]
    client_ref: Option<String>,
    /// inbound, outbound or internal.
    direction: &'static str,
    /// queued, ringing, active, held or ended.
    state: &'static str,
    from: PartyBody,
    to: PartyBody,
    /// The queue where it waits, or the last one.
    #[schema(required = true)]
    queue_id: Option<String>,
    /// The agent who has it now.
    #[schema(required = true)]
    user_id: Option<String>,
    started_at: String,
    #[schema(required = true)]
    answered_at: Option<String>,
    #[schema(required = true)]
    ended_at: Option<String>,
    /// What became of it; null while it goes on.
    #[schema(required = true)]
    outcome: Option<&'static str>,
    #[schema(required = true)]
    ended_by: Option<&'static str>,
    /// From its beginning.
    duration_seconds: f64,
    /// Until the first answer.
    wait_seconds: f64,
    /// What agents talked, holds left out.
    talk_seconds: f64,
    hold_seconds: f64,
    transfers: u32,
    /// Agents' parts.
    legs: Vec<LegBody>,
    /// Stays in queues.
    entries: Vec<EntryBody>,
    #[schema(required = true)]
    disposition: Option<String>,
    tags: Vec<String>,
    attributes: BTreeMap<String, String>,
    /// Always empty: nothing is recorded yet.
    recordings: Vec<String>,
}

/// One end of a call.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Party)]
pub(crate) struct PartyBody {
    #[schema(example = "+4930901820")]
    number: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
}

/// One agent's part in a call.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Leg)]
pub(crate) struct LegBody {
    id: String,
    user_id: String,
    /// agent, placed (who placed it, to outside) or caller (who placed it, to a colleague or a queue).
    role: &'static str,
    /// The queue that it is served for.
    #[schema(required = true)]
    queue_id: Option<String>,
    /// queue, direct, transfer or outbound, once it is settled.
    #[schema(required = true)]
    via: Option<&'static str>,
    /// The agent's telephone, where it is known.
    #[schema(required = true)]
    device: Option<String>,
    offered_at: String,
    #[schema(required = true)]
    answered_at: Option<String>,
    #[schema(required = true)]
    ended_at: Option<String>,
    /// answered, or how the offer ended; null while it rings.
    #[schema(required = true)]
    outcome: Option<&'static str>,
    ring_seconds: f64,
    talk_seconds: f64,
    hold_seconds: f64,
    hold_count: u32,
    /// Since when this agent has the other side on hold; null when not.
    #[schema(required = true)]
    held_since: Option<String>,
}

/// One stay in one queue.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Entry)]
pub(crate) struct EntryBody {
    id: String,
    queue_id: String,
    joined_at: String,
    #[schema(required = true)]
    left_at: Option<String>,
    /// Why it was over.
    #[schema(required = true)]
    reason: Option<&'static str>,
    wait_seconds: f64,
    /// The place at which it began: 1 is next.
    position: u32,
}

impl CallBody {
    pub fn new(call: &Call, now: Timestamp) -> Self {
        let now = now.max(call.reported_at);
        Self {
            id: call.id.to_string(),
            external_id: call.external_id.clone(),
            client_ref: call.client_ref.clone(),
            direction: call.direction.as_str(),
            state: call.state.as_str(),
            from: party(&call.from),
            to: party(&call.to),
            queue_id: call.queue.as_ref().map(QueueId::to_string),
            user_id: call.agent().map(ToString::to_string),
            started_at: call.started_at.to_string(),
            answered_at: moment(call.answered_at),
            ended_at: moment(call.ended_at),
            outcome: call.outcome.map(Outcome::as_str),
            ended_by: call.ended_by.map(EndedBy::as_str),
            duration_seconds: seconds(call.ended_at.unwrap_or(now).since(call.started_at)),
            wait_seconds: seconds(call.wait(now)),
            talk_seconds: seconds(call.talk(now)),
            hold_seconds: seconds(call.hold(now)),
            transfers: call.transfers,
            legs: call.legs.iter().map(|leg| LegBody::new(leg, now)).collect(),
            entries: call.entries.iter().map(|entry| EntryBody::new(entry, now)).collect(),
            disposition: call.disposition.clone(),
            tags: call.tags.clone(),
            attributes: call.attributes.clone(),
            recordings: Vec::new(),
        }
    }
}

impl LegBody {
    fn new(leg: &Leg, now: Timestamp) -> Self {
        Self {
            id: leg.id.to_string(),
            user_id: leg.user.to_string(),
            role: leg.role.as_str(),
            queue_id: leg.queue.as_ref().map(QueueId::to_string),
            via: leg.via.map(Via::as_str),
            device: None,
            offered_at: leg.offered_at.to_string(),
            answered_at: moment(leg.answered_at),
            ended_at: moment(leg.ended_at),
            outcome: leg.outcome(),
            ring_seconds: seconds(leg.ring(now)),
            talk_seconds: seconds(leg.talk(now)),
            hold_seconds: seconds(leg.hold(now)),
            hold_count: leg.hold_count,
            held_since: moment(leg.held_since),
        }
    }
}

impl EntryBody {
    fn new(entry: &Entry, now: Timestamp) -> Self {
        Self {
            id: entry.id.to_string(),
            queue_id: entry.queue.to_string(),
            joined_at: entry.joined_at.to_string(),
            left_at: moment(entry.left_at),
            reason: entry.reason.map(LeftReason::as_str),
            wait_seconds: seconds(entry.wait(now)),
            position: entry.position,
        }
    }
}

fn party(party: &Party) -> PartyBody {
    PartyBody { number: party.number.clone(), name: party.name.clone() }
}

fn moment(at: Option<Timestamp>) -> Option<String> {
    at.map(|at| at.to_string())
}
