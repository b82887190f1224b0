//! `POST /api/v1/calls/{id}/ring`

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
pub(crate) struct Ring {
    /// The agent.
    #[schema(example = "user-456")]
    user_id: String,
}

/// Offer a call to an agent
///
/// An agent who is not on duty cannot be rung (409).
#[utoipa::path(post, path = "/api/v1/calls/{id}/ring", tag = "Calls", request_body = Ring,
    params(("id" = String, Path, description = "The call")), responses((status = 200, body = Success<CallBody>)))]
pub(crate) async fn ring(
    State(state): State<Arc<ApiState>>,
    AnyCaller(caller): AnyCaller,
    Path(id): Path<String>,
    Body(body): Body<Ring>,
) -> Result<Ok200<CallBody>> {
    let call = state
        .app
        .calls
        .report(&caller, &call_id(&id)?, &draft::of_user(&body.user_id, Command::Ring)?)
        .await?;
    Ok(Ok200(show(&state, &caller, call)))
}
