//! Agents' states.

mod choose;
mod choose_of;
mod end_break;
mod get;
mod history;
mod list;
mod shortcuts;
mod stats;
mod wrap_up;

pub(crate) use list::ListedAgent;

use crate::state::ApiState;
use app::agents::Outcome;
use app::{Caller, Error};
use model::agents::{Agent, Chosen};
use model::{Role, TenantId, UserId};
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) fn routes() -> OpenApiRouter<Arc<ApiState>> {
    OpenApiRouter::new()
        .routes(routes!(list::list))
        .routes(routes!(list::available))
        .routes(routes!(get::own, choose::choose))
        .routes(routes!(shortcuts::be_available))
        .routes(routes!(shortcuts::go_away))
        .routes(routes!(shortcuts::take_break))
        .routes(routes!(end_break::end_break))
        .routes(routes!(wrap_up::end_wrap_up))
        .routes(routes!(wrap_up::extend_wrap_up))
        .routes(routes!(wrap_up::end_wrap_up_of))
        .routes(routes!(wrap_up::extend_wrap_up_of))
        .routes(routes!(get::of_user, choose_of::choose_of))
        .routes(routes!(history::history))
        .routes(routes!(stats::all))
        .routes(routes!(stats::own))
        .routes(routes!(stats::of_user))
}

/// What an agent has done is for that agent, for supervisors and for admins.
fn check_own(caller: &Caller, user: &UserId, message: &'static str) -> Result<(), Error> {
    let viewer = caller.viewer();
    if viewer.role == Role::Agent && viewer.user.as_ref() != Some(user) {
        return Err(Error::Forbidden(message));
    }
    Ok(())
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
    /// What was chosen last: available, busy, away, break or offline. During a call it may be a wish for afterwards: then
    /// `pending` tells of it.
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
    /// The call that the state comes from.
    #[schema(required = true)]
    call_id: Option<String>,
    /// When a wrap-up ends by itself.
    #[schema(required = true)]
    until: Option<String>,
    /// What is wished for after the work.
    #[schema(required = true)]
    pending: Option<PendingState>,
    /// When the present duty began; null off duty.
    #[schema(required = true)]
    duty_since: Option<String>,
    /// Counts the agent's changes.
    version: i64,
}

/// A wish that takes effect after the work.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PendingState {
    state: &'static str,
    #[schema(required = true)]
    reason: Option<String>,
    /// The user, or the API key, who wishes it.
    #[schema(required = true)]
    requested_by: Option<String>,
    #[schema(required = true)]
    requested_at: Option<String>,
}

impl PendingState {
    fn of(wish: &Chosen) -> Self {
        Self {
            state: wish.presence.as_str(),
            reason: wish.reason.clone(),
            requested_by: wish.by.as_ref().map(ToString::to_string),
            requested_at: wish.at.map(|at| at.to_string()),
        }
    }
}

/// An agent's state after a command.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ChosenState {
    #[serde(flatten)]
    state: AgentState,
    /// False when it was so before: nothing was sent then.
    changed: bool,
}

impl ChosenState {
    fn of(tenant: &TenantId, (agent, changed): &Outcome) -> Self {
        Self { state: AgentState::full(tenant, agent), changed: *changed }
    }
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
            call_id: agent.shown_work().map(|item| item.call.to_string()),
            until: agent.shown_work().and_then(|item| item.until).map(|at| at.to_string()),
            pending: agent.pending().map(PendingState::of),
            duty_since: agent.duty_since.map(|at| at.to_string()),
            version: agent.version,
        }
    }

    /// What `caller` may see of `agent`: why a colleague is on a break is not an agent's business.
    fn seen_by(caller: &Caller, agent: &Agent) -> Self {
        let viewer = caller.viewer();
        let sees_all = viewer.role != Role::Agent || viewer.user.as_ref() == Some(&agent.user);
        let full = Self::full(caller.tenant(), agent);
        if sees_all {
            return full;
        }
        Self {
            presence: None,
            reason: None,
            routable: None,
            call_id: None,
            until: None,
            pending: None,
            duty_since: None,
            ..full
        }
    }
}
