//! `GET /metrics`

use crate::client_address;
use crate::error::{ApiError, Result};
use crate::guard::bearer;
use crate::state::ApiState;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use subtle::ConstantTimeEq;

const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Metrics for Prometheus
///
/// Names and meanings: docs/metrics.md. With METRICS_TOKEN set, needs it as a bearer token; without it, production serves them to loopback only.
#[utoipa::path(get, path = "/metrics", tag = "Operations",
    responses((status = 200, body = String, content_type = "application/openmetrics-text")))]
pub(crate) async fn metrics(State(state): State<Arc<ApiState>>, request: Request) -> Result<Response> {
    let config = &state.config;
    match &config.metrics_token {
        Some(token) if !bearer(request.headers()).is_some_and(|given| same(given, token)) => {
            let message = "metrics need the token of METRICS_TOKEN as Authorization: Bearer TOKEN";
            return Err(ApiError::new(StatusCode::UNAUTHORIZED, "missing_token", message));
        }
        None if config.production && !client_address::peer(request.extensions()).is_loopback() => {
            return Err(
                app::Error::Forbidden("metrics are for loopback only unless METRICS_TOKEN is set").into()
            );
        }
        _ => {}
    }
    let text = state.metrics.encode(&state).await?;
    Ok(([(header::CONTENT_TYPE, CONTENT_TYPE)], text).into_response())
}

/// Compares in a time that tells nothing, not even the length.
fn same(given: &str, token: &str) -> bool {
    Sha256::digest(given.as_bytes()).ct_eq(&Sha256::digest(token.as_bytes())).into()
}
