//! `GET /api/v1/agent-state/me` and `GET /api/v1/agent-state/{user_id}`

use super::AgentState;
use crate::envelope::{Ok200, Success};
use crate::error::Result;
use crate::extract::{AnyCaller, Caller};
use crate::state::ApiState;
use crate::users::user_id;
use axum::extract::{Path, State};
use std::sync::Arc;

/// Show one's own state
#[utoipa::path(get, path = "/api/v1/agent-state/me", tag = "Agents",
    responses((status = 200, body = Success<AgentState>)))]
pub(crate) async fn own(
    State(state): State<Arc<ApiState>>,
    Caller(caller): Caller,
) -> Result<Ok200<AgentState>> {
    let listed = state.app.agents.get(&caller.tenant, &caller.user).await?;
    Ok(Ok200(AgentState::full(&caller.tenant, &listed.agent)))
}

/// Show an agent's state
#[utoipa::path(get, path = "/api/v1/agent-state/{user_id}", tag = "Agents",
    params(("user_id" = String, Path, description = "The agent")),
    responses((status = 200, body = Success<AgentState>)))]
pub(crate) async fn of_user(
    State(state): State<Arc<ApiState>>,
    AnyCaller(caller): AnyCaller,
    Path(id): Path<String>,
) -> Result<Ok200<AgentState>> {
    let listed = state.app.agents.get(caller.tenant(), &user_id(&id)?).await?;
    Ok(Ok200(AgentState::seen_by(&caller, &listed.agent)))
}
