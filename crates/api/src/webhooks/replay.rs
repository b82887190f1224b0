//! `POST /api/v1/webhooks/{id}/replay`

use super::webhook_id;
use crate::envelope::{Accepted202, Success};
use crate::error::{ApiError, Result};
use crate::extract::{AnyCaller, Body};
use crate::state::ApiState;
use app::fields::FieldProblem;
use axum::extract::{Path, State};
use model::Timestamp;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use store::replays::Only;
use utoipa::ToSchema;

/// What to send again.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReplayRequest {
    /// What happened at this moment or later (RFC 3339).
    #[schema(example = "2026-11-23T08:15:00Z")]
    since: String,
    /// And before this moment; until now if not said.
    until: Option<String>,
    /// `failed`: what never succeeded. `missing`: what was never queued. Everything if not said.
    only: Option<String>,
}

/// What a replay comes to.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Replaying {
    /// Deliveries that will be sent.
    queued: i64,
}

fn moment(field: &str, text: &str) -> Result<Timestamp, FieldProblem> {
    let problem = || FieldProblem::new(field, "must be a moment such as 2026-11-23T08:15:00Z");
    Timestamp::parse_rfc3339(text).ok_or_else(problem)
}

fn known(word: Option<&str>) -> Result<Only, FieldProblem> {
    let Some(word) = word else { return Ok(Only::All) };
    Only::parse(word).ok_or_else(|| FieldProblem::new("only", "must be failed or missing"))
}

/// Replay events to a webhook
///
/// Sends again what the event log holds and the webhook subscribes to, also what happened while it was inactive or before
/// it existed, in steps behind live traffic. What is being delivered anyway is left out.
#[utoipa::path(post, path = "/api/v1/webhooks/{id}/replay", tag = "Webhooks", request_body = ReplayRequest,
    params(("id" = i64, Path, description = "The webhook")), responses((status = 202, body = Success<Replaying>)))]
pub(crate) async fn replay(
    State(state): State<Arc<ApiState>>,
    AnyCaller(caller): AnyCaller,
    Path(id): Path<String>,
    Body(request): Body<ReplayRequest>,
) -> Result<Accepted202<Replaying>> {
    let refuse = |problem| ApiError::invalid(vec![problem]);
    let since = moment("since", &request.since).map_err(refuse)?;
    let until = request.until.as_deref().map(|text| moment("until", text)).transpose().map_err(refuse)?;
    let only = known(request.only.as_deref()).map_err(refuse)?;
    let queued = state.app.webhooks.replay(caller.tenant(), webhook_id(&id)?, since, until, only).await?;
    Ok(Accepted202(Replaying { queued }))
}
