//! Keys of programs. For admins.

mod create;
mod delete;
mod list;

use crate::state::ApiState;
use model::Scope;
use serde::Serialize;
use std::sync::Arc;
use store::api_keys::ApiKey;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) fn routes() -> OpenApiRouter<Arc<ApiState>> {
    OpenApiRouter::new().routes(routes!(list::list, create::create)).routes(routes!(delete::delete))
}

/// An API key, without the key itself.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ApiKey)]
pub(crate) struct ApiKeyBody {
    id: String,
    name: String,
    #[schema(example = json!(["events:write"]))]
    scopes: Vec<&'static str>,
    #[schema(required = true)]
    created_by: Option<String>,
    created_at: String,
    /// Null for never.
    #[schema(required = true)]
    expires_at: Option<String>,
}

impl From<ApiKey> for ApiKeyBody {
    fn from(key: ApiKey) -> Self {
        Self {
            id: key.id.into(),
            name: key.name,
            scopes: key.scopes.into_iter().map(Scope::as_str).collect(),
            created_by: key.created_by.map(Into::into),
            created_at: key.created_at.to_string(),
            expires_at: key.expires_at.map(|at| at.to_string()),
        }
    }
}
