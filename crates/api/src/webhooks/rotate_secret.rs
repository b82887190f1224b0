//! `POST /api/v1/webhooks/{id}/rotate-secret`

use super::shapes::WebhookBody;
use super::webhook_id;
use crate::envelope::{Ok200, Success};
use crate::error::Result;
use crate::extract::{AnyCaller, OptionalBody};
use crate::state::ApiState;
use axum::extract::{Path, State};
use serde::Deserialize;
use std::sync::Arc;
use utoipa::ToSchema;

/// The new secret.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SecretRotation {
    /// A strong one is made if not said.
    #[schema(min_length = 1, max_length = 256)]
    secret: Option<String>,
}

/// Rotate a webhook's secret
///
/// The old secret signs beside the new one for 24 hours, in `webhook-signature`. The answer shows the new one.
#[utoipa::path(post, path = "/api/v1/webhooks/{id}/rotate-secret", tag = "Webhooks",
    request_body = Option<SecretRotation>, params(("id" = i64, Path, description = "The webhook")),
    responses((status = 200, body = Success<WebhookBody>)))]
pub(crate) async fn rotate_secret(
    State(state): State<Arc<ApiState>>,
    AnyCaller(caller): AnyCaller,
    Path(id): Path<String>,
    OptionalBody(rotation): OptionalBody<SecretRotation>,
) -> Result<Ok200<WebhookBody>> {
    let secret = rotation.secret.as_deref();
    let webhook = state.app.webhooks.rotate_secret(&caller, webhook_id(&id)?, secret).await?;
    Ok(Ok200(WebhookBody::revealed(webhook)))
}
