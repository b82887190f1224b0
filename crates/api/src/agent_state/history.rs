//! `GET /api/v1/agent-state/{user_id}/history`

use super::check_own;
use crate::envelope::{OkList, PageMeta, SuccessList};
use crate::error::Result;
use crate::extract::{AnyCaller, Query, moment};
use crate::paging::{Page, meta};
use crate::state::ApiState;
use crate::users::user_id;
use axum::extract::{Path, State};
use model::Timestamp;
use model::duration::seconds;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use store::agents::{HistoryEntry, HistoryFilter};
use utoipa::{IntoParams, ToSchema};

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct When {
    /// Changed at this moment or later (RFC 3339).
    from: Option<String>,
    /// Changed before this moment (RFC 3339).
    to: Option<String>,
}

/// One change of an agent's state.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StateChange {
    version: i64,
    state: String,
    previous_state: String,
    /// How long the previous state had held.
    previous_state_seconds: f64,
    /// What was chosen: the same as the state, or what lay under the work.
    presence: String,
    #[schema(required = true)]
    reason: Option<String>,
    /// self, supervisor, telephony or system.
    source: String,
    /// The user, or the API key, who changed it.
    #[schema(required = true)]
    changed_by: Option<String>,
    /// The call that the state came from.
    #[schema(required = true)]
    call_id: Option<String>,
    /// The moment of the change. Where the state goes on (another call at once, an extended wrap-up) it is later than the
    /// `changed_at` of the event, which is the state's beginning.
    changed_at: String,
}

impl From<HistoryEntry> for StateChange {
    fn from(entry: HistoryEntry) -> Self {
        let previous_ms = u64::try_from(entry.previous_state_ms).unwrap_or_default();
        Self {
            version: entry.version,
            state: entry.state,
            previous_state: entry.previous_state,
            previous_state_seconds: seconds(std::time::Duration::from_millis(previous_ms)),
            presence: entry.presence,
            reason: entry.reason,
            source: entry.source,
            changed_by: entry.changed_by,
            call_id: entry.call_id,
            changed_at: Timestamp(entry.changed_at).to_string(),
        }
    }
}

/// List an agent's changes
///
/// Newest first. Agents see their own only. A change tells the state that began and how long the one before it had held, so
/// that the changes of an interval tell all of it; where there is none, `?to=` its beginning `&limit=1` tells what held.
#[utoipa::path(get, path = "/api/v1/agent-state/{user_id}/history", tag = "Agents",
    params(("user_id" = String, Path, description = "The agent"), When, Page),
    responses((status = 200, body = SuccessList<StateChange, PageMeta>)))]
pub(crate) async fn history(
    State(state): State<Arc<ApiState>>,
    AnyCaller(caller): AnyCaller,
    Path(id): Path<String>,
    Query(when): Query<When>,
    Query(page): Query<Page>,
) -> Result<OkList<StateChange, PageMeta>> {
    let user = user_id(&id)?;
    check_own(&caller, &user, "agents see their own history only")?;
    let limit = page.limit()?;
    let filter = HistoryFilter {
        from: moment("from", when.from.as_deref())?,
        to: moment("to", when.to.as_deref())?,
        before: page.after_number()?,
    };
    let mut entries = state.app.agents.history(caller.tenant(), &user, filter, limit + 1).await?;
    let meta = meta(&mut entries, limit, |entry| entry.version.to_string());
    Ok(OkList(entries.into_iter().map(Into::into).collect(), meta))
}
