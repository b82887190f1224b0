//! `DELETE /api/v1/webhooks/{id}`

use super::webhook_id;
use crate::envelope::{Nothing, Ok200, Success};
use crate::error::Result;
use crate::extract::AnyCaller;
use crate::state::ApiState;
use axum::extract::{Path, State};
use std::sync::Arc;

/// Delete a webhook
///
/// With all that is queued for it, and its log.
#[utoipa::path(delete, path = "/api/v1/webhooks/{id}", tag = "Webhooks",
    params(("id" = i64, Path, description = "The webhook")), responses((status = 200, body = Success<Nothing>)))]
pub(crate) async fn delete(
    State(state): State<Arc<ApiState>>,
    AnyCaller(caller): AnyCaller,
    Path(id): Path<String>,
) -> Result<Ok200<Nothing>> {
    state.app.webhooks.delete(caller.tenant(), webhook_id(&id)?).await?;
    Ok(Ok200(Nothing {}))
}
