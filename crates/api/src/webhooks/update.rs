//! `PATCH /api/v1/webhooks/{id}`

use super::shapes::{WebhookBody, WebhookDraft};
use super::webhook_id;
use crate::envelope::{Ok200, Success};
use crate::error::Result;
use crate::extract::{AnyCaller, Body};
use crate::state::ApiState;
use axum::extract::{Path, State};
use std::sync::Arc;

/// Change a webhook
///
/// Changes what the body says. What is queued for a webhook that becomes inactive ends as failed.
#[utoipa::path(patch, path = "/api/v1/webhooks/{id}", tag = "Webhooks", request_body = WebhookDraft,
    params(("id" = i64, Path, description = "The webhook")), responses((status = 200, body = Success<WebhookBody>)))]
pub(crate) async fn update(
    State(state): State<Arc<ApiState>>,
    AnyCaller(caller): AnyCaller,
    Path(id): Path<String>,
    Body(draft): Body<WebhookDraft>,
) -> Result<Ok200<WebhookBody>> {
    let (webhook, health) = state.app.webhooks.patch(&caller, webhook_id(&id)?, &draft.into()).await?;
    Ok(Ok200(WebhookBody::hidden(webhook, health)))
}
