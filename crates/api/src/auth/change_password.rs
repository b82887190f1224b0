//! `POST /api/v1/auth/change-password`

use crate::envelope::{Nothing, Ok200, Success};
use crate::error::Result;
use crate::extract::{Body, Caller, ClientAddress};
use crate::state::ApiState;
use axum::extract::State;
use serde::Deserialize;
use std::sync::Arc;
use utoipa::ToSchema;

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChangePassword {
    current_password: String,
    /// 10 to 256 characters, not a common password.
    #[schema(min_length = 10, max_length = 256)]
    new_password: String,
}

/// Change one's password
///
/// Ends all other sessions of the user.
#[utoipa::path(post, path = "/api/v1/auth/change-password", tag = "Sign-in", request_body = ChangePassword,
    responses((status = 200, body = Success<Nothing>)))]
pub(crate) async fn change_password(
    State(state): State<Arc<ApiState>>,
    Caller(caller): Caller,
    ClientAddress(address): ClientAddress,
    Body(body): Body<ChangePassword>,
) -> Result<Ok200<Nothing>> {
    let sign_in = &state.app.sign_in;
    sign_in.change_password(&caller, &body.current_password, &body.new_password, address).await?;
    Ok(Ok200(Nothing {}))
}
