//! `PATCH /api/v1/queues/{id}`

use super::queue_id;
use super::shapes::{QueueBody, QueueDraft};
use crate::envelope::{Ok200, Success};
use crate::error::Result;
use crate::extract::{AnyCaller, Body};
use crate::state::ApiState;
use axum::extract::{Path, State};
use std::sync::Arc;

/// Change a queue
///
/// Changes what the body says. Settings hold from then on: what has ended stays counted as it was.
#[utoipa::path(patch, path = "/api/v1/queues/{id}", tag = "Queues", request_body = QueueDraft,
    params(("id" = String, Path, description = "The queue")), responses((status = 200, body = Success<QueueBody>)))]
pub(crate) async fn update(
    State(state): State<Arc<ApiState>>,
    AnyCaller(caller): AnyCaller,
    Path(id): Path<String>,
    Body(draft): Body<QueueDraft>,
) -> Result<Ok200<QueueBody>> {
    Ok(Ok200(state.app.queues.update(caller.tenant(), &queue_id(&id)?, &draft.into()).await?.into()))
}
