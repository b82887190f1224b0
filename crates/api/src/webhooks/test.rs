//! `POST /api/v1/webhooks/{id}/test`

use super::webhook_id;
use crate::envelope::{Ok200, Success};
use crate::error::Result;
use crate::extract::AnyCaller;
use crate::state::ApiState;
use axum::extract::{Path, State};
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;

/// How a test went.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TestOutcome {
    /// The test's entry in the webhook's log.
    log_id: i64,
    /// `success` or `failed`.
    status: String,
    #[schema(required = true)]
    http_status: Option<i64>,
    #[schema(required = true)]
    response_time_ms: Option<i64>,
    /// What went wrong; absent otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// Test a webhook
///
/// Sends `webhook.test` now, once, also to a webhook that is not active, and answers when it is done; also when it failed.
#[utoipa::path(post, path = "/api/v1/webhooks/{id}/test", tag = "Webhooks",
    params(("id" = i64, Path, description = "The webhook")), responses((status = 200, body = Success<TestOutcome>)))]
pub(crate) async fn test(
    State(state): State<Arc<ApiState>>,
    AnyCaller(caller): AnyCaller,
    Path(id): Path<String>,
) -> Result<Ok200<TestOutcome>> {
    let entry = state.app.webhooks.test(&caller, webhook_id(&id)?).await?;
    Ok(Ok200(TestOutcome {
        log_id: entry.id,
        status: entry.status,
        http_status: entry.http_status,
        response_time_ms: entry.response_time_ms,
        error: entry.error,
    }))
}
