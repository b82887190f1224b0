//! `GET /api/v1/queues/{id}/stats`

use super::queue_id;
use crate::envelope::{Ok200, Success};
use crate::error::Result;
use crate::extract::AnyCaller;
use crate::state::ApiState;
use app::queues::Stats;
use axum::extract::{Path, State};
use model::duration::seconds;
use model::queues::Figures;
use model::{TenantId, Timestamp};
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;

/// A queue's members by state.
#[derive(Debug, Serialize, ToSchema)]
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
#[derive(Debug, Serialize, ToSchema)]
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
    agents: AgentsByState,
    /// Since the tenant's midnight.
    today: EndedInQueue,
    /// The present minute and the 29 before it.
    last_30_minutes: EndedInQueue,
    /// The log position that the numbers are true for.
    seq: i64,
}

impl EndedInQueue {
    fn of(figures: &Figures, stats: &Stats) -> Self {
        Self {
            offered: figures.offered,
            answered: figures.answered,
            abandoned: figures.abandoned,
            short_abandoned: figures.short_abandoned,
            timed_out: figures.timed_out,
            service_level_percent: figures.service_level_percent(stats.service_level_counts),
            threshold_seconds: stats.queue.settings.threshold.as_secs(),
            abandonment_percent: figures.abandonment_percent(),
            average_abandon_seconds: figures.average_abandon_seconds(),
            asa_seconds: figures.asa_seconds(),
            aht_seconds: figures.handling.aht_seconds(),
            max_wait_seconds: figures.max_wait_seconds(),
        }
    }
}

impl StatsBody {
    pub fn new(tenant: &TenantId, stats: Stats, seq: i64, at: Timestamp) -> Self {
        let agents = stats.agents;
        Self {
            tenant_id: tenant.to_string(),
            at: at.to_string(),
            waiting: stats.waiting,
            longest_wait_seconds: seconds(stats.longest_wait(at)),
            oldest_joined_at: stats.oldest_joined_at.map(|joined| joined.to_string()),
            agents: AgentsByState {
                available: agents.available,
                ringing: agents.ringing,
                on_call: agents.on_call,
                wrap_up: agents.wrap_up,
                paused: agents.paused,
                offline: agents.offline,
            },
            today: EndedInQueue::of(&stats.today, &stats),
            last_30_minutes: EndedInQueue::of(&stats.last_30_minutes, &stats),
            seq,
            channel: stats.queue.channel.as_str(),
            queue_id: stats.queue.id.into(),
            queue_name: stats.queue.name,
        }
    }
}

/// Show a queue's numbers
///
/// What is true now, and what has ended today and in the last 30 minutes, by the definitions of `docs/metrics-definitions.md`. Agents see the queues
/// that they are members of.
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
