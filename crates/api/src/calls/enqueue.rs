//! `POST /api/v1/calls/{id}/enqueue`

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
pub(crate) struct Enqueue {
    /// The queue.
    #[schema(example = "queue-sales")]
    queue_id: String,
}

/// Let a call wait in a queue
#[utoipa::path(post, path = "/api/v1/calls/{id}/enqueue", tag = "Calls", request_body = Enqueue,
    params(("id" = String, Path, description = "The call")), responses((status = 200, body = Success<CallBody>)))]
pub(crate) async fn enqueue(
    State(state): State<Arc<ApiState>>,
    AnyCaller(caller): AnyCaller,
    Path(id): Path<String>,
    Body(body): Body<Enqueue>,
) -> Result<Ok200<CallBody>> {
    let call = state.app.calls.report(&caller, &call_id(&id)?, &draft::enqueue(&body.queue_id)?).await?;
    Ok(Ok200(show(&state, &caller, call)))
}
