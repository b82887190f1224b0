//! Gives every request an id, every response that id, and every failure its body.

use crate::envelope::{Failed, Failure};
use crate::error::Pending;
use axum::Json;
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use uuid::Uuid;

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Bytes that a line of the log has of a path, which may be 32 KiB long, and of an error, which may tell of as much.
const PATH_SHOWN: usize = 256;
const CAUSE_SHOWN: usize = 1024;

/// The beginning of a text, whole characters of it.
fn cut(text: &str, most: usize) -> &str {
    &text[..text.floor_char_boundary(most)]
}

/// A well-formed id of the request's own is kept, any other replaced.
fn id_of(request: &Request) -> String {
    let own = request.headers().get(&X_REQUEST_ID).and_then(|value| value.to_str().ok());
    let allowed = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'.' | b'_' | b'-');
    match own {
        Some(id) if (1..=128).contains(&id.len()) && id.bytes().all(allowed) => id.to_owned(),
        _ => Uuid::new_v4().to_string(),
    }
}

/// What a response needs to know of its request.
pub(crate) struct Stamp {
    id: String,
    method: Method,
    uri: Uri,
}

impl Stamp {
    pub fn of(request: &Request) -> Self {
        Self { id: id_of(request), method: request.method().clone(), uri: request.uri().clone() }
    }

    pub fn put_on(self, mut response: Response) -> Response {
        let Self { id, method, uri } = self;
        let status = response.status();
        if let Some(pending) =
            response.extensions_mut().remove::<Pending>().or_else(|| bare_failure(&response))
        {
            if let Some(cause) = &pending.cause {
                let (path, cause) = (cut(uri.path(), PATH_SHOWN), cut(cause, CAUSE_SHOWN));
                tracing::error!(request_id = id, %method, path, status = status.as_u16(), cause, "Request failed");
            }
            response = with_body(&response, pending, &id, status);
        }
        if let Ok(value) = HeaderValue::from_str(&id) {
            response.headers_mut().insert(X_REQUEST_ID, value);
        }
        response
    }
}

/// A failure that a library answered without our envelope.
fn bare_failure(response: &Response) -> Option<Pending> {
    let status = response.status();
    let is_json =
        response.headers().get(header::CONTENT_TYPE).is_some_and(|value| value == "application/json");
    if is_json || !(status.is_client_error() || status.is_server_error()) {
        return None;
    }
    let reason = status.canonical_reason().unwrap_or("failed");
    let code = reason.to_lowercase().replace(' ', "_");
    let failure =
        Failure { code, message: format!("the request cannot be served: {reason}"), details: Vec::new() };
    Some(Pending { failure, cause: None })
}

fn with_body(bare: &Response, pending: Pending, id: &str, status: StatusCode) -> Response {
    let body = Failed { success: false, error: pending.failure, request_id: id.to_owned() };
    let mut response = (status, Json(body)).into_response();
    for (name, value) in bare.headers() {
        if name != header::CONTENT_TYPE && name != header::CONTENT_LENGTH {
            response.headers_mut().append(name, value.clone());
        }
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_between_characters() {
        for (most, cut_there) in [(0, ""), (1, ""), (2, "ü"), (3, "ü"), (4, "üü"), (9, "üü")] {
            assert_eq!(cut("üü", most), cut_there);
        }
    }
}
