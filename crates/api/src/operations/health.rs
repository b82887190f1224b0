//! `GET /health`, `/health/live`, `/health/ready`

use crate::state::{ApiState, RedisHealth};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use std::sync::Arc;
use store::platform;
use utoipa::ToSchema;

/// How the server is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Health {
    /// `ok`, `degraded` (serves, without Redis), `unavailable` or `stopping`.
    status: &'static str,
    version: &'static str,
    checks: Checks,
}

/// How what it depends on is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Checks {
    /// `ok` or `unavailable`.
    database: &'static str,
    /// `ok`, `unavailable` or `disabled`.
    redis: &'static str,
    /// `ok`, or `paused` while the server does not hold its lease.
    webhooks: &'static str,
}

async fn examine(state: &ApiState) -> (StatusCode, Json<Health>) {
    let database = database_answers(state).await;
    let redis = state.redis();
    let sending = state.app.engine.gauges().lease_held;
    let status = match (state.is_stopping(), database, redis) {
        (true, _, _) => "stopping",
        (_, false, _) => "unavailable",
        (_, _, RedisHealth::Down) => "degraded",
        _ => "ok",
    };
    let code =
        if matches!(status, "ok" | "degraded") { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let checks = Checks {
        database: if database { "ok" } else { "unavailable" },
        redis: match redis {
            RedisHealth::Up => "ok",
            RedisHealth::Down => "unavailable",
            RedisHealth::Disabled => "disabled",
        },
        webhooks: if sending { "ok" } else { "paused" },
    };
    (code, Json(Health { status, version: state.config.version, checks }))
}

async fn database_answers(state: &ApiState) -> bool {
    match state.app.store.read().await {
        Ok(mut reader) => platform::ping(reader.conn()).await.is_ok(),
        Err(_) => false,
    }
}

/// How is the server?
#[utoipa::path(get, path = "/health", tag = "Operations", responses((status = 200, body = Health),
    (status = 503, body = Health)))]
pub(crate) async fn health(State(state): State<Arc<ApiState>>) -> (StatusCode, Json<Health>) {
    examine(&state).await
}

/// That the process lives.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Live {
    /// Always `ok`.
    status: &'static str,
}

/// Does the process live?
#[utoipa::path(get, path = "/health/live", tag = "Operations", responses((status = 200, body = Live)))]
pub(crate) async fn live() -> Json<Live> {
    Json(Live { status: "ok" })
}

/// May requests come here?
///
/// 503 while the database is away and from the moment the server is told to stop.
#[utoipa::path(get, path = "/health/ready", tag = "Operations", responses((status = 200, body = Health),
    (status = 503, body = Health)))]
pub(crate) async fn ready(State(state): State<Arc<ApiState>>) -> (StatusCode, Json<Health>) {
    examine(&state).await
}
