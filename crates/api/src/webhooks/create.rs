//! `POST /api/v1/webhooks`

use super::shapes::{WebhookBody, WebhookDraft};
use crate::envelope::{Created, Success};
use crate::error::Result;
use crate::extract::{AnyCaller, Body};
use crate::state::ApiState;
use axum::extract::State;
use std::sync::Arc;

/// Create a webhook
///
/// The answer is the only one, besides that of a rotation, that shows the secret. A tenant may have 2,000 webhooks, active or
/// not; one more is a 409 (`too_many_webhooks`).
#[utoipa::path(post, path = "/api/v1/webhooks", tag = "Webhooks", request_body = WebhookDraft,
    responses((status = 201, body = Success<WebhookBody>)))]
pub(crate) async fn create(
    State(state): State<Arc<ApiState>>,
    AnyCaller(caller): AnyCaller,
    Body(draft): Body<WebhookDraft>,
) -> Result<Created<WebhookBody>> {
    let webhook = state.app.webhooks.create(caller.tenant(), &draft.into()).await?;
    Ok(Created(WebhookBody::revealed(webhook)))
}
