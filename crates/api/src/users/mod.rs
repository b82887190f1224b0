//! The tenant's users. For admins.

mod create;
mod delete;
mod get;
mod list;
mod update;

use crate::error::{ApiError, Result};
use crate::state::ApiState;
use model::UserId;
use serde::Serialize;
use std::sync::Arc;
use store::users::User;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) fn routes() -> OpenApiRouter<Arc<ApiState>> {
    OpenApiRouter::new().routes(routes!(list::list, create::create)).routes(routes!(
        get::get,
        update::update,
        delete::delete
    ))
}

/// A user.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = User)]
pub(crate) struct UserBody {
    id: String,
    tenant_id: String,
    email: String,
    name: String,
    /// `admin`, `supervisor` or `agent`.
    role: &'static str,
    #[schema(required = true)]
    extension: Option<String>,
    is_active: bool,
    #[schema(example = "2026-11-23T08:15:00.000Z")]
    created_at: String,
    updated_at: String,
}

impl From<User> for UserBody {
    fn from(user: User) -> Self {
        Self {
            id: user.id.into(),
            tenant_id: user.tenant.into(),
            email: user.email,
            name: user.name,
            role: user.role.as_str(),
            extension: user.extension,
            is_active: user.is_active,
            created_at: user.created_at.to_string(),
            updated_at: user.updated_at.to_string(),
        }
    }
}

/// An id that no user can have is one that no user has.
pub(crate) fn user_id(text: &str) -> Result<UserId> {
    UserId::parse(text).map_err(|_| ApiError::not_found("user"))
}
