//! What operators ask a server.

mod clock;
mod docs;
mod health;
mod prometheus;

use crate::state::ApiState;
use axum::Router;
use axum::routing::post;
use std::sync::Arc;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) fn routes() -> OpenApiRouter<Arc<ApiState>> {
    OpenApiRouter::new()
        .routes(routes!(health::health))
        .routes(routes!(health::live))
        .routes(routes!(health::ready))
        .routes(routes!(prometheus::metrics))
        .routes(routes!(docs::openapi_json))
        .routes(routes!(docs::docs))
        .routes(routes!(docs::home))
}

/// Whether a path asks how the server is.
pub(crate) fn is_about_health(path: &str) -> bool {
    path == "/health" || path.starts_with("/health/")
}

/// Routes that are not part of the API.
pub(crate) fn plain_routes(state: &ApiState) -> Router<Arc<ApiState>> {
    if state.config.test_clock {
        Router::new().route("/test/clock", post(clock::advance))
    } else {
        Router::new()
    }
}
