//! `GET /api/v1/webhooks/{id}`

use super::shapes::WebhookBody;
use super::webhook_id;
use crate::envelope::{Ok200, Success};
use crate::error::Result;
use crate::extract::AnyCaller;
use crate::state::ApiState;
use axum::extract::{Path, State};
use std::sync::Arc;

/// Show a webhook
#[utoipa::path(get, path = "/api/v1/webhooks/{id}", tag = "Webhooks",
    params(("id" = i64, Path, description = "The webhook")), responses((status = 200, body = Success<WebhookBody>)))]
pub(crate) async fn get(
    State(state): State<Arc<ApiState>>,
    AnyCaller(caller): AnyCaller,
    Path(id): Path<String>,
) -> Result<Ok200<WebhookBody>> {
    let (webhook, health) = state.app.webhooks.get(caller.tenant(), webhook_id(&id)?).await?;
    Ok(Ok200(WebhookBody::hidden(webhook, health)))
}
