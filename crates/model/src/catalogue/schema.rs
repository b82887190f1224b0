//! What the tables say, as a JSON Schema (2020-12) and as an example. Schemas are open: an event may gain fields, and an
//! enumeration words, so that the words stand in `examples` and not in `enum`.

use super::definition::Definition;
use super::field::{Field, Kind};
use serde_json::{Map, Value, json};

/// The schema of the event's payload, in its full view.
#[must_use]
pub fn schema(definition: &Definition) -> Value {
    let Value::Object(mut schema) = object(definition.fields()) else { return Value::Null };
    schema.insert("$schema".into(), "https://json-schema.org/draft/2020-12/schema".into());
    schema.insert("title".into(), definition.name.into());
    schema.insert("description".into(), definition.description.into());
    Value::Object(schema)
}

fn object(fields: impl Iterator<Item = &'static Field> + Clone) -> Value {
    let properties: Map<String, Value> =
        fields.clone().map(|field| (field.name.into(), property(field))).collect();
    let required: Vec<&str> = fields.filter(|field| !field.optional).map(|field| field.name).collect();
    json!({"type": "object", "properties": properties, "required": required, "additionalProperties": true})
}

fn property(field: &Field) -> Value {
    let mut schema = of_kind(field.kind);
    schema["description"] = field.description.into();
    if let Kind::Word(_) = field.kind {
        schema["description"] =
            format!("{}. An open enumeration: accept other words too", field.description).into();
    }
    if field.nullable {
        schema["type"] = json!([schema["type"], "null"]);
    }
    if field.personal {
        schema["x-personal"] = true.into();
    }
    schema
}

fn of_kind(kind: Kind) -> Value {
    match kind {
        Kind::Text => json!({"type": "string"}),
        Kind::Integer => json!({"type": "integer"}),
        Kind::Number => json!({"type": "number"}),
        Kind::Seconds => json!({"type": "number", "minimum": 0}),
        Kind::Boolean => json!({"type": "boolean"}),
        Kind::Moment => json!({"type": "string", "format": "date-time"}),
        Kind::Word(words) => json!({"type": "string", "examples": words.list()}),
        Kind::Object(fields) => object(fields.iter()),
        Kind::List(kind) => json!({"type": "array", "items": of_kind(*kind)}),
        Kind::AnyObject => json!({"type": "object", "additionalProperties": true}),
    }
}

/// A payload as it may be. Optional fields are in it if their table says what they look like.
#[must_use]
pub fn example(definition: &Definition) -> Value {
    example_of(definition.fields())
}

fn example_of(fields: impl Iterator<Item = &'static Field>) -> Value {
    let is_shown = |field: &&Field| {
        !field.planned && (!field.optional || field.like.is_some() || matches!(field.kind, Kind::Object(_)))
    };
    fields.filter(is_shown).map(|field| (field.name, sample(field.kind, field.like))).collect()
}

fn sample(kind: Kind, like: Option<&str>) -> Value {
    match kind {
        Kind::Text => like.unwrap_or("a text").into(),
        Kind::Moment => like.unwrap_or("2026-11-25T16:56:53.123Z").into(),
        Kind::Word(words) => like.map_or_else(|| words.list().first().copied().into(), Into::into),
        // Not a text, so that the tables write it as JSON; what they write wrong fails the test of the examples.
        Kind::Integer | Kind::Number | Kind::Seconds => parsed(like.unwrap_or("1")),
        Kind::Boolean => parsed(like.unwrap_or("true")),
        Kind::AnyObject => parsed(like.unwrap_or("{}")),
        Kind::Object(fields) => example_of(fields.iter()),
        Kind::List(Kind::Text) if like.is_none() => json!([]),
        Kind::List(kind) => json!([sample(*kind, like)]),
    }
}

fn parsed(json: &str) -> Value {
    serde_json::from_str(json).unwrap_or_default()
}
