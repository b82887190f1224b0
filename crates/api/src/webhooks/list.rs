//! `GET /api/v1/webhooks`

use super::shapes::WebhookBody;
use crate::envelope::{OkList, PageMeta, SuccessList};
use crate::error::Result;
use crate::extract::{AnyCaller, Query};
use crate::paging::{Page, meta};
use crate::state::ApiState;
use axum::extract::State;
use std::sync::Arc;

/// List webhooks
#[utoipa::path(get, path = "/api/v1/webhooks", tag = "Webhooks", params(Page),
    responses((status = 200, body = SuccessList<WebhookBody, PageMeta>)))]
pub(crate) async fn list(
    State(state): State<Arc<ApiState>>,
    AnyCaller(caller): AnyCaller,
    Query(page): Query<Page>,
) -> Result<OkList<WebhookBody, PageMeta>> {
    let limit = page.limit()?;
    let after = page.after_number()?.unwrap_or(0);
    let mut webhooks = state.app.webhooks.page(caller.tenant(), after, limit + 1).await?;
    let meta = meta(&mut webhooks, limit, |(webhook, _)| webhook.id.to_string());
    let show = |(webhook, health)| WebhookBody::hidden(webhook, health);
    Ok(OkList(webhooks.into_iter().map(show).collect(), meta))
}
