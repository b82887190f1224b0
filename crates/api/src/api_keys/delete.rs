//! `DELETE /api/v1/api-keys/{id}`

use crate::envelope::{Nothing, Ok200, Success};
use crate::error::{ApiError, Result};
use crate::extract::Caller;
use crate::state::ApiState;
use axum::extract::{Path, State};
use model::ApiKeyId;
use std::sync::Arc;

/// Remove an API key
///
/// It is no longer good at once, and its WebSockets close with 4401.
#[utoipa::path(delete, path = "/api/v1/api-keys/{id}", tag = "API keys",
    params(("id" = String, Path, description = "The key's id")),
    responses((status = 200, body = Success<Nothing>)))]
pub(crate) async fn delete(
    State(state): State<Arc<ApiState>>,
    Caller(caller): Caller,
    Path(id): Path<String>,
) -> Result<Ok200<Nothing>> {
    let id = ApiKeyId::parse(&id).map_err(|_| ApiError::not_found("API key"))?;
    state.app.api_keys.delete(&caller.tenant, &id).await?;
    Ok(Ok200(Nothing {}))
}
