//! `GET /api/v1/queues/{id}`

use super::queue_id;
use super::shapes::QueueBody;
use crate::envelope::{Ok200, Success};
use crate::error::Result;
use crate::extract::AnyCaller;
use crate::state::ApiState;
use axum::extract::{Path, State};
use std::sync::Arc;

/// Show a queue
#[utoipa::path(get, path = "/api/v1/queues/{id}", tag = "Queues",
    params(("id" = String, Path, description = "The queue")), responses((status = 200, body = Success<QueueBody>)))]
pub(crate) async fn get(
    State(state): State<Arc<ApiState>>,
    AnyCaller(caller): AnyCaller,
    Path(id): Path<String>,
) -> Result<Ok200<QueueBody>> {
    Ok(Ok200(state.app.queues.get(caller.tenant(), &queue_id(&id)?).await?.into()))
}
