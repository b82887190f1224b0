//! What the personal data of the catalogue's events looks like masked. Knows nothing of who gets the masked form. Custom
//! events have one view: nobody but their publisher knows what is personal in them.

use crate::EventName;
use crate::calls::{Call, Direction};
use crate::catalogue::{self, Definition, Field, Kind};
use crate::raw_object::{Object, object, quoted, raw};
use serde_json::value::RawValue;
use std::borrow::Cow;

/// What stands for a text.
const TEXT: &str = "***";
/// Objects inside a personal field are looked into this deep; what lies deeper is masked as one text.
const DEPTH: usize = 4;

/// The payload with its personal data masked: digits but the last two become `*`, other texts `***`, keys stay.
#[must_use]
pub fn masked<'a>(event: &EventName, payload: &'a RawValue) -> Cow<'a, RawValue> {
    match catalogue::find(event.as_str()).filter(|definition| definition.has_personal_data()) {
        None => Cow::Borrowed(payload),
        Some(definition) => Cow::Owned(raw(mask_fields(payload, &|name| definition.field(name)))),
    }
}

/// Whether payloads of that name may hold personal data.
#[must_use]
pub fn is_in(event: &EventName) -> bool {
    catalogue::find(event.as_str()).is_some_and(Definition::has_personal_data)
}

/// The call with the caller's, or the called one's, number and name masked. Numbers of one's own that were called, or called
/// from, stay.
#[must_use]
pub fn masked_call(mut call: Call) -> Call {
    let is_own = |own| call.direction == own;
    let (keep_to, keep_from) = (is_own(Direction::Inbound), is_own(Direction::Outbound));
    for (party, keep) in [(&mut call.from, keep_from), (&mut call.to, keep_to)] {
        if !keep {
            party.number = masked_text(&party.number);
            party.name = party.name.take().map(|name| masked_text(&name));
        }
    }
    call.outside = call.outside.take().map(|number| masked_text(&number));
    call
}

/// Masks the personal fields of an object. What is none has no fields, and stays.
fn mask_fields(value: &RawValue, known: &dyn Fn(&str) -> Option<&'static Field>) -> String {
    let Ok(Object(fields)) = serde_json::from_str(value.get()) else { return value.get().to_owned() };
    object(fields.iter().map(|(name, value)| {
        let text = match known(name) {
            Some(field) if field.personal => mask_all(value, DEPTH),
            Some(field) if field.has_personal_data() => mask_inside(value, field.kind),
            _ => value.get().to_owned(),
        };
        (name.as_str(), text)
    }))
}

/// Masks the personal fields of an object, or of each object in a list.
fn mask_inside(value: &RawValue, kind: Kind) -> String {
    match kind {
        Kind::List(kind) => match serde_json::from_str::<Vec<&RawValue>>(value.get()) {
            Ok(items) => array(items.into_iter().map(|item| mask_inside(item, *kind))),
            Err(_) => value.get().to_owned(),
        },
        kind => mask_fields(value, &|name| kind.inner().iter().find(|field| field.name == name)),
    }
}

/// Masks every text and number of a value.
fn mask_all(value: &RawValue, depth: usize) -> String {
    match (value.get().as_bytes().first(), depth) {
        (Some(b't' | b'f' | b'n'), _) => value.get().to_owned(),
        (Some(b'{'), 1..) => match serde_json::from_str(value.get()) {
            Ok(Object(fields)) => {
                object(fields.iter().map(|(name, value)| (name.as_str(), mask_all(value, depth - 1))))
            }
            Err(_) => quoted(TEXT),
        },
        (Some(b'['), 1..) => match serde_json::from_str::<Vec<&RawValue>>(value.get()) {
            Ok(items) => array(items.into_iter().map(|item| mask_all(item, depth - 1))),
            Err(_) => quoted(TEXT),
        },
        (Some(b'"'), _) => {
            let text: String = serde_json::from_str(value.get()).unwrap_or_default();
            quoted(&masked_text(&text))
        }
        (Some(b'-' | b'0'..=b'9'), _) => quoted(&masked_text(value.get())),
        _ => quoted(TEXT),
    }
}

/// A text masked: a number, as people write those of telephones, keeps its last two digits.
#[must_use]
pub fn masked_text(text: &str) -> String {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let is_number = text.chars().all(|c| c.is_ascii_digit() || "+-()./ #*".contains(c));
    if digits == 0 || !is_number {
        return TEXT.to_owned();
    }
    let mut left = digits;
    let mask = |c: char| {
        if !c.is_ascii_digit() {
            return c;
        }
        left -= 1;
        if left < 2 { c } else { '*' }
    };
    text.chars().map(mask).collect()
}

fn array(items: impl Iterator<Item = String>) -> String {
    format!("[{}]", items.collect::<Vec<_>>().join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(event: &str, json: &str) -> String {
        let payload = RawValue::from_string(json.into()).unwrap();
        masked(&EventName::parse(event).unwrap(), &payload).get().to_owned()
    }

    #[test]
    fn numbers_keep_two_digits_and_other_texts_nothing() {
        for (text, expected) in [
            ("+49 30 901820", "+** ** ****20"),
            ("(030) 90-18/20", "(***) **-**/20"),
            ("101", "*01"),
            ("7", "7"),
            ("Anna Schmidt", "***"),
            ("anna42@example.com", "***"),
            ("anonymous", "***"),
            ("", "***"),
            ("٠٣٠", "***"),
        ] {
            assert_eq!(masked_text(text), expected, "{text}");
        }
    }

    #[test]
    fn personal_fields_are_masked_and_all_else_stays_as_it_is() {
        assert_eq!(
            of(
                "call.incoming",
                r#"{"call_id":"c1","from":{"number":"+4930901820","name":"Anna \"A\""},"to":{"number":"0800"},"n":1e400}"#
            ),
            r#"{"call_id":"c1","from":{"number":"+********20","name":"***"},"to":{"number":"0800"},"n":1e400}"#
        );
        assert_eq!(
            of("call.outgoing", r#"{"from":{"number":"12345"},"to":{"number":"12345","user_id":"u1"}}"#),
            r#"{"from":{"number":"12345"},"to":{"number":"***45","user_id":"u1"}}"#
        );
        assert_eq!(
            of(
                "chat.message",
                r#"{"text":"call 0301234","sender":{"kind":"visitor","name":"Anna"},"internal":false}"#
            ),
            r#"{"text":"***","sender":{"kind":"visitor","name":"***"},"internal":false}"#
        );
    }

    #[test]
    fn whatever_stands_in_a_personal_field_is_masked() {
        assert_eq!(
            of("queue.joined", r#"{"from":{"number":4930901820,"more":[{"name":"A"},null,true,-15]}}"#),
            r#"{"from":{"number":"********20","more":[{"name":"***"},null,true,"-15"]}}"#
        );
        let deep = format!(r#"{{"from":{}"A"{}}}"#, "[".repeat(20_000), "]".repeat(20_000));
        assert_eq!(of("queue.joined", &deep), r#"{"from":[[[["***"]]]]}"#);
        // A second field of the same name, or one in another spelling, hides nothing.
        assert_eq!(
            of("csat.submitted", r#"{"comment":"a","\u0063omment":"b"}"#),
            r#"{"comment":"***","comment":"***"}"#
        );
    }

    #[test]
    fn events_without_personal_data_and_custom_ones_have_one_form() {
        for event in ["agent.state.changed", "order.paid"] {
            let json = r#"{"from":{"number":"+4930901820"},"text":"x"}"#;
            assert_eq!(of(event, json), json);
        }
    }

    #[test]
    fn a_call_shows_ones_own_numbers_and_masks_all_of_the_other_side() {
        use crate::calls::Party;
        use crate::{CallId, Timestamp};
        let party = |number: &str, name: &str| Party { number: number.into(), name: Some(name.into()) };
        let hidden = || party("***01", "***");
        for (direction, from, to) in [
            (Direction::Inbound, hidden(), party("22202", "Sales")),
            (Direction::Outbound, party("11101", "Anna"), party("***02", "***")),
            (Direction::Internal, hidden(), party("***02", "***")),
        ] {
            let id = CallId::parse("c").unwrap();
            let call =
                Call::new(id, direction, party("11101", "Anna"), party("22202", "Sales"), Timestamp(0));
            let shown = masked_call(Call { outside: Some("33303".into()), ..call });
            assert_eq!((shown.from, shown.to), (from, to), "{direction:?}");
            assert_eq!(shown.outside.as_deref(), Some("***03"), "{direction:?}");
        }
    }
}
