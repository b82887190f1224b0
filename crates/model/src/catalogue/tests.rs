//! The tables hold together, and agree with what is made from them.

use super::*;
use crate::event::EventName;
use crate::personal;
use serde_json::value::to_raw_value;
use serde_json::{Value, json};

/// What is wrong with `value`, by the few words of JSON Schema that `schema` uses.
fn check(schema: &Value, value: &Value, path: &str) -> Result<(), String> {
    let types = match &schema["type"] {
        Value::Array(types) => types.clone(),
        one => vec![one.clone()],
    };
    if !types.iter().any(|name| is_of_type(name, value)) {
        return Err(format!("{path}: {value} is not {types:?}"));
    }
    if value.as_f64().zip(schema["minimum"].as_f64()).is_some_and(|(value, minimum)| value < minimum) {
        return Err(format!("{path}: {value} is too small"));
    }
    if schema["format"] == "date-time"
        && value.as_str().is_some_and(|text| crate::Timestamp::parse_rfc3339(text).is_none())
    {
        return Err(format!("{path}: {value} is no moment"));
    }
    for name in schema["required"].as_array().into_iter().flatten() {
        if value.get(name.as_str().unwrap()).is_none() {
            return Err(format!("{path}: {name} is missing"));
        }
    }
    for (name, inner) in value.as_object().into_iter().flatten() {
        if let Some(property) = schema["properties"].get(name) {
            check(property, inner, &format!("{path}.{name}"))?;
        }
    }
    value.as_array().into_iter().flatten().try_for_each(|item| check(&schema["items"], item, path))
}

fn is_of_type(name: &Value, value: &Value) -> bool {
    match name.as_str().unwrap() {
        "string" => value.is_string(),
        "integer" => value.is_i64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "object" => value.is_object(),
        "array" => value.is_array(),
        "null" => value.is_null(),
        other => panic!("{other}"),
    }
}

/// Fields and what is inside them.
fn all_fields(fields: impl Iterator<Item = &'static Field>) -> Vec<&'static Field> {
    fields.flat_map(|field| std::iter::once(field).chain(all_fields(field.kind.inner().iter()))).collect()
}

#[test]
fn the_names_are_well_formed_and_unique() {
    let names: Vec<&str> = all().map(|definition| definition.name).collect();
    for (at, name) in names.iter().enumerate() {
        assert!(EventName::parse(name).is_ok(), "{name}");
        assert!(!names[at + 1..].contains(name), "{name}");
        assert_eq!(find(name).map(|definition| definition.name), Some(*name));
    }
}

#[test]
fn every_event_is_described_and_has_an_audience_and_its_tenant() {
    for event in all() {
        assert!(event.description.ends_with('.'), "{}", event.name);
        assert!(!event.audience.full.is_empty() || event.name == "webhook.test", "{}", event.name);
        let tenant = event.field("tenant_id").unwrap();
        assert!(!tenant.optional && tenant.team, "{}", event.name);
    }
}

#[test]
fn every_field_is_named_once_and_described() {
    for event in all() {
        for fields in [event.common, event.own] {
            for (at, field) in fields.iter().enumerate() {
                let is_repeated = fields[at + 1..].iter().any(|other| other.name == field.name);
                assert!(!is_repeated, "{}: {}", event.name, field.name);
            }
        }
        for field in all_fields(event.fields()) {
            let is_told = !field.description.is_empty() && !field.description.ends_with('.');
            assert!(is_told, "{}: {}", event.name, field.name);
            let is_bare_text = matches!(field.kind, Kind::Text) && field.like.is_none() && !field.optional;
            assert!(!is_bare_text, "{}: an example needs words for {}", event.name, field.name);
            if let (Kind::Word(words), Some(like)) = (field.kind, field.like) {
                assert!(words.list().contains(&like), "{}: {} is not {like}", event.name, field.name);
            }
        }
    }
}

#[test]
fn names_for_constructors_are_those_of_the_events_that_are_sent() {
    let sent: Vec<&str> = all().filter(|event| !event.planned).map(|event| event.name).collect();
    assert_eq!(names::SENT, sent);
}

#[test]
fn examples_agree_with_their_schemas() {
    for event in all() {
        let (schema, example) = (schema(event), example(event));
        assert_eq!(check(&schema, &example, event.name), Ok(()));
        assert_eq!(schema["additionalProperties"], true);
        assert!(
            example.as_object().unwrap().keys().all(|name| event.field(name).is_some()),
            "{}",
            event.name
        );
    }
}

#[test]
fn a_schema_says_what_is_missing_or_of_another_type() {
    let schema = schema(find("agent.state.pending").unwrap());
    let good = example(find("agent.state.pending").unwrap());
    let with = |name: &str, value: Value| {
        let mut payload = good.clone();
        payload[name] = value;
        check(&schema, &payload, "").is_ok()
    };
    assert!(with("state", Value::Null) && with("state", json!("a_new_one")) && with("more", json!(1)));
    assert!(
        !with("requested_by", Value::Null)
            && !with("requested_at", json!("soon"))
            && !with("reason", json!(1))
    );
    assert!(check(&schema, &json!({}), "").is_err());
}

#[test]
fn enumerations_are_open_and_know_the_words_of_the_code() {
    let schema = schema(find("agent.state.changed").unwrap());
    let state = &schema["properties"]["state"];
    let words: Vec<&str> = crate::agents::State::ALL.iter().map(|state| state.as_str()).collect();
    assert_eq!((&state["examples"], state.get("enum")), (&json!(words), None));
}

/// A payload with every field filled, marked as personal where it is.
fn filled(fields: impl Iterator<Item = &'static Field>) -> Value {
    fields.map(|field| (field.name, filled_one(field))).collect()
}

fn filled_one(field: &'static Field) -> Value {
    match field.kind {
        Kind::Object(fields) => filled(fields.iter()),
        Kind::List(kind) if !kind.inner().is_empty() => json!([filled(kind.inner().iter())]),
        _ if field.personal => json!("secret"),
        _ => json!("plain"),
    }
}

#[test]
fn personal_data_is_masked_wherever_the_tables_have_it_and_nothing_else_is() {
    for event in all() {
        let whole = filled(event.fields()).to_string();
        let payload = to_raw_value(&filled(event.fields())).unwrap();
        let name = EventName::parse(event.name).unwrap();
        let masked = personal::masked(&name, &payload).get().to_owned();
        assert_eq!(masked, payload.get().replace("secret", "***"), "{}", event.name);
        assert_eq!(whole.contains("secret"), event.has_personal_data(), "{}", event.name);
    }
}

#[test]
fn no_narrower_view_shows_personal_data() {
    let mut with_personal_data = Vec::new();
    for event in all().filter(|event| !event.audience.team.is_empty()) {
        let said = crate::Event {
            tenant: crate::TenantId::parse("t").unwrap(),
            seq: 1,
            id: crate::EventId::generate(),
            name: EventName::parse(event.name).unwrap(),
            subject: None,
            audience: crate::Audience::default(),
            payload: to_raw_value(&filled(event.fields())).unwrap().into(),
            created_at: crate::Timestamp(0),
        };
        let team = said.payload_of(crate::View::Team).get().to_owned();
        assert!(!team.contains("secret") && team.contains("tenant_id"), "{}: {team}", event.name);
        let shown: Value = serde_json::from_str(&team).unwrap();
        let shown: Vec<&str> = shown.as_object().unwrap().keys().map(String::as_str).collect();
        for field in event.fields() {
            assert_eq!(shown.contains(&field.name), field.team, "{}: {}", event.name, field.name);
        }
        if team.contains("***") {
            with_personal_data.push(event.name);
        }
    }
    let expected = [
        "call.abandoned",
        "call.callback.requested",
        "call.callback.completed",
        "queue.joined",
        "chat.session.started",
    ];
    assert_eq!(with_personal_data, expected);
}

#[test]
fn no_audience_wider_than_those_taking_part_gets_the_whole_of_personal_data() {
    for event in all().filter(|event| event.has_personal_data()) {
        let is_wide = |who: &Who| matches!(who, Who::QueueMembers | Who::Tenant);
        assert!(!event.audience.full.iter().any(is_wide), "{}", event.name);
    }
}

#[test]
fn the_page_for_people_says_what_the_tables_say() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/events.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(path, document()).unwrap();
    }
    let written = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        written == document(),
        "docs/events.md is not what the catalogue says: UPDATE_DOCS=1 cargo test -p model"
    );
}
