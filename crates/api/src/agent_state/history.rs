//! `GET /api/v1/agent-state/{user_id}/history`

use crate::envelope::{OkList, PageMeta, SuccessList};
use crate::error::Result;
use crate::extract::{AnyCaller, Query};
use crate::paging::{Page, meta};
use crate::state::ApiState;
use crate::users::user_id;
use axum::extract::{Path, State};
use model::{Role, Timestamp};
use serde::Serialize;
use std::sync::Arc;
use store::agents::HistoryEntry;
use utoipa::ToSchema;

/// One change of an agent's state.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StateChange {
    version: i64,
    state: String,
    previous_state: String,
    /// How long the previous state had held.
    previous_state_seconds: f64,
    #[schema(required = true)]
    reason: Option<String>,
    /// self, supervisor, telephony or system.
    source: String,
    #[schema(required = true)]
    changed_by: Option<String>,
    changed_at: String,
}

impl From<HistoryEntry> for StateChange {
    fn from(entry: HistoryEntry) -> Self {
        let previous_ms = u64::try_from(entry.previous_state_ms).unwrap_or_default();
        Self {
            version: entry.version,
            state: entry.state,
            previous_state: entry.previous_state,
            previous_state_seconds: std::time::Duration::from_millis(previous_ms).as_secs_f64(),
            reason: entry.reason,
            source: entry.source,
            changed_by: entry.changed_by,
            changed_at: Timestamp(entry.changed_at).to_string(),
        }
    }
}

/// List an agent's changes
///
/// Newest first. Agents see their own only.
#[utoipa::path(get, path = "/api/v1/agent-state/{user_id}/history", tag = "Agents",
    params(("user_id" = String, Path, description = "The agent"), Page),
    responses((status = 200, body = SuccessList<StateChange, PageMeta>)))]
pub(crate) async fn history(
    State(state): State<Arc<ApiState>>,
    AnyCaller(caller): AnyCaller,
    Path(id): Path<String>,
    Query(page): Query<Page>,
) -> Result<OkList<StateChange, PageMeta>> {
    let user = user_id(&id)?;
    let viewer = caller.viewer();
    if viewer.role == Role::Agent && viewer.user.as_ref() != Some(&user) {
        return Err(app::Error::Forbidden("agents see their own history only").into());
    }
    let limit = page.limit()?;
    let before = page.after_number()?.unwrap_or(i64::MAX);
    let mut entries = state.app.agents.history(caller.tenant(), &user, before, limit + 1).await?;
    let meta = meta(&mut entries, limit, |entry| entry.version.to_string());
    Ok(OkList(entries.into_iter().map(Into::into).collect(), meta))
}
