//! `GET /api/v1/webhooks/{id}/stats`

use super::webhook_id;
use crate::envelope::{Ok200, Success};
use crate::error::{ApiError, Result};
use crate::extract::{AnyCaller, Query};
use crate::state::ApiState;
use axum::extract::{Path, State};
use model::{Timestamp, duration};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;
use store::deliveries::Stats;
use utoipa::{IntoParams, ToSchema};

const DEFAULT_WINDOW: Duration = Duration::from_secs(24 * 3600);
const SHORTEST_WINDOW: Duration = Duration::from_secs(1);
const LONGEST_WINDOW: Duration = Duration::from_secs(366 * 24 * 3600);

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Window {
    /// How far back to look, from `1s` to `366d`, such as `15m`, `24h` or `7d`; `24h` if not said. Statistics are kept by the
    /// minute, as long as WEBHOOK_LOG_RETENTION says.
    window: Option<String>,
}

/// What a webhook's deliveries add up to. Tests count.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StatsBody {
    /// The three counts together.
    total_deliveries: i64,
    successful_count: i64,
    failed_count: i64,
    /// Waiting or being sent now, whenever queued. Not counted beyond 100000, which then means that many or more.
    pending_count: i64,
    /// Per cent of the finished ones; null when none finished.
    #[schema(required = true)]
    success_rate: Option<f64>,
    /// Of answered attempts; null when none was answered.
    #[schema(required = true)]
    avg_latency_ms: Option<f64>,
    /// The latency that half of the answered attempts did not exceed; null when none was answered. Latencies are
    /// counted in steps of 1, 2, 5, 10 … 20000, 60000 ms and taken as spread evenly over their step.
    #[schema(required = true)]
    p50_latency_ms: Option<f64>,
    /// The same for 95 per cent of them.
    #[schema(required = true)]
    p95_latency_ms: Option<f64>,
    /// The same for 99 per cent of them.
    #[schema(required = true)]
    p99_latency_ms: Option<f64>,
    #[schema(required = true)]
    last_delivery_at: Option<String>,
    #[schema(required = true)]
    last_error: Option<String>,
}

impl From<Stats> for StatsBody {
    fn from(stats: Stats) -> Self {
        let finished = stats.successful + stats.failed;
        let rounded = |value: f64| (value * 100.0).round() / 100.0;
        let per_cent = 100.0 * stats.successful as f64 / finished as f64;
        let average = stats.latency_ms_sum as f64 / stats.latency_count as f64;
        Self {
            total_deliveries: finished + stats.pending,
            successful_count: stats.successful,
            failed_count: stats.failed,
            pending_count: stats.pending,
            success_rate: (finished > 0).then_some(rounded(per_cent)),
            avg_latency_ms: (stats.latency_count > 0).then_some(rounded(average)),
            p50_latency_ms: stats.latencies.percentile(0.5).map(rounded),
            p95_latency_ms: stats.latencies.percentile(0.95).map(rounded),
            p99_latency_ms: stats.latencies.percentile(0.99).map(rounded),
            last_delivery_at: stats.last_delivery_at.map(|at| Timestamp(at).to_string()),
            last_error: stats.last_error,
        }
    }
}

fn window(text: &str) -> Result<Duration> {
    let window = duration::parse(text).map_err(|error| ApiError::parameter("window", error.to_string()))?;
    let bounded = Some(window).filter(|window| (SHORTEST_WINDOW..=LONGEST_WINDOW).contains(window));
    bounded.ok_or_else(|| ApiError::parameter("window", "must be from 1s to 366d"))
}

/// Show a webhook's statistics
#[utoipa::path(get, path = "/api/v1/webhooks/{id}/stats", tag = "Webhooks",
    params(("id" = i64, Path, description = "The webhook"), Window),
    responses((status = 200, body = Success<StatsBody>)))]
pub(crate) async fn stats(
    State(state): State<Arc<ApiState>>,
    AnyCaller(caller): AnyCaller,
    Path(id): Path<String>,
    Query(query): Query<Window>,
) -> Result<Ok200<StatsBody>> {
    let window = query.window.as_deref().map_or(Ok(DEFAULT_WINDOW), window)?;
    let stats = state.app.webhooks.stats(caller.tenant(), webhook_id(&id)?, window).await?;
    Ok(Ok200(stats.into()))
}
