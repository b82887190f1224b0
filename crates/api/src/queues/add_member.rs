//! `PUT /api/v1/queues/{id}/members/{user_id}`

use super::queue_id;
use super::shapes::MemberBody;
use crate::envelope::{Ok200, Success};
use crate::error::Result;
use crate::extract::AnyCaller;
use crate::state::ApiState;
use crate::users::user_id;
use axum::extract::{Path, State};
use std::sync::Arc;

/// Make a user a member of a queue
///
/// Changes nothing for one who is. A user who may not sign in is a 409 (`user_inactive`), a member over 2,000 as well
/// (`too_many_members`).
#[utoipa::path(put, path = "/api/v1/queues/{id}/members/{user_id}", tag = "Queues",
    params(("id" = String, Path, description = "The queue"), ("user_id" = String, Path, description = "The agent")),
    responses((status = 200, body = Success<MemberBody>)))]
pub(crate) async fn add_member(
    State(state): State<Arc<ApiState>>,
    AnyCaller(caller): AnyCaller,
    Path((id, user)): Path<(String, String)>,
) -> Result<Ok200<MemberBody>> {
    let (queue, user) = (queue_id(&id)?, user_id(&user)?);
    Ok(Ok200(state.app.queues.add_member(&caller, &queue, &user).await?.into()))
}
