//! `DELETE /api/v1/queues/{id}`

use super::queue_id;
use crate::envelope::{Nothing, Ok200, Success};
use crate::error::Result;
use crate::extract::AnyCaller;
use crate::state::ApiState;
use axum::extract::{Path, State};
use std::sync::Arc;

/// Delete a queue
///
/// With its members and its numbers. A queue in which something waits stays: 409 (`queue_not_empty`).
#[utoipa::path(delete, path = "/api/v1/queues/{id}", tag = "Queues",
    params(("id" = String, Path, description = "The queue")), responses((status = 200, body = Success<Nothing>)))]
pub(crate) async fn delete(
    State(state): State<Arc<ApiState>>,
    AnyCaller(caller): AnyCaller,
    Path(id): Path<String>,
) -> Result<Ok200<Nothing>> {
    state.app.queues.delete(&caller, &queue_id(&id)?).await?;
    Ok(Ok200(Nothing {}))
}
