//! `POST /api/v1/users`

use super::UserBody;
use crate::envelope::{Created, Success};
use crate::error::Result;
use crate::extract::{Body, Caller};
use crate::state::ApiState;
use app::users::NewUser;
use axum::extract::State;
use serde::Deserialize;
use std::sync::Arc;
use utoipa::ToSchema;

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateUser {
    /// Unique over all tenants, upper and lower case being the same.
    email: String,
    /// 10 to 256 characters, not a common password.
    #[schema(min_length = 10, max_length = 256)]
    password: String,
    name: String,
    /// `admin`, `supervisor` or `agent`.
    #[schema(example = "agent")]
    role: String,
    extension: Option<String>,
    /// True if not said.
    is_active: Option<bool>,
}

/// Add a user
#[utoipa::path(post, path = "/api/v1/users", tag = "Users", request_body = CreateUser,
    responses((status = 201, body = Success<UserBody>)))]
pub(crate) async fn create(
    State(state): State<Arc<ApiState>>,
    Caller(caller): Caller,
    Body(new): Body<CreateUser>,
) -> Result<Created<UserBody>> {
    let new = NewUser {
        email: new.email,
        password: new.password,
        name: new.name,
        role: new.role,
        extension: new.extension,
        is_active: new.is_active.unwrap_or(true),
    };
    Ok(Created(state.app.users.create(&caller.tenant, new).await?.into()))
}
