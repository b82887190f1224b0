//! `GET /api/v1/webhooks/{id}/logs/{log_id}`

use super::shapes::LogEntryBody;
use super::{log_id, webhook_id};
use crate::envelope::{Ok200, Success};
use crate::error::Result;
use crate::extract::AnyCaller;
use crate::state::ApiState;
use app::webhooks::LogDetail;
use axum::extract::{Path, State};
use model::Timestamp;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;
use store::deliveries::AttemptEntry;
use utoipa::ToSchema;

/// A delivery with its request and all its attempts.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LogDetailBody {
    #[serde(flatten)]
    entry: LogEntryBody,
    request: SentRequest,
    attempt_log: Vec<AttemptBody>,
}

/// What was sent.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SentRequest {
    headers: BTreeMap<String, String>,
    /// The exact text; null once the event was pruned.
    #[schema(required = true)]
    body: Option<String>,
}

/// One attempt.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AttemptBody {
    attempt: i64,
    at: String,
    #[schema(required = true)]
    http_status: Option<i64>,
    duration_ms: i64,
    #[schema(required = true)]
    error: Option<String>,
    /// The first 4 KiB.
    #[schema(required = true)]
    response_body: Option<String>,
}

impl From<AttemptEntry> for AttemptBody {
    fn from(attempt: AttemptEntry) -> Self {
        Self {
            attempt: attempt.attempt,
            at: Timestamp(attempt.attempted_at).to_string(),
            http_status: attempt.http_status,
            duration_ms: attempt.duration_ms,
            error: attempt.error,
            response_body: attempt.response_body,
        }
    }
}

impl From<LogDetail> for LogDetailBody {
    fn from(detail: LogDetail) -> Self {
        Self {
            entry: detail.entry.into(),
            request: SentRequest { headers: detail.headers.into_iter().collect(), body: detail.body },
            attempt_log: detail.attempts.into_iter().map(Into::into).collect(),
        }
    }
}

/// Show a delivery
#[utoipa::path(get, path = "/api/v1/webhooks/{id}/logs/{log_id}", tag = "Webhooks",
    params(("id" = i64, Path, description = "The webhook"), ("log_id" = i64, Path, description = "The delivery")),
    responses((status = 200, body = Success<LogDetailBody>)))]
pub(crate) async fn log(
    State(state): State<Arc<ApiState>>,
    AnyCaller(caller): AnyCaller,
    Path((id, log)): Path<(String, String)>,
) -> Result<Ok200<LogDetailBody>> {
    let detail = state.app.webhooks.log(caller.tenant(), webhook_id(&id)?, log_id(&log)?).await?;
    Ok(Ok200(detail.into()))
}
