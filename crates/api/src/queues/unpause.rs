//! `POST /api/v1/queues/{id}/members/{user_id}/unpause`

use super::queue_id;
use super::shapes::MemberBody;
use crate::envelope::{Ok200, Success};
use crate::error::Result;
use crate::extract::AnyCaller;
use crate::state::ApiState;
use crate::users::user_id;
use axum::extract::{Path, State};
use std::sync::Arc;

/// End a member's pause
///
/// Changes nothing without one. Agents do so for themselves, supervisors and admins for everybody.
#[utoipa::path(post, path = "/api/v1/queues/{id}/members/{user_id}/unpause", tag = "Queues",
    params(("id" = String, Path, description = "The queue"), ("user_id" = String, Path, description = "The agent")),
    responses((status = 200, body = Success<MemberBody>)))]
pub(crate) async fn unpause(
    State(state): State<Arc<ApiState>>,
    AnyCaller(caller): AnyCaller,
    Path((id, user)): Path<(String, String)>,
) -> Result<Ok200<MemberBody>> {
    let (queue, user) = (queue_id(&id)?, user_id(&user)?);
    Ok(Ok200(state.app.queues.unpause(&caller, &queue, &user).await?.into()))
}
