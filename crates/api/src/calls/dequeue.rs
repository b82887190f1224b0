//! `POST /api/v1/calls/{id}/dequeue`

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
pub(crate) struct Dequeue {
    /// timeout, exit_key, empty or removed.
    #[schema(example = "timeout")]
    reason: String,
}

/// Take a call out of its queue
///
/// It is not answered, and goes on: it is `ringing` then.
#[utoipa::path(post, path = "/api/v1/calls/{id}/dequeue", tag = "Calls", request_body = Dequeue,
    params(("id" = String, Path, description = "The call")), responses((status = 200, body = Success<CallBody>)))]
pub(crate) async fn dequeue(
    State(state): State<Arc<ApiState>>,
    AnyCaller(caller): AnyCaller,
    Path(id): Path<String>,
    Body(body): Body<Dequeue>,
) -> Result<Ok200<CallBody>> {
    let call = state.app.calls.report(&caller, &call_id(&id)?, &draft::dequeue(&body.reason)?).await?;
    Ok(Ok200(show(&state, &caller, call)))
}
