//! `GET /api/v1/api-keys`

use super::ApiKeyBody;
use crate::envelope::{OkList, PageMeta, SuccessList};
use crate::error::Result;
use crate::extract::{Caller, Query};
use crate::paging::{Page, meta};
use crate::state::ApiState;
use axum::extract::State;
use std::sync::Arc;

/// List API keys
#[utoipa::path(get, path = "/api/v1/api-keys", tag = "API keys", params(Page),
    responses((status = 200, body = SuccessList<ApiKeyBody, PageMeta>)))]
pub(crate) async fn list(
    State(state): State<Arc<ApiState>>,
    Caller(caller): Caller,
    Query(page): Query<Page>,
) -> Result<OkList<ApiKeyBody, PageMeta>> {
    let limit = page.limit()?;
    let after = page.after()?.unwrap_or_default();
    let mut keys = state.app.api_keys.page(&caller.tenant, &after, limit + 1).await?;
    let meta = meta(&mut keys, limit, |key| key.id.to_string());
    Ok(OkList(keys.into_iter().map(Into::into).collect(), meta))
}
