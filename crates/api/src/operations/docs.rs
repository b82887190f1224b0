//! `GET /openapi.json`, `/docs` and `/`: all of it works without the internet.

use crate::openapi_document;
use axum::http::header;
use axum::response::{Html, IntoResponse, Response};

/// The API's description in OpenAPI 3.1
#[utoipa::path(get, path = "/openapi.json", tag = "Operations",
    responses((status = 200, body = serde_json::Value, content_type = "application/json")))]
pub(crate) async fn openapi_json() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], openapi_document()).into_response()
}

/// The API's description for people
#[utoipa::path(get, path = "/docs", tag = "Operations",
    responses((status = 200, body = String, content_type = "text/html")))]
pub(crate) async fn docs() -> Html<&'static str> {
    Html(include_str!("docs.html"))
}

/// The start page
#[utoipa::path(get, path = "/", tag = "Operations",
    responses((status = 200, body = String, content_type = "text/html")))]
pub(crate) async fn home() -> Html<&'static str> {
    Html(include_str!("home.html"))
}
