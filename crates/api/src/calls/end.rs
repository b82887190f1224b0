//! `POST /api/v1/calls/{id}/end`

use super::shapes::CallBody;
use super::{call_id, show};
use crate::envelope::{Ok200, Success};
use crate::error::Result;
use crate::extract::{AnyCaller, OptionalBody};
use crate::state::ApiState;
use app::calls::draft;
use axum::extract::{Path, State};
use serde::Deserialize;
use std::sync::Arc;
use utoipa::ToSchema;

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct End {
    /// customer, agent, supervisor, system or unknown; by default whoever calls.
    ended_by: Option<String>,
    /// answered, abandoned, no_answer, busy, rejected, failed, voicemail or merged; what the product has seen itself wins.
    outcome: Option<String>,
    /// The telephone network's code (ITU-T Q.850).
    hangup_cause: Option<u16>,
    /// The call that this one goes on in; its outcome is then `merged`.
    merged_into: Option<String>,
}

impl From<End> for draft::Ends {
    fn from(end: End) -> Self {
        let End { ended_by, outcome, hangup_cause, merged_into } = end;
        Self { ended_by, outcome, hangup_cause, merged_into }
    }
}

/// End a call
///
/// A call that has ended already stays as it is.
#[utoipa::path(post, path = "/api/v1/calls/{id}/end", tag = "Calls", request_body = End,
    params(("id" = String, Path, description = "The call")), responses((status = 200, body = Success<CallBody>)))]
pub(crate) async fn end(
    State(state): State<Arc<ApiState>>,
    AnyCaller(caller): AnyCaller,
    Path(id): Path<String>,
    OptionalBody(body): OptionalBody<End>,
) -> Result<Ok200<CallBody>> {
    let call = state.app.calls.report(&caller, &call_id(&id)?, &draft::Ends::from(body).read()?).await?;
    Ok(Ok200(show(&state, &caller, call)))
}
