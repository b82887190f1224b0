//! `GET /api/v1/agent-state/stats`, `…/me/stats` and `…/{user_id}/stats`

use super::check_own;
use crate::envelope::{LiveMeta, Ok200, OkList, Success, SuccessList};
use crate::error::Result;
use crate::extract::{AnyCaller, Caller, Query};
use crate::paging::{Page, next_cursor};
use crate::state::ApiState;
use crate::users::user_id;
use app::Error;
use app::agents::{AllStats, Stats};
use axum::extract::{Path, State};
use model::agents::State as Shown;
use model::duration::seconds;
use model::{TenantId, Timestamp};
use serde::Serialize;
use std::sync::Arc;
use std::time::Duration;
use utoipa::ToSchema;

/// Seconds in each state on duty.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StateSeconds {
    available: f64,
    ringing: f64,
    on_call: f64,
    wrap_up: f64,
    #[serde(rename = "break")]
    on_break: f64,
    away: f64,
    busy: f64,
}

/// What an agent has done since the tenant's midnight.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AgentToday {
    /// The agent's parts in calls that are over: answered or dialled, internal calls of no queue left out.
    handled: u64,
    /// What those talked, holds not counted.
    talk_seconds: f64,
    /// What those had somebody on hold.
    hold_seconds: f64,
    /// The wrap-ups after them that are over.
    wrap_up_seconds: f64,
    /// (talk + hold + wrap-up) / handled; null while nothing was.
    #[schema(required = true)]
    aht_seconds: Option<f64>,
    /// `call.missed` with `no_answer` or `declined`.
    missed_offers: u64,
    /// How long the agent was on duty.
    duty_seconds: f64,
    /// The present state counts until `at`.
    state_seconds: StateSeconds,
    /// 100 × (on_call + wrap_up) / (on_call + wrap_up + ringing + available); null without such time.
    #[schema(required = true)]
    occupancy_percent: Option<f64>,
}

/// An agent's numbers.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AgentStats)]
pub(crate) struct StatsBody {
    user_id: String,
    tenant_id: String,
    /// The moment of the answer.
    at: String,
    today: AgentToday,
    /// The log position that the numbers are true for.
    seq: i64,
}

impl StatsBody {
    fn new(tenant: &TenantId, stats: &Stats, (at, seq): (Timestamp, i64)) -> Self {
        Self {
            user_id: stats.user.to_string(),
            tenant_id: tenant.to_string(),
            at: at.to_string(),
            today: AgentToday::of(stats),
            seq,
        }
    }

    fn all(tenant: &TenantId, all: &AllStats) -> Vec<Self> {
        all.agents.iter().map(|stats| Self::new(tenant, stats, (all.at, all.seq))).collect()
    }

    fn only(tenant: &TenantId, all: &AllStats) -> Result<Ok200<Self>> {
        let one = Self::all(tenant, all).pop();
        one.map(Ok200).ok_or_else(|| Error::Internal("numbers of nobody".into()).into())
    }
}

impl AgentToday {
    fn of(stats: &Stats) -> Self {
        let (handling, times) = (&stats.day.handling, &stats.times);
        let of_ms = |ms| seconds(Duration::from_millis(ms));
        Self {
            handled: handling.legs,
            talk_seconds: of_ms(handling.talk_ms),
            hold_seconds: of_ms(handling.hold_ms),
            wrap_up_seconds: of_ms(handling.wrap_up_ms),
            aht_seconds: handling.aht_seconds(),
            missed_offers: stats.day.missed_offers,
            duty_seconds: times.duty_seconds(),
            state_seconds: StateSeconds {
                available: times.seconds(Shown::Available),
                ringing: times.seconds(Shown::Ringing),
                on_call: times.seconds(Shown::OnCall),
                wrap_up: times.seconds(Shown::WrapUp),
                on_break: times.seconds(Shown::Break),
                away: times.seconds(Shown::Away),
                busy: times.seconds(Shown::Busy),
            },
            occupancy_percent: times.occupancy_percent(),
        }
    }
}

/// List the agents' numbers
///
/// Of every active user what `GET /api/v1/agent-state/me/stats` tells. `meta.seq` is the log position that they are true for.
#[utoipa::path(get, path = "/api/v1/agent-state/stats", tag = "Agents", params(Page),
    responses((status = 200, body = SuccessList<StatsBody, LiveMeta>)))]
pub(crate) async fn all(
    State(state): State<Arc<ApiState>>,
    AnyCaller(caller): AnyCaller,
    Query(page): Query<Page>,
) -> Result<OkList<StatsBody, LiveMeta>> {
    let limit = page.limit()?;
    let (tenant, after) = (caller.tenant(), page.after()?.unwrap_or_default());
    let mut stats = state.app.agents.stats_page(tenant, &after, limit + 1).await?;
    let next_cursor = next_cursor(&mut stats.agents, limit, |one| one.user.to_string());
    Ok(OkList(StatsBody::all(tenant, &stats), LiveMeta { next_cursor, seq: stats.seq }))
}

/// Show one's own numbers
///
/// Calls, handle time, missed offers and time in each state of today, by the definitions of `docs/metrics-definitions.md`.
#[utoipa::path(get, path = "/api/v1/agent-state/me/stats", tag = "Agents",
    responses((status = 200, body = Success<StatsBody>)))]
pub(crate) async fn own(
    State(state): State<Arc<ApiState>>,
    Caller(caller): Caller,
) -> Result<Ok200<StatsBody>> {
    let (tenant, user) = (caller.tenant.clone(), caller.user.clone());
    StatsBody::only(&tenant, &state.app.agents.stats(&tenant, &user).await?)
}

/// Show an agent's numbers
///
/// As `GET /api/v1/agent-state/me/stats`. Agents see their own only.
#[utoipa::path(get, path = "/api/v1/agent-state/{user_id}/stats", tag = "Agents",
    params(("user_id" = String, Path, description = "The agent")),
    responses((status = 200, body = Success<StatsBody>)))]
pub(crate) async fn of_user(
    State(state): State<Arc<ApiState>>,
    AnyCaller(caller): AnyCaller,
    Path(id): Path<String>,
) -> Result<Ok200<StatsBody>> {
    let user = user_id(&id)?;
    check_own(&caller, &user, "agents see their own numbers only")?;
    StatsBody::only(caller.tenant(), &state.app.agents.stats(caller.tenant(), &user).await?)
}
