//! `GET /api/v1/calls/{id}`

use super::shapes::CallBody;
use super::{call_id, show};
use crate::envelope::{Ok200, Success};
use crate::error::Result;
use crate::extract::AnyCaller;
use crate::state::ApiState;
use axum::extract::{Path, State};
use std::sync::Arc;

/// Show a call
///
/// Agents find their own only.
#[utoipa::path(get, path = "/api/v1/calls/{id}", tag = "Calls",
    params(("id" = String, Path, description = "The call")), responses((status = 200, body = Success<CallBody>)))]
pub(crate) async fn get(
    State(state): State<Arc<ApiState>>,
    AnyCaller(caller): AnyCaller,
    Path(id): Path<String>,
) -> Result<Ok200<CallBody>> {
    let call = state.app.calls.get(&caller, &call_id(&id)?).await?;
    Ok(Ok200(show(&state, &caller, call)))
}
