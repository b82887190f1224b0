//! `PATCH /api/v1/calls/{id}`

use super::shapes::CallBody;
use super::{call_id, show};
use crate::envelope::{Ok200, Success};
use crate::error::Result;
use crate::extract::{AnyCaller, Body, given, not_null};
use crate::state::ApiState;
use app::calls::draft::ChangesDraft;
use axum::extract::{Path, State};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::Arc;
use utoipa::ToSchema;

/// What is to change of what is kept with a call; what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CallChanges {
    /// What the agent says it was about; null for nothing any more.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 100)]
    disposition: Option<Option<String>>,
    /// All tags from now on: 50 at most, of 1 to 50 characters.
    #[serde(default, deserialize_with = "not_null")]
    #[schema(value_type = Option<Vec<String>>, max_items = 50)]
    tags: Option<Vec<String>>,
    /// Texts by name, 50 in all; null takes one away, those not named stay.
    #[serde(default, deserialize_with = "not_null")]
    #[schema(value_type = Option<BTreeMap<String, Option<String>>>)]
    attributes: Option<BTreeMap<String, Option<String>>>,
}

/// Change what is kept with a call
///
/// Also after its end. Agents change those only that they took part in, or that ring for them.
#[utoipa::path(patch, path = "/api/v1/calls/{id}", tag = "Calls", request_body = CallChanges,
    params(("id" = String, Path, description = "The call")), responses((status = 200, body = Success<CallBody>)))]
pub(crate) async fn update(
    State(state): State<Arc<ApiState>>,
    AnyCaller(caller): AnyCaller,
    Path(id): Path<String>,
    Body(changes): Body<CallChanges>,
) -> Result<Ok200<CallBody>> {
    let CallChanges { disposition, tags, attributes } = changes;
    let command = ChangesDraft { disposition, tags, attributes }.read()?;
    let call = state.app.calls.report(&caller, &call_id(&id)?, &command).await?;
    Ok(Ok200(show(&state, &caller, call)))
}
