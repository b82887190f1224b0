//! `GET /openapi.json`, `/docs` and `/`: all of it works without the internet.

use crate::openapi_document;
use axum::http::header;
use axum::response::{Html, IntoResponse, Response};

/// Whatever comes to stand in the pages: browsers load nothing for them from elsewhere, and show them in nobody's frame.
const FROM_HERE_ONLY: &str = "default-src 'none'; connect-src 'self'; img-src 'self'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The API's description in OpenAPI 3.1
#[utoipa::path(get, path = "/openapi.json", tag = "Operations",
    responses((status = 200, body = serde_json::Value, content_type = "application/json")))]
pub(crate) async fn openapi_json() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], openapi_document()).into_response()
}

/// The API's description for people
#[utoipa::path(get, path = "/docs", tag = "Operations",
    responses((status = 200, body = String, content_type = "text/html")))]
pub(crate) async fn docs() -> Response {
    page(include_str!("docs.html"))
}

/// The start page
#[utoipa::path(get, path = "/", tag = "Operations",
    responses((status = 200, body = String, content_type = "text/html")))]
pub(crate) async fn home() -> Response {
    page(include_str!("home.html"))
}

fn page(html: &'static str) -> Response {
    ([(header::CONTENT_SECURITY_POLICY, FROM_HERE_ONLY)], Html(html)).into_response()
}
