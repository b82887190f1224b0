//! `POST /api/v1/queues`

use super::shapes::{QueueBody, QueueDraft};
use crate::envelope::{Created, Success};
use crate::error::Result;
use crate::extract::{AnyCaller, Body};
use crate::state::ApiState;
use axum::extract::State;
use std::sync::Arc;

/// Set up a queue
///
/// A tenant may have 2,000 queues; one more is a 409 (`too_many_queues`). A name that is taken is a 409 (`name_taken`).
#[utoipa::path(post, path = "/api/v1/queues", tag = "Queues", request_body = QueueDraft,
    responses((status = 201, body = Success<QueueBody>)))]
pub(crate) async fn create(
    State(state): State<Arc<ApiState>>,
    AnyCaller(caller): AnyCaller,
    Body(draft): Body<QueueDraft>,
) -> Result<Created<QueueBody>> {
    Ok(Created(state.app.queues.create(caller.tenant(), &draft.into()).await?.into()))
}
