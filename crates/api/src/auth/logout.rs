//! `POST /api/v1/auth/logout`

use crate::envelope::{Nothing, Ok200, Success};
use crate::error::Result;
use crate::extract::Caller;
use crate::state::ApiState;
use axum::extract::State;
use std::sync::Arc;

/// Log out
///
/// Ends this session: its tokens, and its WebSockets with close code 4401.
#[utoipa::path(post, path = "/api/v1/auth/logout", tag = "Sign-in", responses((status = 200, body = Success<Nothing>)))]
pub(crate) async fn logout(
    State(state): State<Arc<ApiState>>,
    Caller(caller): Caller,
) -> Result<Ok200<Nothing>> {
    state.app.sign_in.logout(&caller).await?;
    Ok(Ok200(Nothing {}))
}
