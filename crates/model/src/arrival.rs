//! The copy of a call's arrival for the agent whom the call is offered to: for clients that know `call.incoming` only. It
//! stands in no log; whoever sends an offer to the agent makes it from that. Knows nothing of connections.

use crate::catalogue::{self, CALL_INCOMING, CALL_RINGING};
use crate::raw_object::{Object, object, raw};
use crate::{Audience, Event, UserId};

/// What `user` is told right before `offer`; none unless that offers the user a call from outside. It has no number.
#[must_use]
pub fn copy_of_arrival(offer: &Event, user: &UserId) -> Option<Event> {
    if offer.name != CALL_RINGING || !offer.audience.users.contains(user) {
        return None;
    }
    let definition = catalogue::find(CALL_INCOMING.as_str())?;
    let Object(mut fields) = serde_json::from_str(offer.payload.get()).ok()?;
    let is_inbound = fields.iter().any(|(name, value)| name == "direction" && value.get() == r#""inbound""#);
    fields.retain(|(name, _)| definition.field(name).is_some());
    let is_there = |name| fields.iter().any(|(own, _)| own == name);
    if !is_inbound || !definition.fields().all(|field| field.optional || is_there(field.name)) {
        return None;
    }
    Some(Event {
        seq: 0,
        id: offer.id.of_copy(),
        name: CALL_INCOMING,
        audience: Audience::user(user),
        payload: raw(object(fields.iter().map(|(name, value)| (name.as_str(), value.get().to_owned()))))
            .into(),
        ..offer.clone()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{EventId, EventName, TenantId, Timestamp};
    use serde_json::{Value, json};

    fn user(id: &str) -> UserId {
        UserId::parse(id).unwrap()
    }

    fn offer(payload: &Value) -> Event {
        Event {
            tenant: TenantId::parse("t").unwrap(),
            seq: 7,
            id: EventId::generate(),
            name: CALL_RINGING,
            subject: Some("call:c1".into()),
            audience: Audience::user(&user("u1")),
            payload: serde_json::value::to_raw_value(payload).unwrap().into(),
            created_at: Timestamp(1_700_000_000_500),
        }
    }

    fn inbound() -> Value {
        json!({
            "call_id": "c1", "tenant_id": "t", "external_id": "x1", "direction": "inbound", "queue_id": "q1",
            "user_id": "u1", "at": "2026-11-25T16:56:53.123Z", "leg_id": "l1", "attempt": 2, "also_ringing": 1,
            "from": { "number": "+4930901820", "name": "Anna" }, "to": { "number": "+4930555000" },
            "started_at": "2026-11-25T16:56:50.000Z",
        })
    }

    #[test]
    fn it_says_of_the_offer_what_an_arrival_says() {
        let offer = offer(&inbound());
        let copy = copy_of_arrival(&offer, &user("u1")).unwrap();
        let mut expected = inbound();
        for field in ["attempt", "also_ringing"] {
            expected.as_object_mut().unwrap().remove(field);
        }
        assert_eq!(serde_json::from_str::<Value>(copy.payload.get()).unwrap(), expected);
        assert_eq!((copy.seq, &copy.name, &copy.subject), (0, &CALL_INCOMING, &offer.subject));
        assert_eq!((&copy.audience, copy.created_at), (&offer.audience, offer.created_at));
        let again = copy_of_arrival(&offer, &user("u1")).unwrap();
        assert!(copy.id != offer.id && again.id == copy.id, "an id of its own, the same wherever it is made");
    }

    #[test]
    fn only_an_offer_of_a_call_from_outside_has_one_and_only_for_whom_it_rings() {
        let of = |offer: &Event, id: &str| copy_of_arrival(offer, &user(id)).is_some();
        let whole = offer(&inbound());
        assert!(of(&whole, "u1") && !of(&whole, "u2"));
        assert!(!of(&Event { name: EventName::parse("call.answered").unwrap(), ..whole }, "u1"));
        for (field, value) in [
            ("direction", json!("outbound")),
            ("direction", json!("internal")),
            // As events were before they told it.
            ("to", Value::Null),
            ("started_at", Value::Null),
        ] {
            let mut payload = inbound();
            payload[field] = value.clone();
            payload.as_object_mut().unwrap().retain(|_, value| !value.is_null());
            assert!(!of(&offer(&payload), "u1"), "{field}: {value}");
        }
        assert!(!of(&offer(&json!([])), "u1"));
    }
}
