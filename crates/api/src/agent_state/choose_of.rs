//! `PUT /api/v1/agent-state/{user_id}`

use super::ChosenState;
use crate::envelope::{Ok200, Success};
use crate::error::Result;
use crate::extract::{AnyCaller, Body};
use crate::state::ApiState;
use crate::users::user_id;
use app::agents::Wish;
use axum::extract::{Path, State};
use serde::Deserialize;
use std::sync::Arc;
use utoipa::ToSchema;

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SetState {
    /// available, busy, away, break or offline; the other states come from work.
    #[schema(example = "offline")]
    state: String,
    /// A word of the tenant's, such as lunch.
    #[schema(min_length = 1, max_length = 100)]
    reason: Option<String>,
    /// 409 unless this is the present version.
    if_version: Option<i64>,
    /// With `offline`: ends the duty at once, also of an agent on a call; the call goes on.
    #[serde(default)]
    #[schema(required = false)]
    force: bool,
}

/// Set an agent's state
///
/// During a call it is a wish for afterwards, unless `force` ends the duty. Who is off duty, or away because
/// the connection is gone, cannot be made available by somebody else (409).
#[utoipa::path(put, path = "/api/v1/agent-state/{user_id}", tag = "Agents", request_body = SetState,
    params(("user_id" = String, Path, description = "The agent")),
    responses((status = 200, body = Success<ChosenState>)))]
pub(crate) async fn choose_of(
    State(state): State<Arc<ApiState>>,
    AnyCaller(caller): AnyCaller,
    Path(id): Path<String>,
    Body(wish): Body<SetState>,
) -> Result<Ok200<ChosenState>> {
    let wish =
        Wish { state: wish.state, reason: wish.reason, if_version: wish.if_version, force: wish.force };
    let outcome = state.app.agents.choose_of(&caller, &user_id(&id)?, wish).await?;
    Ok(Ok200(ChosenState::of(caller.tenant(), &outcome)))
}
