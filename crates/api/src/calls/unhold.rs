//! `POST /api/v1/calls/{id}/unhold`

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
pub(crate) struct Unhold {
    /// The agent.
    #[schema(example = "user-456")]
    user_id: String,
}

/// End a hold
///
/// Does nothing where there is none. Agents name themselves.
#[utoipa::path(post, path = "/api/v1/calls/{id}/unhold", tag = "Calls", request_body = Unhold,
    params(("id" = String, Path, description = "The call")), responses((status = 200, body = Success<CallBody>)))]
pub(crate) async fn unhold(
    State(state): State<Arc<ApiState>>,
    AnyCaller(caller): AnyCaller,
    Path(id): Path<String>,
    Body(body): Body<Unhold>,
) -> Result<Ok200<CallBody>> {
    let call = state
        .app
        .calls
        .report(&caller, &call_id(&id)?, &draft::of_user(&body.user_id, Command::Unhold)?)
        .await?;
    Ok(Ok200(show(&state, &caller, call)))
}
