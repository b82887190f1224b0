//! `POST /api/v1/agent-state/me`

use super::ChosenState;
use crate::envelope::{Ok200, Success};
use crate::error::Result;
use crate::extract::{Body, Caller};
use crate::state::ApiState;
use app::agents::Wish;
use axum::extract::State;
use serde::Deserialize;
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

/// Set one's own state
///
/// During a call `state` stays and the choice is a wish for afterwards: `presence` and `pending` tell it.
#[utoipa::path(post, path = "/api/v1/agent-state/me", tag = "Agents", request_body = ChooseState,
    responses((status = 200, body = Success<ChosenState>)))]
pub(crate) async fn choose(
    State(state): State<Arc<ApiState>>,
    Caller(caller): Caller,
    Body(wish): Body<ChooseState>,
) -> Result<Ok200<ChosenState>> {
    let wish = Wish { state: wish.state, reason: wish.reason, if_version: wish.if_version, force: false };
    Ok(Ok200(ChosenState::of(&caller.tenant, &state.app.agents.choose_own(&caller, wish).await?)))
}
