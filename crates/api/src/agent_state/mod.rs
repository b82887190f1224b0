//! Agents' states.

mod choose;
mod get;
mod history;
mod list;

pub(crate) use list::ListedAgent;

use crate::state::ApiState;
use app::Caller;
use model::agents::Agent;
use model::{Role, TenantId};
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) fn routes() -> OpenApiRouter<Arc<ApiState>> {
    OpenApiRouter::new()
        .routes(routes!(list::list))
        .routes(routes!(get::own, choose::choose))
        .routes(routes!(get::of_user))
        .routes(routes!(history::history))
}

/// An agent's state. Agents see of their colleagues the state alone: the other fields are null.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AgentState {
    #[schema(example = "user-456")]
    user_id: String,
    #[schema(example = "tenant-123")]
    tenant_id: String,
    /// What others see: offline, available, ringing, on_call, wrap_up, break, away or busy.
    #[schema(example = "available")]
    state: &'static str,
    /// Null before the first change.
    #[schema(required = true)]
    previous_state: Option<&'static str>,
    /// What the agent chose: available, busy, away, break or offline.
    #[schema(required = true)]
    presence: Option<&'static str>,
    #[schema(required = true)]
    reason: Option<String>,
    /// Whether new voice work may be offered, regardless of queue.
    #[schema(required = true)]
    routable: Option<bool>,
    /// Since when the state holds; null before the first change.
    #[schema(required = true)]
    since: Option<String>,
    /// Counts the agent's changes.
    version: i64,
}

impl AgentState {
    fn full(tenant: &TenantId, agent: &Agent) -> Self {
        Self {
            user_id: agent.user.to_string(),
            tenant_id: tenant.to_string(),
            state: agent.state.as_str(),
            previous_state: agent.previous_state.map(model::agents::State::as_str),
            presence: Some(agent.chosen.presence.as_str()),
            routable: Some(agent.routable()),
            reason: agent.shown_reason().map(Into::into),
            since: agent.since.map(|at| at.to_string()),
            version: agent.version,
        }
    }

    /// What `caller` may see of `agent`: why a colleague is on a break is not an agent's business.
    fn seen_by(caller: &Caller, agent: &Agent) -> Self {
        let viewer = caller.viewer();
        let sees_all = viewer.role != Role::Agent || viewer.user.as_ref() == Some(&agent.user);
        let full = Self::full(caller.tenant(), agent);
        if sees_all { full } else { Self { presence: None, reason: None, routable: None, ..full } }
    }
}
