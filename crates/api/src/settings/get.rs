//! `GET /api/v1/settings`

use super::SettingsBody;
use crate::envelope::{Ok200, Success};
use crate::error::Result;
use crate::extract::Caller;
use crate::state::ApiState;
use axum::extract::State;
use std::sync::Arc;

/// Show the tenant's settings
#[utoipa::path(get, path = "/api/v1/settings", tag = "Settings",
    responses((status = 200, body = Success<SettingsBody>)))]
pub(crate) async fn get(
    State(state): State<Arc<ApiState>>,
    Caller(caller): Caller,
) -> Result<Ok200<SettingsBody>> {
    Ok(Ok200(state.app.settings.get(&caller.tenant).await?.into()))
}
