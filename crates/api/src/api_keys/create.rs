//! `POST /api/v1/api-keys`

use super::ApiKeyBody;
use crate::envelope::{Created, Success};
use crate::error::Result;
use crate::extract::{Body, Caller};
use crate::state::ApiState;
use app::api_keys::KeyDraft;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateApiKey {
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    /// Such as `events:write`.
    #[schema(min_items = 1, example = json!(["events:write"]))]
    scopes: Vec<String>,
    /// A moment in the future; never if not said.
    expires_at: Option<String>,
}

/// A new API key.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct NewApiKey {
    #[serde(flatten)]
    about: ApiKeyBody,
    /// The key itself, shown this once. Send it as `Authorization: Bearer …`.
    #[schema(example = "cck_…")]
    key: String,
}

/// Create an API key
#[utoipa::path(post, path = "/api/v1/api-keys", tag = "API keys", request_body = CreateApiKey,
    responses((status = 201, body = Success<NewApiKey>)))]
pub(crate) async fn create(
    State(state): State<Arc<ApiState>>,
    Caller(caller): Caller,
    Body(draft): Body<CreateApiKey>,
) -> Result<Created<NewApiKey>> {
    let draft = KeyDraft { name: draft.name, scopes: draft.scopes, expires_at: draft.expires_at };
    let (about, key) = state.app.api_keys.create(&caller, &draft).await?;
    Ok(Created(NewApiKey { about: about.into(), key }))
}
