//! `POST /api/v1/agent-state/me/break/end`

use super::ChosenState;
use crate::envelope::{Failed, Ok200, Success};
use crate::error::Result;
use crate::extract::Caller;
use crate::state::ApiState;
use axum::extract::State;
use std::sync::Arc;

/// End one's break
///
/// Available again. During a call it withdraws the wish for a break. 409 when there is none.
#[utoipa::path(post, path = "/api/v1/agent-state/me/break/end", tag = "Agents",
    responses((status = 200, body = Success<ChosenState>),
        (status = 409, description = "Not on a break", body = Failed)))]
pub(crate) async fn end_break(
    State(state): State<Arc<ApiState>>,
    Caller(caller): Caller,
) -> Result<Ok200<ChosenState>> {
    Ok(Ok200(ChosenState::of(&caller.tenant, &state.app.agents.end_break(&caller).await?)))
}
