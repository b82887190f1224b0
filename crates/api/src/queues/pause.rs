//! `POST /api/v1/queues/{id}/members/{user_id}/pause`

use super::queue_id;
use super::shapes::MemberBody;
use crate::envelope::{Ok200, Success};
use crate::error::Result;
use crate::extract::{AnyCaller, OptionalBody};
use crate::state::ApiState;
use crate::users::user_id;
use axum::extract::{Path, State};
use serde::Deserialize;
use std::sync::Arc;
use utoipa::ToSchema;

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PauseMember {
    /// A word of the tenant's, such as training.
    #[schema(min_length = 1, max_length = 100)]
    reason: Option<String>,
}

/// Pause a member in one queue
///
/// The agent's state stays, and other queues are not concerned. Another reason does not begin another pause. Agents pause
/// themselves, supervisors and admins everybody.
#[utoipa::path(post, path = "/api/v1/queues/{id}/members/{user_id}/pause", tag = "Queues", request_body = Option<PauseMember>,
    params(("id" = String, Path, description = "The queue"), ("user_id" = String, Path, description = "The agent")),
    responses((status = 200, body = Success<MemberBody>)))]
pub(crate) async fn pause(
    State(state): State<Arc<ApiState>>,
    AnyCaller(caller): AnyCaller,
    Path((id, user)): Path<(String, String)>,
    OptionalBody(pause): OptionalBody<PauseMember>,
) -> Result<Ok200<MemberBody>> {
    let (queue, user) = (queue_id(&id)?, user_id(&user)?);
    let reason = pause.reason.as_deref();
    Ok(Ok200(state.app.queues.pause(&caller, &queue, &user, reason).await?.into()))
}
