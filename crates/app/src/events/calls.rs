//! What is said about calls and what waits in queues.

use super::event;
use model::calls::{Call, CallEvent, Changes, Direction, Ending, Party, Target, What};
use model::duration::seconds;
use model::queues::{Channel, Queue};
use model::{Audience, CallId, NewEvent, QueueId, TenantId, Timestamp, UserId, catalogue};
use serde::Serialize;
use serde_json::{Map, Value, json};

/// What all events of one step have in common.
pub(crate) struct Said<'a> {
    /// The tenant.
    pub tenant: &'a TenantId,
    /// The call after the step.
    pub call: &'a Call,
    /// The queues that the step concerns.
    pub queues: &'a [Queue],
    /// When.
    pub at: Timestamp,
}

impl Said<'_> {
    /// The event of the log.
    pub fn event(&self, said: &CallEvent) -> NewEvent {
        match &said.what {
            What::Joined { .. } | What::Left { .. } => self.of_queue(said),
            _ => self.of_call(said),
        }
    }

    fn of_call(&self, said: &CallEvent) -> NewEvent {
        let queues = match &said.what {
            What::Abandoned { .. } => said.queue.iter().cloned().collect(),
            _ => Vec::new(),
        };
        let audience = Audience { users: said.audience.clone(), queues, ..Audience::default() };
        let mut fields = self.about_call(said.queue.as_ref(), said.user.as_ref());
        fields.extend(self.particulars(&said.what));
        event(name(&said.what), format!("call:{}", self.call.id), audience, &fields)
    }

    fn of_queue(&self, said: &CallEvent) -> NewEvent {
        let audience = Audience { queues: said.queue.iter().cloned().collect(), ..Audience::default() };
        let queue = said.queue.as_ref();
        let known = self.queues.iter().find(|one| Some(&one.id) == queue);
        let id = queue.map_or("", QueueId::as_str);
        let mut fields = object(json!({
            "queue_id": id,
            "queue_name": known.map_or(id, |queue| &queue.name),
            "tenant_id": self.tenant,
            "channel": known.map_or(Channel::Voice, |queue| queue.channel),
            "at": self.at,
            "call_id": self.call.id,
        }));
        fields.extend(self.particulars(&said.what));
        event(name(&said.what), format!("queue:{id}"), audience, &fields)
    }

    fn about_call(&self, queue: Option<&QueueId>, user: Option<&UserId>) -> Map<String, Value> {
        let call = self.call;
        let mut fields = object(json!({
            "call_id": call.id,
            "tenant_id": self.tenant,
            "direction": call.direction,
            "at": self.at,
        }));
        put(&mut fields, "external_id", &call.external_id);
        put(&mut fields, "queue_id", &queue);
        put(&mut fields, "user_id", &user);
        fields
    }

    fn particulars(&self, what: &What) -> Map<String, Value> {
        match what {
            What::Incoming { from, to } => object(json!({
                "from": party(from),
                "to": { "number": to.number },
                "started_at": self.call.started_at,
            })),
            What::Outgoing { from, to, client_ref, leg } => {
                let mut fields = object(json!({
                    "from": { "number": from.number },
                    "to": { "number": to.number },
                    "started_at": self.call.started_at,
                }));
                put(&mut fields, "client_ref", client_ref);
                put(&mut fields, "leg_id", leg);
                fields
            }
            What::Joined { entry, position, size, from } => {
                object(json!({ "entry_id": entry, "position": position, "size": size, "from": party(from) }))
            }
            What::Left { entry, reason, wait, position, size } => object(json!({
                "entry_id": entry,
                "reason": reason,
                "wait_seconds": seconds(*wait),
                "position": position,
                "size": size,
            })),
            What::Ringing { leg, attempt, from, also_ringing } => {
                let mut fields = object(json!({
                    "leg_id": leg,
                    "attempt": attempt,
                    "from": party(from),
                    "started_at": self.call.started_at,
                    "also_ringing": also_ringing,
                }));
                // In other calls it is the customer's, or a colleague's.
                if self.call.direction == Direction::Inbound {
                    fields.insert("to".into(), json!({ "number": self.call.to.number }));
                }
                fields
            }
            What::Missed { leg, outcome, ring } => {
                object(json!({ "leg_id": leg, "outcome": outcome, "ring_seconds": seconds(*ring) }))
            }
            What::Answered { leg, wait, ring, via } => object(json!({
                "leg_id": leg,
                "answered_at": self.at,
                "wait_seconds": seconds(*wait),
                "ring_seconds": seconds(*ring),
                "via": via,
            })),
            What::Hold { leg, count } => object(json!({ "leg_id": leg, "hold_count": count })),
            What::Unhold { leg, hold } => object(json!({ "leg_id": leg, "hold_seconds": seconds(*hold) })),
            What::Transferred { kind, from, to, by } => {
                let mut fields = object(json!({ "kind": kind, "to": target(to), "transferred_by": by }));
                put(&mut fields, "from_user_id", from);
                fields
            }
            What::Abandoned { place, wait, position, short, from } => {
                let mut fields = object(json!({
                    "where": place,
                    "wait_seconds": seconds(*wait),
                    "short": short,
                    "from": party(from),
                }));
                put(&mut fields, "position", position);
                fields
            }
            What::Ended(ending) => ended(ending),
            What::Updated { changed, by } => {
                let mut fields = object(json!({ "changed": changes(changed) }));
                put(&mut fields, "by", by);
                fields
            }
        }
    }
}

fn name(what: &What) -> model::EventName {
    match what {
        What::Incoming { .. } => catalogue::CALL_INCOMING,
        What::Outgoing { .. } => catalogue::CALL_OUTGOING,
        What::Joined { .. } => catalogue::QUEUE_JOINED,
        What::Left { .. } => catalogue::QUEUE_LEFT,
        What::Ringing { .. } => catalogue::CALL_RINGING,
        What::Missed { .. } => catalogue::CALL_MISSED,
        What::Answered { .. } => catalogue::CALL_ANSWERED,
        What::Hold { .. } => catalogue::CALL_HOLD,
        What::Unhold { .. } => catalogue::CALL_UNHOLD,
        What::Transferred { .. } => catalogue::CALL_TRANSFERRED,
        What::Abandoned { .. } => catalogue::CALL_ABANDONED,
        What::Ended(_) => catalogue::CALL_ENDED,
        What::Updated { .. } => catalogue::CALL_UPDATED,
    }
}

fn ended(ending: &Ending) -> Map<String, Value> {
    let mut fields = object(json!({
        "ended_at": ending.ended_at,
        "duration_seconds": seconds(ending.duration),
        "wait_seconds": seconds(ending.wait),
        "talk_seconds": seconds(ending.talk),
        "hold_seconds": seconds(ending.hold),
        "outcome": ending.outcome,
        "ended_by": ending.ended_by,
        "user_ids": ending.users,
        "queue_ids": ending.queues,
        "transfers": ending.transfers,
        "recording": false,
    }));
    put::<Option<CallId>>(&mut fields, "merged_into", &ending.merged_into);
    put(&mut fields, "estimated", &ending.estimated.then_some(true));
    put(&mut fields, "hangup_cause", &ending.hangup_cause);
    fields
}

fn party(party: &Party) -> Map<String, Value> {
    let mut fields = object(json!({ "number": party.number }));
    put(&mut fields, "name", &party.name);
    fields
}

fn target(target: &Target) -> Value {
    match target {
        Target::User(id) => json!({ "kind": "user", "id": id }),
        Target::Queue(id) => json!({ "kind": "queue", "id": id }),
        Target::Number(number) => json!({ "kind": "number", "number": number }),
    }
}

/// The new values by field; null for what is there no more.
fn changes(changed: &Changes) -> Map<String, Value> {
    let mut fields = Map::new();
    if let Some(disposition) = &changed.disposition {
        fields.insert("disposition".into(), json!(disposition));
    }
    put(&mut fields, "tags", &changed.tags);
    if !changed.attributes.is_empty() {
        fields.insert("attributes".into(), json!(changed.attributes));
    }
    fields
}

/// The fields of what was written as an object.
fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

/// Adds a field unless there is nothing to say: a field that is absent is never null.
fn put<T: Serialize>(fields: &mut Map<String, Value>, name: &str, value: &T) {
    let value = serde_json::to_value(value).unwrap_or(Value::Null);
    if !value.is_null() {
        fields.insert(name.into(), value);
    }
}
