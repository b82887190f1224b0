//! `POST /api/v1/calls/{id}/transfer`

use super::shapes::CallBody;
use super::{call_id, show};
use crate::envelope::{Ok200, Success};
use crate::error::Result;
use crate::events::object;
use crate::extract::{AnyCaller, Body};
use crate::state::ApiState;
use app::calls::draft;
use axum::extract::{Path, State};
use serde::Deserialize;
use std::sync::Arc;
use utoipa::ToSchema;

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Transfer {
    /// blind, attended or redirect.
    #[schema(example = "blind")]
    kind: String,
    #[serde(deserialize_with = "object::required")]
    to: TransferTarget,
}

/// Where to: exactly one of the three.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TransferTarget {
    /// An agent.
    user_id: Option<String>,
    /// A queue.
    #[schema(example = "queue-sales")]
    queue_id: Option<String>,
    /// A number outside.
    #[schema(min_length = 1, max_length = 64)]
    number: Option<String>,
}

impl From<Transfer> for draft::TransferDraft {
    fn from(transfer: Transfer) -> Self {
        let TransferTarget { user_id, queue_id, number } = transfer.to;
        Self { kind: transfer.kind, to: draft::TargetDraft { user_id, queue_id, number } }
    }
}

/// Transfer a call
///
/// With `attended` the target agent has it at once, else that agent is rung. What nobody has can only be redirected.
#[utoipa::path(post, path = "/api/v1/calls/{id}/transfer", tag = "Calls", request_body = Transfer,
    params(("id" = String, Path, description = "The call")), responses((status = 200, body = Success<CallBody>)))]
pub(crate) async fn transfer(
    State(state): State<Arc<ApiState>>,
    AnyCaller(caller): AnyCaller,
    Path(id): Path<String>,
    Body(body): Body<Transfer>,
) -> Result<Ok200<CallBody>> {
    let call =
        state.app.calls.report(&caller, &call_id(&id)?, &draft::TransferDraft::from(body).read()?).await?;
    Ok(Ok200(show(&state, &caller, call)))
}
