//! Holds every answer of the API against the envelope and against the server's own `/openapi.json`.
//!
//! `BLACKBOX_CONTRACT=off` turns the second part off, for working on calls that are not documented yet.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use hyper::Method;
use jsonschema::Validator;
use tokio::sync::OnceCell;

use super::http::{Answer, Http};
use super::{Value, json};

pub struct Contract {
    document: Value,
    validators: Mutex<HashMap<String, Arc<Validator>>>,
}

impl Contract {
    /// All servers of a run are the same binary, so the first one's document will do for all.
    pub async fn of(http: &Http) -> &'static Self {
        static CONTRACT: OnceCell<Contract> = OnceCell::const_new();
        let fetch = async || {
            let off = std::env::var("BLACKBOX_CONTRACT").is_ok_and(|value| value == "off");
            let document = if off { Value::Null } else { http.openapi().await };
            Contract { document, validators: Mutex::default() }
        };
        CONTRACT.get_or_init(fetch).await
    }

    #[track_caller]
    pub fn check(&self, method: &Method, path: &str, answer: &Answer) {
        if let Err(problem) = envelope(answer).and_then(|()| self.documented(method, path, answer)) {
            panic!("{method} {path} → {}: {problem}\n{}", answer.status, answer.text);
        }
    }

    fn documented(&self, method: &Method, path: &str, answer: &Answer) -> Result<(), String> {
        let path = path.split('?').next().unwrap_or(path);
        if self.document.is_null() {
            return Ok(());
        }
        let Some(template) = self.template(path) else {
            return if answer.status == 404 { Ok(()) } else { Err("the path is not documented".to_owned()) };
        };
        let operation = &self.document["paths"][template][method.as_str().to_lowercase()];
        if operation.is_null() {
            return if answer.status == 405 {
                Ok(())
            } else {
                Err("the method is not documented".to_owned())
            };
        }
        let status = answer.status.to_string();
        let response = self.resolve(&operation["responses"][&status]);
        if response.is_null() {
            return Err("the status is not documented".to_owned());
        }
        let schema = &response["content"]["application/json"]["schema"];
        if schema.is_null() {
            let empty = answer.text.is_empty();
            return if empty { Ok(()) } else { Err("no JSON body is documented".to_owned()) };
        }
        let validator = self.validator(&format!("{method} {template} {status}"), schema);
        let errors = validator.iter_errors(&answer.body);
        let errors: Vec<String> = errors.map(|error| format!("{}: {error}", error.instance_path())).collect();
        if errors.is_empty() { Ok(()) } else { Err(errors.join("\n")) }
    }

    /// The documented path that this one is an instance of; a literal segment beats a parameter.
    fn template(&self, path: &str) -> Option<&str> {
        let paths = self.document["paths"].as_object()?;
        let fitting = paths.keys().filter(|template| fits(template, path));
        fitting.min_by_key(|template| template.matches('{').count()).map(String::as_str)
    }

    fn resolve<'a>(&'a self, value: &'a Value) -> &'a Value {
        match value["$ref"].as_str().and_then(|target| target.strip_prefix('#')) {
            Some(pointer) => self.document.pointer(pointer).unwrap_or(&Value::Null),
            None => value,
        }
    }

    fn validator(&self, key: &str, schema: &Value) -> Arc<Validator> {
        let mut validators = self.validators.lock().unwrap();
        let made = validators.entry(key.to_owned()).or_insert_with(|| {
            let whole = json!({
                "$schema": "https://json-schema.org/draft/2020-12/schema",
                "allOf": [schema],
                "components": self.document["components"],
            });
            let made = jsonschema::validator_for(&whole);
            Arc::new(made.unwrap_or_else(|error| panic!("{key}: the schema is no schema: {error}")))
        });
        Arc::clone(made)
    }
}

fn fits(template: &str, path: &str) -> bool {
    let (mut left, mut right) = (template.split('/'), path.split('/'));
    loop {
        match (left.next(), right.next()) {
            (None, None) => return true,
            (Some(left), Some(right)) if left == right || (left.starts_with('{') && !right.is_empty()) => {}
            _ => return false,
        }
    }
}

/// What holds for every answer, documented or not.
fn envelope(answer: &Answer) -> Result<(), String> {
    let check = |condition: bool, problem: &str| if condition { Ok(()) } else { Err(problem.to_owned()) };
    let request_id = answer.header("x-request-id");
    check(!request_id.is_empty(), "no X-Request-ID")?;
    if answer.status == 204 {
        return check(answer.text.is_empty(), "204 has a body");
    }
    check(answer.header("content-type").starts_with("application/json"), "the body is not called JSON")?;
    if answer.status < 400 {
        check(answer.body["success"] == true, "success is not true")?;
        return check(answer.body.get("data").is_some(), "no data");
    }
    let error = &answer.body["error"];
    check(answer.body["success"] == false, "success is not false")?;
    check(error["code"].as_str().is_some_and(|code| !code.is_empty()), "no error code")?;
    check(error["message"].as_str().is_some_and(|message| !message.is_empty()), "no error message")?;
    check(answer.body["request_id"] == request_id, "request_id is not that of the header")?;
    let waits = matches!(answer.status, 429 | 503);
    check(!waits || !answer.header("retry-after").is_empty(), "no Retry-After")
}
