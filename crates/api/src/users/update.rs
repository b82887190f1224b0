//! `PATCH /api/v1/users/{id}`

use super::{UserBody, user_id};
use crate::envelope::{Ok200, Success};
use crate::error::Result;
use crate::extract::{Body, Caller, given};
use crate::state::ApiState;
use app::users::UserPatch;
use axum::extract::{Path, State};
use serde::Deserialize;
use std::sync::Arc;
use utoipa::ToSchema;

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UpdateUser {
    email: Option<String>,
    /// Ends the user's sessions.
    #[schema(min_length = 10, max_length = 256)]
    password: Option<String>,
    name: Option<String>,
    /// `admin`, `supervisor` or `agent`; in force at once, also for open WebSockets.
    role: Option<String>,
    /// Null removes it.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    extension: Option<Option<String>>,
    /// False puts the user out at once (4403).
    is_active: Option<bool>,
}

/// Change a user
#[utoipa::path(patch, path = "/api/v1/users/{id}", tag = "Users", request_body = UpdateUser,
    params(("id" = String, Path, description = "The user")), responses((status = 200, body = Success<UserBody>)))]
pub(crate) async fn update(
    State(state): State<Arc<ApiState>>,
    Caller(caller): Caller,
    Path(id): Path<String>,
    Body(patch): Body<UpdateUser>,
) -> Result<Ok200<UserBody>> {
    let patch = UserPatch {
        email: patch.email,
        password: patch.password,
        name: patch.name,
        role: patch.role,
        extension: patch.extension,
        is_active: patch.is_active,
    };
    Ok(Ok200(state.app.users.update(&caller.tenant, &user_id(&id)?, patch).await?.into()))
}
