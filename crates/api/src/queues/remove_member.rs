//! `DELETE /api/v1/queues/{id}/members/{user_id}`

use super::queue_id;
use crate::envelope::{Nothing, Ok200, Success};
use crate::error::Result;
use crate::extract::AnyCaller;
use crate::state::ApiState;
use crate::users::user_id;
use axum::extract::{Path, State};
use std::sync::Arc;

/// Take a user out of a queue
///
/// Changes nothing for one who is no member. A call that the agent is in goes on.
#[utoipa::path(delete, path = "/api/v1/queues/{id}/members/{user_id}", tag = "Queues",
    params(("id" = String, Path, description = "The queue"), ("user_id" = String, Path, description = "The agent")),
    responses((status = 200, body = Success<Nothing>)))]
pub(crate) async fn remove_member(
    State(state): State<Arc<ApiState>>,
    AnyCaller(caller): AnyCaller,
    Path((id, user)): Path<(String, String)>,
) -> Result<Ok200<Nothing>> {
    let (queue, user) = (queue_id(&id)?, user_id(&user)?);
    state.app.queues.remove_member(&caller, &queue, &user).await?;
    Ok(Ok200(Nothing {}))
}
