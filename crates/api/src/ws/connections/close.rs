//! `DELETE /api/v1/ws/connections/{id}`

use crate::envelope::{Nothing, Ok200, Success};
use crate::error::{ApiError, Result};
use crate::extract::Caller;
use crate::state::ApiState;
use axum::extract::{Path, State};
use model::ConnectionId;
use std::sync::Arc;

/// Close a connection
///
/// With 4403, on whichever server it is: there within a second.
#[utoipa::path(delete, path = "/api/v1/ws/connections/{id}", tag = "Real time",
    params(("id" = String, Path, description = "The connection")), responses((status = 200, body = Success<Nothing>)))]
pub(crate) async fn close(
    State(state): State<Arc<ApiState>>,
    Caller(caller): Caller,
    Path(id): Path<String>,
) -> Result<Ok200<Nothing>> {
    let id = ConnectionId::parse(&id).map_err(|_| ApiError::not_found("connection"))?;
    state.app.connections.close(&caller.tenant, &id).await?;
    Ok(Ok200(Nothing {}))
}
