//! `GET /api/v1/auth/me`

use crate::envelope::{Ok200, Success};
use crate::error::Result;
use crate::extract::Caller;
use crate::state::ApiState;
use axum::extract::State;
use serde::Serialize;
use std::sync::Arc;
use store::users::User;
use utoipa::ToSchema;

/// The signed-in user.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Me {
    #[schema(example = "user-456")]
    id: String,
    #[schema(example = "tenant-123")]
    tenant_id: String,
    email: String,
    name: String,
    /// `admin`, `supervisor` or `agent`.
    role: &'static str,
    #[schema(required = true)]
    extension: Option<String>,
    is_active: bool,
}

impl From<User> for Me {
    fn from(user: User) -> Self {
        Self {
            id: user.id.into(),
            tenant_id: user.tenant.into(),
            email: user.email,
            name: user.name,
            role: user.role.as_str(),
            extension: user.extension,
            is_active: user.is_active,
        }
    }
}

/// Who am I?
#[utoipa::path(get, path = "/api/v1/auth/me", tag = "Sign-in", responses((status = 200, body = Success<Me>)))]
pub(crate) async fn me(State(state): State<Arc<ApiState>>, Caller(caller): Caller) -> Result<Ok200<Me>> {
    Ok(Ok200(state.app.sign_in.me(&caller).await?.into()))
}
