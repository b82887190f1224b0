//! `DELETE /api/v1/users/{id}`

use super::user_id;
use crate::envelope::{Nothing, Ok200, Success};
use crate::error::Result;
use crate::extract::Caller;
use crate::state::ApiState;
use axum::extract::{Path, State};
use std::sync::Arc;

/// Remove a user
///
/// The user is out at once: sessions end, WebSockets close with 4403, duty ends.
#[utoipa::path(delete, path = "/api/v1/users/{id}", tag = "Users",
    params(("id" = String, Path, description = "The user")), responses((status = 200, body = Success<Nothing>)))]
pub(crate) async fn delete(
    State(state): State<Arc<ApiState>>,
    Caller(caller): Caller,
    Path(id): Path<String>,
) -> Result<Ok200<Nothing>> {
    state.app.users.delete(&caller.tenant, &user_id(&id)?).await?;
    Ok(Ok200(Nothing {}))
}
