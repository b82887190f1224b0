//! Sign-in.

mod change_password;
mod login;
mod logout;
mod me;
mod refresh;
mod ws_ticket;

use crate::state::ApiState;
use app::sign_in::SignedIn;
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) fn routes() -> OpenApiRouter<Arc<ApiState>> {
    OpenApiRouter::new()
        .routes(routes!(login::login))
        .routes(routes!(refresh::refresh))
        .routes(routes!(logout::logout))
        .routes(routes!(change_password::change_password))
        .routes(routes!(me::me))
        .routes(routes!(ws_ticket::ws_ticket))
}

/// A pair of tokens and the user they are for.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Tokens {
    /// Send it as `Authorization: Bearer …`.
    access_token: String,
    /// Exchange it for the next pair before the access token expires; good once.
    refresh_token: String,
    /// Always `Bearer`.
    #[schema(example = "Bearer")]
    token_type: &'static str,
    /// Seconds that the access token is good.
    expires_in: u64,
    user: me::Me,
}

impl From<SignedIn> for Tokens {
    fn from(signed_in: SignedIn) -> Self {
        Self {
            access_token: signed_in.access_token,
            refresh_token: signed_in.refresh_token,
            token_type: "Bearer",
            expires_in: signed_in.expires_in.as_secs(),
            user: signed_in.user.into(),
        }
    }
}
