//! `POST /api/v1/calls/{id}/answer`

use super::shapes::CallBody;
use super::{call_id, show};
use crate::envelope::{Ok200, Success};
use crate::error::Result;
use crate::extract::{AnyCaller, Body};
use crate::state::ApiState;
use app::calls::draft;
use axum::extract::{Path, State};
use model::calls::Command;
use serde::Deserialize;
use std::sync::Arc;
use utoipa::ToSchema;

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Answer {
    /// The agent.
    #[schema(example = "user-456")]
    user_id: String,
}

/// Answer a call
///
/// Offered before or not. Other offers of the call end as `answered_elsewhere`. Agents name themselves, and answer only what
/// rings for them.
#[utoipa::path(post, path = "/api/v1/calls/{id}/answer", tag = "Calls", request_body = Answer,
    params(("id" = String, Path, description = "The call")), responses((status = 200, body = Success<CallBody>)))]
pub(crate) async fn answer(
    State(state): State<Arc<ApiState>>,
    AnyCaller(caller): AnyCaller,
    Path(id): Path<String>,
    Body(body): Body<Answer>,
) -> Result<Ok200<CallBody>> {
    let call = state
        .app
        .calls
        .report(&caller, &call_id(&id)?, &draft::of_user(&body.user_id, Command::Answer)?)
        .await?;
    Ok(Ok200(show(&state, &caller, call)))
}
