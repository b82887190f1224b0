//! `PUT /api/v1/webhooks/{id}`

use super::shapes::{WebhookBody, WebhookDraft};
use super::webhook_id;
use crate::envelope::{Ok200, Success};
use crate::error::Result;
use crate::extract::{AnyCaller, Body};
use crate::state::ApiState;
use axum::extract::{Path, State};
use std::sync::Arc;

/// Replace a webhook
///
/// What the body leaves out becomes the default; the secret stays if the body has none.
#[utoipa::path(put, path = "/api/v1/webhooks/{id}", tag = "Webhooks", request_body = WebhookDraft,
    params(("id" = i64, Path, description = "The webhook")), responses((status = 200, body = Success<WebhookBody>)))]
pub(crate) async fn replace(
    State(state): State<Arc<ApiState>>,
    AnyCaller(caller): AnyCaller,
    Path(id): Path<String>,
    Body(draft): Body<WebhookDraft>,
) -> Result<Ok200<WebhookBody>> {
    let (webhook, health) = state.app.webhooks.replace(&caller, webhook_id(&id)?, &draft.into()).await?;
    Ok(Ok200(WebhookBody::hidden(webhook, health)))
}
