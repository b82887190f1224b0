//! Completes the document that the handlers describe: title, authentication, and the failures that any call may have.

use crate::envelope::{Failed, Failure, FailureDetail};
use crate::permissions::{self, Access};
use utoipa::PartialSchema;
use utoipa::ToSchema;
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{
    Components, ContentBuilder, InfoBuilder, OpenApi, Ref, RefOr, Response, ResponseBuilder,
};

const ABOUT: &str = "Real-time events for call centers. Answers come as {\"success\":true,\"data\":…}, failures as \
    {\"success\":false,\"error\":{code,message,details},\"request_id\"}.";

/// The sections, in the order in which somebody new needs them.
const TAGS: [&str; 11] = [
    "Sign-in",
    "Agents",
    "Calls",
    "Queues",
    "Real time",
    "Events",
    "Webhooks",
    "Users",
    "API keys",
    "Settings",
    "Operations",
];

/// The finished document as JSON.
pub(crate) fn finish(mut document: OpenApi) -> String {
    document.info = InfoBuilder::new()
        .title("callcenter")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(ABOUT))
        .build();
    document.tags = Some(TAGS.iter().map(|name| TagBuilder::new().name(*name).build()).collect());
    let components = document.components.get_or_insert_with(Components::default);
    for (name, schema) in [
        (Failed::name(), Failed::schema()),
        (Failure::name(), Failure::schema()),
        (FailureDetail::name(), FailureDetail::schema()),
    ] {
        components.schemas.insert(name.into_owned(), schema);
    }
    let scheme =
        HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("access token or API key").build();
    components.security_schemes.insert("bearer".into(), SecurityScheme::Http(scheme).into());
    for (path, item) in &mut document.paths.paths {
        for (method, operation) in [
            ("GET", &mut item.get),
            ("POST", &mut item.post),
            ("PUT", &mut item.put),
            ("PATCH", &mut item.patch),
            ("DELETE", &mut item.delete),
        ] {
            if let Some(operation) = operation {
                complete(method, path, operation);
            }
        }
    }
    document.to_json().unwrap_or_else(|_| "{}".into())
}

fn complete(method: &str, path: &str, operation: &mut Operation) {
    let rule = permissions::find(method, path);
    if let Some(rule) = rule {
        let told = operation.description.take().map_or(String::new(), |told| format!("{told}\n\n"));
        operation.description = Some(told + &rule.access.who());
    }
    let signed_in = rule.is_some_and(|rule| matches!(rule.access, Access::Only(..)));
    let mut failures =
        vec![("429", "Too often: come back after Retry-After seconds"), ("500", "A defect of the server")];
    failures.push(("503", "A dependency is down: come back after Retry-After seconds"));
    if signed_in {
        failures.push(("401", "No credentials, or none that are good"));
        failures.push(("403", "Not allowed"));
        operation.security = Some(vec![SecurityRequirement::new("bearer", [] as [&str; 0])]);
    }
    if operation.request_body.is_some() {
        failures.extend([
            ("400", "Malformed JSON"),
            ("401", "Not the right credentials"),
            ("413", "The body is too large"),
            ("415", "The body is not JSON"),
            ("422", "A field is unknown, missing or has a value that is not allowed"),
            ("409", "Not as things are now"),
        ]);
    }
    if operation.parameters.is_some() {
        failures.push(("400", "A parameter cannot be read"));
    }
    if path.contains('{') {
        failures.push(("404", "Absent, or another tenant's"));
    }
    if matches!(method, "DELETE" | "PUT") {
        failures.push(("409", "Not as things are now"));
    }
    if path == "/metrics" {
        failures.extend([("401", "Needs METRICS_TOKEN"), ("403", "For loopback only")]);
    }
    for (status, description) in failures {
        let missing = || RefOr::T(failure(description));
        operation.responses.responses.entry(status.into()).or_insert_with(missing);
    }
}

fn failure(description: &str) -> Response {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name(Failed::name()))).build();
    ResponseBuilder::new().description(description).content("application/json", content).build()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;
    use std::collections::BTreeSet;

    /// Calls that are in the table of permissions and, on purpose, not in the document.
    const UNDOCUMENTED: [(&str, &str); 1] = [("POST", "/test/clock")];

    #[test]
    fn the_document_and_the_table_of_permissions_have_the_same_calls() {
        let (_, document) = crate::documented_routes().split_for_parts();
        let document: Value = serde_json::from_str(&finish(document)).unwrap();
        let documented: BTreeSet<(String, String)> = document["paths"]
            .as_object()
            .unwrap()
            .iter()
            .flat_map(|(path, item)| {
                item.as_object().unwrap().keys().map(move |method| (method.to_uppercase(), path.clone()))
            })
            .collect();
        let allowed: BTreeSet<(String, String)> = permissions::TABLE
            .iter()
            .map(|rule| (rule.method.to_owned(), rule.path.to_owned()))
            .filter(|(method, path)| !UNDOCUMENTED.contains(&(method, path)))
            .collect();
        assert_eq!(documented, allowed);
        for (path, item) in document["paths"].as_object().unwrap() {
            for operation in item.as_object().unwrap().values() {
                assert!(TAGS.contains(&operation["tags"][0].as_str().unwrap()), "{path} stands in a section");
            }
        }
    }
}
