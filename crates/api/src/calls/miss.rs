//! `POST /api/v1/calls/{id}/miss`

use super::shapes::CallBody;
use super::{call_id, show};
use crate::envelope::{Ok200, Success};
use crate::error::Result;
use crate::extract::{AnyCaller, Body};
use crate::state::ApiState;
use app::calls::draft;
use axum::extract::{Path, State};
use serde::Deserialize;
use std::sync::Arc;
use utoipa::ToSchema;

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Miss {
    /// The agent.
    #[schema(example = "user-456")]
    user_id: String,
    /// no_answer, declined, busy, unreachable, answered_elsewhere or caller_gone.
    #[schema(example = "no_answer")]
    outcome: String,
}

/// End an offer without an answer
#[utoipa::path(post, path = "/api/v1/calls/{id}/miss", tag = "Calls", request_body = Miss,
    params(("id" = String, Path, description = "The call")), responses((status = 200, body = Success<CallBody>)))]
pub(crate) async fn miss(
    State(state): State<Arc<ApiState>>,
    AnyCaller(caller): AnyCaller,
    Path(id): Path<String>,
    Body(body): Body<Miss>,
) -> Result<Ok200<CallBody>> {
    let call =
        state.app.calls.report(&caller, &call_id(&id)?, &draft::miss(&body.user_id, &body.outcome)?).await?;
    Ok(Ok200(show(&state, &caller, call)))
}
