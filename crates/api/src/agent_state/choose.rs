//! `POST /api/v1/agent-state/me`

use super::AgentState;
use crate::envelope::{Ok200, Success};
use crate::error::Result;
use crate::extract::{Body, Caller};
use crate::state::ApiState;
use app::agents::Wish;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChooseState {
    /// available, busy, away, break or offline; the other states come from work.
    #[schema(example = "available")]
    state: String,
    /// A word of the tenant's, such as lunch.
    #[schema(min_length = 1, max_length = 100)]
    reason: Option<String>,
    /// 409 unless this is the present version.
    if_version: Option<i64>,
}

/// An agent's state after a wish.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ChosenState {
    #[serde(flatten)]
    state: AgentState,
    /// False when state and reason were the same before: nothing was sent then.
    changed: bool,
}

/// Set one's own state
#[utoipa::path(post, path = "/api/v1/agent-state/me", tag = "Agents", request_body = ChooseState,
    responses((status = 200, body = Success<ChosenState>)))]
pub(crate) async fn choose(
    State(state): State<Arc<ApiState>>,
    Caller(caller): Caller,
    Body(wish): Body<ChooseState>,
) -> Result<Ok200<ChosenState>> {
    let wish = Wish { state: wish.state, reason: wish.reason, if_version: wish.if_version };
    let (agent, changed) = state.app.agents.choose_own(&caller, wish).await?;
    Ok(Ok200(ChosenState { state: AgentState::full(&caller.tenant, &agent), changed }))
}
