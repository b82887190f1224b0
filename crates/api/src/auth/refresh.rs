//! `POST /api/v1/auth/refresh`

use super::Tokens;
use crate::envelope::{Ok200, Success};
use crate::error::Result;
use crate::extract::Body;
use crate::state::ApiState;
use axum::extract::State;
use serde::Deserialize;
use std::sync::Arc;
use utoipa::ToSchema;

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Refresh {
    refresh_token: String,
}

/// Exchange a refresh token
///
/// Gives a new pair; the old refresh token is spent. Using a spent one again ends the session, save within 10 s, when it
/// gets the same successor, for answers lost on the way.
#[utoipa::path(post, path = "/api/v1/auth/refresh", tag = "Sign-in", request_body = Refresh,
    responses((status = 200, body = Success<Tokens>)))]
pub(crate) async fn refresh(
    State(state): State<Arc<ApiState>>,
    Body(refresh): Body<Refresh>,
) -> Result<Ok200<Tokens>> {
    Ok(Ok200(state.app.sign_in.refresh(&refresh.refresh_token).await?.into()))
}
