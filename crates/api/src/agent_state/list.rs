//! `GET /api/v1/agent-state`

use super::AgentState;
use crate::envelope::{LiveMeta, OkList, SuccessList};
use crate::error::{ApiError, Result};
use crate::extract::{AnyCaller, Query};
use crate::paging::{Page, next_cursor};
use crate::state::ApiState;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct OfState {
    /// Only agents in this state.
    state: Option<String>,
}

/// An agent in a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ListedAgent {
    #[serde(flatten)]
    state: AgentState,
    /// The agent's display name.
    name: String,
}

impl ListedAgent {
    /// What `caller` may see of an agent.
    pub fn seen_by(caller: &app::Caller, listed: store::agents::Listed) -> Self {
        Self { state: AgentState::seen_by(caller, &listed.agent), name: listed.name }
    }
}

/// List the agents' states
///
/// Every active user of the tenant. `meta.seq` is the log position that the list is true for.
#[utoipa::path(get, path = "/api/v1/agent-state", tag = "Agents", params(OfState, Page),
    responses((status = 200, body = SuccessList<ListedAgent, LiveMeta>)))]
pub(crate) async fn list(
    State(state): State<Arc<ApiState>>,
    AnyCaller(caller): AnyCaller,
    Query(filter): Query<OfState>,
    Query(page): Query<Page>,
) -> Result<OkList<ListedAgent, LiveMeta>> {
    let wanted = filter.state.as_deref().map(known_state).transpose()?;
    show(&state, &caller, wanted, &page).await
}

/// List the available agents
///
/// Those in the state available: ready for work, and not at work.
#[utoipa::path(get, path = "/api/v1/agent-state/available", tag = "Agents", params(Page),
    responses((status = 200, body = SuccessList<ListedAgent, LiveMeta>)))]
pub(crate) async fn available(
    State(state): State<Arc<ApiState>>,
    AnyCaller(caller): AnyCaller,
    Query(page): Query<Page>,
) -> Result<OkList<ListedAgent, LiveMeta>> {
    show(&state, &caller, Some(model::agents::State::Available), &page).await
}

async fn show(
    state: &ApiState,
    caller: &app::Caller,
    wanted: Option<model::agents::State>,
    page: &Page,
) -> Result<OkList<ListedAgent, LiveMeta>> {
    let (limit, after) = (page.limit()?, page.after()?.unwrap_or_default());
    let (mut agents, seq) = state.app.agents.page(caller.tenant(), wanted, &after, limit + 1).await?;
    let next_cursor = next_cursor(&mut agents, limit, |listed| listed.agent.user.to_string());
    let agents = agents.into_iter().map(|listed| ListedAgent::seen_by(caller, listed)).collect();
    Ok(OkList(agents, LiveMeta { next_cursor, seq }))
}

fn known_state(word: &str) -> Result<model::agents::State> {
    model::agents::State::parse(word).ok_or_else(|| {
        let known: Vec<&str> = model::agents::State::ALL.iter().map(|state| state.as_str()).collect();
        ApiError::parameter("state", format!("must be one of {}", known.join(", ")))
    })
}
