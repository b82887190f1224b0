//! `GET /api/v1/webhooks/failed`

use super::shapes::{LogEntryBody, log_page};
use crate::envelope::{OkList, PageMeta, SuccessList};
use crate::error::Result;
use crate::extract::{AnyCaller, Query};
use crate::paging::Page;
use crate::state::ApiState;
use axum::extract::State;
use model::LogId;
use std::sync::Arc;

/// List failed deliveries
///
/// Of all the tenant's webhooks, newest first.
#[utoipa::path(get, path = "/api/v1/webhooks/failed", tag = "Webhooks", params(Page),
    responses((status = 200, body = SuccessList<LogEntryBody, PageMeta>)))]
pub(crate) async fn failed(
    State(state): State<Arc<ApiState>>,
    AnyCaller(caller): AnyCaller,
    Query(page): Query<Page>,
) -> Result<OkList<LogEntryBody, PageMeta>> {
    let limit = page.limit()?;
    let before = page.after_number()?.map(LogId);
    let page = state.app.webhooks.failed(caller.tenant(), before, limit).await?;
    Ok(log_page(page))
}
