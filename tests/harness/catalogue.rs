//! Holds every event of the catalogue that a test sees against the schema that the server gives of it: nothing in it that is
//! not told, nothing of another type, and, where the whole is shown, nothing missing.

use std::collections::HashMap;

use hyper::header::{AUTHORIZATION, HeaderMap};
use jsonschema::Validator;
use tokio::sync::OnceCell;

use super::http::{Answer, Http};
use super::token::claims;
use super::{Value, json};

pub struct Catalogue {
    events: HashMap<String, Known>,
}

struct Known {
    /// For the whole payload.
    whole: Validator,
    /// For any view of it.
    any: Validator,
}

static CATALOGUE: OnceCell<Catalogue> = OnceCell::const_new();

impl Catalogue {
    /// Read with credentials that may. All servers of a run are the same binary, so the first one's will do for all.
    pub async fn load(http: &Http, headers: &HeaderMap) {
        CATALOGUE.get_or_init(async || Self::of(&http.event_types(headers).await)).await;
    }

    fn of(types: &Answer) -> Self {
        let known = |event: &Value| {
            let validator = |is_whole| {
                let mut schema = event["schema"].clone();
                close(&mut schema, is_whole);
                jsonschema::validator_for(&schema).expect("a schema")
            };
            (
                event["name"].as_str().expect("a name").to_owned(),
                Known { whole: validator(true), any: validator(false) },
            )
        };
        Self { events: types.data().as_array().expect("a list").iter().map(known).collect() }
    }

    fn check(&self, event: &Value, is_whole: bool) {
        let Some(known) = event["type"].as_str().and_then(|name| self.events.get(name)) else { return };
        let validator = if is_whole { &known.whole } else { &known.any };
        let errors = validator.iter_errors(&event["payload"]);
        let errors: Vec<String> = errors.map(|error| format!("{}: {error}", error.instance_path())).collect();
        assert!(errors.is_empty(), "not what the catalogue says: {}\n{event}", errors.join("\n"));
    }
}

/// Makes what is not told an error, and what is missing one only if the whole is expected.
fn close(schema: &mut Value, is_whole: bool) {
    let Some(properties) = schema.get_mut("properties") else {
        if let Some(items) = schema.get_mut("items") {
            close(items, is_whole);
        }
        return;
    };
    properties.as_object_mut().expect("properties").values_mut().for_each(|inner| close(inner, is_whole));
    schema["additionalProperties"] = json!(false);
    if !is_whole {
        schema.as_object_mut().expect("a schema").remove("required");
    }
}

/// The events of a page of the log, as whoever has these headers may see them.
pub async fn check_page(http: &Http, headers: &HeaderMap, answer: &Answer) {
    Catalogue::load(http, headers).await;
    let token = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let token = token.trim_start_matches("Bearer ");
    let is_whole = token.starts_with("cck_") || claims(token)["role"] == "admin";
    let catalogue = CATALOGUE.get().expect("it was loaded");
    answer.data().as_array().expect("a list").iter().for_each(|event| catalogue.check(event, is_whole));
}

/// A frame of a WebSocket, whoever got it.
pub fn check_frame(frame: &Value) {
    if let Some(catalogue) = CATALOGUE.get() {
        catalogue.check(frame, false);
    }
}
