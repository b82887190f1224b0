//! `GET /api/v1/queues/{id}/stats`

use super::queue_id;
use crate::envelope::{Ok200, Success};
use crate::error::Result;
use crate::extract::AnyCaller;
use crate::state::ApiState;
use app::queues::{AgentCounts, Ended, Stats};
use axum::extract::{Path, State};
use model::duration::seconds;
use model::{TenantId, Timestamp};
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;

/// A queue's members by state.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes `AgentCounts` in the OpenAPI document")]
pub(crate) struct AgentsByState {
    available: u64,
    ringing: u64,
    on_call: u64,
    wrap_up: u64,
    /// Paused in this queue, whatever their state, or on a break, away or busy.
    paused: u64,
    offline: u64,
}

/// What has ended in an interval.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes `Ended` in the OpenAPI document")]
pub(crate) struct EndedInQueue {
    offered: u64,
    answered: u64,
    abandoned: u64,
    short_abandoned: u64,
    timed_out: u64,
    #[schema(required = true)]
    service_level_percent: Option<f64>,
    threshold_seconds: u64,
    #[schema(required = true)]
    abandonment_percent: Option<f64>,
    #[schema(required = true)]
    average_abandon_seconds: Option<f64>,
    #[schema(required = true)]
    asa_seconds: Option<f64>,
    #[schema(required = true)]
    aht_seconds: Option<f64>,
    max_wait_seconds: f64,
}

/// A queue's numbers, as in `queue.stats`.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = QueueStats)]
pub(crate) struct StatsBody {
    queue_id: String,
    queue_name: String,
    tenant_id: String,
    channel: &'static str,
    /// The moment of the answer.
    at: String,
    waiting: u64,
    longest_wait_seconds: f64,
    /// Absent while nothing waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    oldest_joined_at: Option<String>,
    #[schema(value_type = AgentsByState)]
    agents: AgentCounts,
    /// Since the tenant's midnight.
    #[schema(value_type = EndedInQueue)]
    today: Ended,
    /// The present minute and the 29 before it.
    #[schema(value_type = EndedInQueue)]
    last_30_minutes: Ended,
    /// The log position that the numbers are true for.
    seq: i64,
}

impl StatsBody {
    pub fn new(tenant: &TenantId, stats: Stats, seq: i64, at: Timestamp) -> Self {
        Self {
            tenant_id: tenant.to_string(),
            at: at.to_string(),
            waiting: stats.waiting,
            longest_wait_seconds: seconds(stats.longest_wait(at)),
            oldest_joined_at: stats.oldest_joined_at.map(|joined| joined.to_string()),
            agents: stats.agents,
            today: stats.told(&stats.today),
            last_30_minutes: stats.told(&stats.last_30_minutes),
            seq,
            channel: stats.queue.channel.as_str(),
            queue_id: stats.queue.id.into(),
            queue_name: stats.queue.name,
        }
    }
}

/// Show a queue's numbers
///
/// What is true now, and what has ended today and in the last 30 minutes, by the definitions of
/// `docs/metrics-definitions.md`. Agents see the queues that they are members of.
#[utoipa::path(get, path = "/api/v1/queues/{id}/stats", tag = "Queues",
    params(("id" = String, Path, description = "The queue")), responses((status = 200, body = Success<StatsBody>)))]
pub(crate) async fn stats(
    State(state): State<Arc<ApiState>>,
    AnyCaller(caller): AnyCaller,
    Path(id): Path<String>,
) -> Result<Ok200<StatsBody>> {
    let (stats, seq, at) = state.app.queues.stats(&caller, &queue_id(&id)?).await?;
    Ok(Ok200(StatsBody::new(caller.tenant(), stats, seq, at)))
}
