//! Reads requests: JSON bodies, path and query parameters, the caller. What cannot be read is told by field.

use crate::error::{ApiError, Result};
use crate::state::ApiState;
use app::Identity;
use app::fields::FieldProblem;
use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use model::Timestamp;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Deserializer};
use std::net::IpAddr;
use std::sync::Arc;

/// The largest body in bytes, as the contract has it.
const MAX_BODY: usize = 1 << 20;

/// A JSON object as body.
pub(crate) struct Body<T>(pub T);

impl<T: DeserializeOwned> FromRequest<Arc<ApiState>> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &Arc<ApiState>) -> Result<Self> {
        let RawBody(bytes) = RawBody::<MAX_BODY>::from_request(request, state).await?;
        object(&bytes).map(Self)
    }
}

/// A JSON object as body, or no body.
pub(crate) struct OptionalBody<T>(pub T);

impl<T: DeserializeOwned + Default> FromRequest<Arc<ApiState>> for OptionalBody<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &Arc<ApiState>) -> Result<Self> {
        let RawBody(bytes) = RawBody::<MAX_BODY>::from_request(request, state).await?;
        if bytes.trim_ascii().is_empty() { Ok(Self(T::default())) } else { object(&bytes).map(Self) }
    }
}

fn object<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    let is_object = bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{');
    if !is_object && serde_json::from_slice::<IgnoredAny>(bytes).is_ok() {
        return Err(ApiError::invalid(vec![FieldProblem::new("body", "must be a JSON object")]));
    }
    parse(bytes)
}

/// A body of at most `MAX` bytes that says it is JSON, not read yet.
pub(crate) struct RawBody<const MAX: usize>(pub Bytes);

impl<const MAX: usize> FromRequest<Arc<ApiState>> for RawBody<MAX> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &Arc<ApiState>) -> Result<Self> {
        check_content_type(request.headers())?;
        state.bodies.read(request.into_body(), MAX).await.map(Self)
    }
}

fn check_content_type(headers: &HeaderMap) -> Result<()> {
    let Some(value) = headers.get(header::CONTENT_TYPE) else { return Ok(()) };
    let essence =
        value.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json")) {
        return Ok(());
    }
    let message = format!("the body must be application/json, not {essence}");
    Err(ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", message))
}

/// Reads JSON strictly.
pub(crate) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    if bytes.trim_ascii().is_empty() {
        let message = "the request has no body: it needs one of JSON";
        return Err(ApiError::new(StatusCode::BAD_REQUEST, "malformed_json", message));
    }
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let parsed = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().to_string();
        let inner = error.into_inner();
        if inner.is_data() { wrong_field(&path, &inner, bytes) } else { malformed(&inner) }
    })?;
    json.end().map_err(|error| malformed(&error))?;
    Ok(parsed)
}

fn malformed(error: &serde_json::Error) -> ApiError {
    ApiError::new(StatusCode::BAD_REQUEST, "malformed_json", format!("the body is not valid JSON: {error}"))
}

fn wrong_field(path: &str, error: &serde_json::Error, bytes: &[u8]) -> ApiError {
    // A value of the wrong type in front of broken JSON: the broken JSON is the first thing to mend.
    if let Err(error) = serde_json::from_slice::<IgnoredAny>(bytes) {
        return malformed(&error);
    }
    let text = error.to_string();
    let text = text.rsplit_once(" at line ").map_or(text.as_str(), |(text, _)| text);
    let parent = match path.rsplit_once('.') {
        Some((parent, _)) => format!("{parent}."),
        None => String::new(),
    };
    // These are told of the object around the field.
    let inside = |rest: &str| match path {
        "." => rest.trim_end_matches('`').to_owned(),
        path => format!("{path}.{}", rest.trim_end_matches('`')),
    };
    let problem = if let Some(rest) = text.strip_prefix("missing field `") {
        FieldProblem::new(inside(rest), "is required")
    } else if let Some(rest) = text.strip_prefix("duplicate field `") {
        FieldProblem::new(inside(rest), "is given twice")
    } else if let Some(rest) = text.strip_prefix("unknown field `") {
        let (name, known) = rest.split_once('`').unwrap_or((rest, ""));
        let known = known.trim_start_matches(", expected ").trim_start_matches("one of ").replace('`', "");
        FieldProblem::new(
            format!("{parent}{name}"),
            format!("is not a field of this request; known are: {known}"),
        )
    } else {
        FieldProblem::new(path, format!("has the wrong type: {}", in_words(text)))
    };
    ApiError::invalid(vec![problem])
}

/// What is wrong with a value, in the words of JSON in place of those of this program.
fn in_words(text: &str) -> String {
    let text = text.trim_start_matches("invalid type: ").trim_start_matches("invalid value: ");
    let Some((found, expected)) = text.rsplit_once("expected ") else { return text.to_owned() };
    let expected = match expected {
        "u8" | "u16" | "u32" | "u64" => "a whole number, not negative and not too large",
        "i8" | "i16" | "i32" | "i64" => "a whole number",
        "f32" | "f64" => "a number",
        "a map" => "an object",
        "a sequence" => "an array",
        "a boolean" => "true or false",
        other => other,
    };
    format!("{found}expected {expected}")
}

/// Takes a field that may be left out, and may not be null.
pub(crate) fn not_null<'de, T: Deserialize<'de>, D: Deserializer<'de>>(d: D) -> Result<Option<T>, D::Error> {
    T::deserialize(d).map(Some)
}

/// Tells a field that was left out (`None`) from one that is null (`Some(None)`).
pub(crate) fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    d: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::<T>::deserialize(d).map(Some)
}

/// The query's parameters; unknown ones are ignored.
pub(crate) struct Query<T>(pub T);

impl<T: DeserializeOwned> FromRequestParts<Arc<ApiState>> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<ApiState>) -> Result<Self> {
        let query = axum::extract::Query::<T>::try_from_uri(&parts.uri);
        query.map(|query| Self(query.0)).map_err(|error| {
            ApiError::new(
                StatusCode::BAD_REQUEST,
                "bad_parameter",
                format!("the query cannot be read: {error}"),
            )
        })
    }
}

/// A parameter that is a moment, if it was given.
pub(crate) fn moment(field: &str, text: Option<&str>) -> Result<Option<Timestamp>> {
    let Some(text) = text else { return Ok(None) };
    let moment = Timestamp::parse_rfc3339(text);
    moment
        .map(Some)
        .ok_or_else(|| ApiError::parameter(field, "must be a moment such as 2026-11-23T08:15:00Z"))
}

/// Whoever calls, put there by the guard.
pub(crate) struct AnyCaller(pub app::Caller);

impl FromRequestParts<Arc<ApiState>> for AnyCaller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<ApiState>) -> Result<Self> {
        let caller = parts.extensions.get::<app::Caller>().cloned();
        caller.map(Self).ok_or_else(|| {
            app::Error::Internal("a handler that needs a caller is open to everybody in the table".into())
                .into()
        })
    }
}

/// The signed-in user who calls.
pub(crate) struct Caller(pub Identity);

impl FromRequestParts<Arc<ApiState>> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &Arc<ApiState>) -> Result<Self> {
        match AnyCaller::from_request_parts(parts, state).await?.0 {
            app::Caller::User(identity) => Ok(Self(identity)),
            app::Caller::Program(_) => {
                Err(app::Error::Forbidden("this call is for users, not for API keys").into())
            }
        }
    }
}

/// The client's address.
pub(crate) struct ClientAddress(pub IpAddr);

impl FromRequestParts<Arc<ApiState>> for ClientAddress {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &Arc<ApiState>) -> Result<Self> {
        let peer = crate::client_address::peer(&parts.extensions);
        Ok(Self(state.config.trusted_proxies.client(peer, &parts.headers)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only read by serde")]
    struct Example {
        name: String,
        count: Option<i64>,
        inner: Option<Inner>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only read by serde")]
    struct Inner {
        flag: bool,
    }

    fn problem(body: &str) -> String {
        let error = parse::<Example>(body.as_bytes()).unwrap_err();
        format!("{error:?}")
    }

    #[test]
    fn the_field_is_named_whatever_is_wrong_with_it() {
        for (body, expected) in [
            (r#"{}"#, r#"field: "name", message: "is required""#),
            (r#"{"name":"x","inner":{}}"#, r#"field: "inner.flag", message: "is required""#),
            (r#"{"name":"x","name":"y"}"#, r#"field: "name", message: "is given twice""#),
            (
                r#"{"name":"x","inner":{"flag":true,"flag":true}}"#,
                r#"field: "inner.flag", message: "is given twice""#,
            ),
            (r#"{"name":1}"#, r#"field: "name", message: "has the wrong type"#),
            (r#"{"name":"x","count":"3"}"#, r#"field: "count", message: "has the wrong type"#),
            (
                r#"{"name":"x","nmae":1}"#,
                r#"field: "nmae", message: "is not a field of this request; known are: name, count, inner""#,
            ),
            (
                r#"{"name":"x","inner":{"flag":true,"other":1}}"#,
                r#"field: "inner.other", message: "is not a field"#,
            ),
            (r#"{"name":"#, "malformed_json"),
            (r#"{"name":"x"} x"#, "malformed_json"),
            (r#"{"name":1"#, "malformed_json"),
            ("", "malformed_json"),
        ] {
            assert!(problem(body).contains(expected), "{body}: {}", problem(body));
        }
    }

    #[test]
    fn types_are_named_as_json_names_them() {
        for (body, expected) in [
            (r#"{"name":"x","count":"3"}"#, r#"wrong type: string \"3\", expected a whole number"#),
            (r#"{"name":"x","count":99999999999999999999}"#, "expected a whole number"),
            (r#"{"name":"x","inner":{"flag":1}}"#, "wrong type: integer `1`, expected true or false"),
            (r#"{"name":null}"#, "wrong type: null, expected a string"),
        ] {
            assert!(problem(body).contains(expected), "{body}: {}", problem(body));
        }
    }
}
