//! Reads one message of a client and answers it. Knows nothing of sockets.

use super::Place;
use super::filter::{ENTRIES, Filter, TooMany};
use crate::frame;
use bytes::Bytes;
use model::webhook::EventPattern;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// The longest `ref` that is echoed.
const REF_BYTES: usize = 256;

/// What is wrong with a message: a stable word, and words for people.
#[derive(Debug)]
struct Problem {
    code: &'static str,
    message: String,
}

impl Problem {
    fn malformed(message: impl Into<String>) -> Self {
        Self { code: "invalid_message", message: message.into() }
    }

    fn too_many() -> Self {
        let message = format!("a connection has {ENTRIES} subscriptions at most");
        Self { code: "too_many_subscriptions", message }
    }
}

type Fields<'a> = BTreeMap<String, &'a RawValue>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Subscription {
    events: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Token {
    access_token: String,
}

/// What a message may set going beyond its answer.
trait Effects {
    /// Has a new token checked; the client hears of it later. Gives whether that can be done.
    fn prolong(&self, token: String, reference: Option<&RawValue>) -> bool;

    /// The client has asked for these from now on.
    fn subscribed(&self, entries: &[EventPattern]);
}

impl Effects for Place {
    fn prolong(&self, token: String, reference: Option<&RawValue>) -> bool {
        self.hub.0.refreshes.wish(&self.member, token, reference)
    }

    fn subscribed(&self, entries: &[EventPattern]) {
        self.hub.0.newcomers.note(&self.member, |name| entries.iter().any(|entry| entry.matches(name)));
    }
}

/// Does what the message asks for and gives the answer, a frame; none if it comes later, by mail.
/// `passed` is the number of the last event that was sent, or that the client does not see.
pub(super) fn answer(text: &[u8], passed: i64, filter: &mut Filter, place: &Place) -> Option<Bytes> {
    answer_to(text, passed, filter, place)
}

fn answer_to(text: &[u8], passed: i64, filter: &mut Filter, effects: &impl Effects) -> Option<Bytes> {
    let fields: Fields<'_> = match parse(text) {
        Ok(fields) => fields,
        Err(problem) => return Some(frame::error(problem.code, &problem.message, None)),
    };
    let reference = fields.get("ref").copied();
    if reference.is_some_and(|reference| reference.get().len() > REF_BYTES) {
        return Some(frame::error("invalid_message", "ref is longer than 256 bytes", None));
    }
    obey(&fields, passed, filter, reference, effects)
        .unwrap_or_else(|problem| Some(frame::error(problem.code, &problem.message, reference)))
}

fn parse(text: &[u8]) -> Result<Fields<'_>, Problem> {
    serde_json::from_slice(text).map_err(|error| match error.classify() {
        serde_json::error::Category::Data => Problem::malformed("a message is a JSON object with a type"),
        _ => Problem { code: "invalid_json", message: format!("not JSON: {error}") },
    })
}

fn obey(
    fields: &Fields<'_>,
    passed: i64,
    filter: &mut Filter,
    reference: Option<&RawValue>,
    effects: &impl Effects,
) -> Result<Option<Bytes>, Problem> {
    let name = message_type(fields)?;
    if let Some(unknown) = fields.keys().find(|field| !["type", "payload", "ref"].contains(&field.as_str())) {
        return Err(Problem::malformed(format!("unknown field {}", excerpt(unknown))));
    }
    match name.as_str() {
        "ping" => {
            let _: Nothing = fields.get("payload").map_or(Ok(Nothing {}), |payload| read(payload))?;
            Ok(Some(frame::pong(passed, reference)))
        }
        "subscribe" => {
            let entries = entries(fields)?;
            filter.add(entries.clone()).map_err(|TooMany| Problem::too_many())?;
            effects.subscribed(&entries);
            Ok(Some(frame::subscribed(filter.to_texts(), reference)))
        }
        "unsubscribe" => {
            filter.remove(&entries(fields)?);
            Ok(Some(frame::subscribed(filter.to_texts(), reference)))
        }
        "auth.refresh" => {
            let missing = || Problem::malformed("payload is missing; it holds access_token");
            let Token { access_token } = read(fields.get("payload").copied().ok_or_else(missing)?)?;
            let busy =
                || Problem { code: "busy", message: "too many tokens are being checked: try again".into() };
            effects.prolong(access_token, reference).then_some(None).ok_or_else(busy)
        }
        unknown => Err(Problem {
            code: "unknown_type",
            message: format!(
                "unknown type {}; known are ping, subscribe, unsubscribe, auth.refresh",
                excerpt(unknown)
            ),
        }),
    }
}

fn message_type(fields: &Fields<'_>) -> Result<String, Problem> {
    let missing = || Problem::malformed("type is missing, or not a text");
    serde_json::from_str(fields.get("type").ok_or_else(missing)?.get()).map_err(|_| missing())
}

fn entries(fields: &Fields<'_>) -> Result<Vec<EventPattern>, Problem> {
    let missing =
        || Problem::malformed("payload is missing; it holds events, a list of names, prefixes or *");
    let subscription: Subscription = read(fields.get("payload").copied().ok_or_else(missing)?)?;
    if subscription.events.is_empty() {
        return Err(Problem::malformed("events is empty"));
    }
    if subscription.events.len() > ENTRIES {
        return Err(Problem::too_many());
    }
    let parse = |text: &String| {
        EventPattern::parse(text)
            .map_err(|error| Problem::malformed(format!("events: {} {error}", excerpt(text))))
    };
    subscription.events.iter().map(parse).collect()
}

fn read<'a, T: Deserialize<'a>>(payload: &'a RawValue) -> Result<T, Problem> {
    serde_json::from_str(payload.get())
        .map_err(|error| Problem::malformed(excerpt(&format!("payload: {error}"))))
}

/// The beginning of what the client wrote: an answer must not be as long as the question.
fn excerpt(text: &str) -> String {
    text.chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    /// Remembers the token.
    #[derive(Default)]
    struct Asked(std::cell::RefCell<Vec<String>>);

    impl Effects for Asked {
        fn prolong(&self, token: String, _: Option<&RawValue>) -> bool {
            self.0.borrow_mut().push(token);
            self.0.borrow().len() < 2
        }

        fn subscribed(&self, _: &[EventPattern]) {}
    }

    fn document(frame: Option<Bytes>) -> Value {
        serde_json::from_slice(&crate::wire::document(&frame.unwrap())).unwrap()
    }

    fn ask(filter: &mut Filter, text: &str) -> Value {
        document(answer_to(text.as_bytes(), 7, filter, &Asked::default()))
    }

    #[test]
    fn a_new_token_is_handed_on_and_answered_later() {
        let (asked, mut filter) = (Asked::default(), Filter::default());
        let refresh = br#"{"type":"auth.refresh","payload":{"access_token":"abc"},"ref":1}"#;
        assert_eq!(answer_to(refresh, 7, &mut filter, &asked), None);
        assert_eq!(*asked.0.borrow(), ["abc"]);
        let busy = document(answer_to(refresh, 7, &mut filter, &asked));
        assert_eq!((&busy["payload"]["code"], &busy["ref"]), (&json!("busy"), &json!(1)));
    }

    #[test]
    fn a_ping_is_answered_and_its_ref_echoed_as_it_is() {
        let mut filter = Filter::default();
        assert_eq!(ask(&mut filter, r#"{"type":"ping"}"#), json!({"type":"pong","payload":{"seq":7}}));
        assert_eq!(
            ask(&mut filter, r#"{"type":"ping","payload":{},"ref":"a"}"#),
            json!({"type":"pong","payload":{"seq":7},"ref":"a"})
        );
        assert_eq!(
            ask(&mut filter, r#"{"ref":7,"type":"ping"}"#),
            json!({"type":"pong","payload":{"seq":7},"ref":7})
        );
    }

    #[test]
    fn a_subscription_is_answered_with_what_now_holds() {
        let mut filter = Filter::default();
        let subscribe = r#"{"type":"subscribe","payload":{"events":["call.*","order.paid"]},"ref":"1"}"#;
        let answer = ask(&mut filter, subscribe);
        assert_eq!(
            answer,
            json!({"type":"subscribed","payload":{"events":["call.*","order.paid"]},"ref":"1"})
        );
        let answer = ask(&mut filter, r#"{"type":"unsubscribe","payload":{"events":["call.*"]}}"#);
        assert_eq!(answer, json!({"type":"subscribed","payload":{"events":["order.paid"]}}));
    }

    #[test]
    fn every_bad_message_gets_an_error_and_changes_nothing() {
        let long = format!(r#"{{"type":"ping","ref":"{}"}}"#, "x".repeat(300));
        let many = format!(r#"{{"type":"subscribe","payload":{{"events":[{}"a"]}}}}"#, r#""a","#.repeat(64));
        for (text, code) in [
            ("", "invalid_json"),
            ("{", "invalid_json"),
            (r#"{"type":"ping"} x"#, "invalid_json"),
            ("[]", "invalid_message"),
            ("7", "invalid_message"),
            ("{}", "invalid_message"),
            (r#"{"type":7}"#, "invalid_message"),
            (r#"{"type":"dance"}"#, "unknown_type"),
            (r#"{"type":"auth.refresh"}"#, "invalid_message"),
            (r#"{"type":"auth.refresh","payload":{}}"#, "invalid_message"),
            (r#"{"type":"auth.refresh","payload":{"access_token":7}}"#, "invalid_message"),
            (r#"{"type":"auth.refresh","payload":{"access_token":"a","x":1}}"#, "invalid_message"),
            (r#"{"type":"ping","extra":1}"#, "invalid_message"),
            (r#"{"type":"ping","payload":{"a":1}}"#, "invalid_message"),
            (r#"{"type":"subscribe"}"#, "invalid_message"),
            (r#"{"type":"subscribe","payload":{"events":[]}}"#, "invalid_message"),
            (r#"{"type":"subscribe","payload":{"events":["Call"]}}"#, "invalid_message"),
            (r#"{"type":"subscribe","payload":{"events":["call.nonsense"]}}"#, "invalid_message"),
            (r#"{"type":"subscribe","payload":{"events":[1]}}"#, "invalid_message"),
            (r#"{"type":"subscribe","payload":{"events":["a"],"x":1}}"#, "invalid_message"),
            (&long, "invalid_message"),
            (&many, "too_many_subscriptions"),
        ] {
            let mut filter = Filter::default();
            let answer = ask(&mut filter, text);
            assert_eq!(
                (&answer["type"], &answer["payload"]["code"]),
                (&json!("error"), &json!(code)),
                "{text}"
            );
            assert!(!answer["payload"]["message"].as_str().unwrap().is_empty());
            assert!(matches!(filter, Filter::Everything), "{text}");
        }
    }

    #[test]
    fn an_error_echoes_the_ref() {
        let answer = ask(&mut Filter::default(), r#"{"type":"dance","ref":"r1"}"#);
        assert_eq!(answer["ref"], "r1");
    }

    proptest::proptest! {
        #[test]
        fn whatever_is_sent_the_answer_is_a_short_document(text in ".{0,400}") {
            let answer = answer_to(text.as_bytes(), 7, &mut Filter::default(), &Asked::default()).unwrap();
            proptest::prop_assert!(answer.len() < 1024);
            let answer: Value = serde_json::from_slice(&crate::wire::document(&answer)).unwrap();
            proptest::prop_assert!(answer["type"].is_string());
        }
    }
}
