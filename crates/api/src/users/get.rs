//! `GET /api/v1/users/{id}`

use super::{UserBody, user_id};
use crate::envelope::{Ok200, Success};
use crate::error::Result;
use crate::extract::Caller;
use crate::state::ApiState;
use axum::extract::{Path, State};
use std::sync::Arc;

/// Show a user
#[utoipa::path(get, path = "/api/v1/users/{id}", tag = "Users", params(("id" = String, Path, description = "The user")),
    responses((status = 200, body = Success<UserBody>)))]
pub(crate) async fn get(
    State(state): State<Arc<ApiState>>,
    Caller(caller): Caller,
    Path(id): Path<String>,
) -> Result<Ok200<UserBody>> {
    Ok(Ok200(state.app.users.get(&caller.tenant, &user_id(&id)?).await?.into()))
}
