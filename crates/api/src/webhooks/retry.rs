//! `POST /api/v1/webhooks/{id}/logs/{log_id}/retry`

use super::shapes::LogEntryBody;
use super::{log_id, webhook_id};
use crate::envelope::{Accepted202, Failed, Success};
use crate::error::Result;
use crate::extract::AnyCaller;
use crate::state::ApiState;
use axum::extract::{Path, State};
use std::sync::Arc;

/// Retry a delivery
///
/// Queues a finished delivery again, whether it failed or succeeded. The attempts count on; all retries of the schedule
/// stand behind this one. 409 while it is pending, when its event was pruned, or while the webhook is inactive.
#[utoipa::path(post, path = "/api/v1/webhooks/{id}/logs/{log_id}/retry", tag = "Webhooks",
    params(("id" = i64, Path, description = "The webhook"), ("log_id" = i64, Path, description = "The delivery")),
    responses((status = 202, body = Success<LogEntryBody>),
        (status = 409, description = "Pending, pruned or inactive", body = Failed)))]
pub(crate) async fn retry(
    State(state): State<Arc<ApiState>>,
    AnyCaller(caller): AnyCaller,
    Path((id, log)): Path<(String, String)>,
) -> Result<Accepted202<LogEntryBody>> {
    let entry = state.app.webhooks.retry(caller.tenant(), webhook_id(&id)?, log_id(&log)?).await?;
    Ok(Accepted202(entry.into()))
}
