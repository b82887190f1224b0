//! `POST /api/v1/auth/login`

use super::Tokens;
use crate::envelope::{Ok200, Success};
use crate::error::Result;
use crate::extract::{Body, ClientAddress};
use crate::state::ApiState;
use axum::extract::State;
use serde::Deserialize;
use std::sync::Arc;
use utoipa::ToSchema;

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Login {
    #[schema(example = "admin@example.com")]
    email: String,
    #[schema(example = "password")]
    password: String,
}

/// Log in
///
/// Starts a session. Too many failed log-ins for an account or from an address answer 429 for a while.
#[utoipa::path(post, path = "/api/v1/auth/login", tag = "Sign-in", request_body = Login,
    responses((status = 200, body = Success<Tokens>)))]
pub(crate) async fn login(
    State(state): State<Arc<ApiState>>,
    ClientAddress(address): ClientAddress,
    Body(login): Body<Login>,
) -> Result<Ok200<Tokens>> {
    let signed_in = state.app.sign_in.login(&login.email, &login.password, address).await?;
    Ok(Ok200(signed_in.into()))
}
