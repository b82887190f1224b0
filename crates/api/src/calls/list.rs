//! `GET /api/v1/calls`

use super::shapes::CallBody;
use super::show;
use crate::envelope::{LiveMeta, OkList, SuccessList};
use crate::error::{ApiError, Result};
use crate::extract::{AnyCaller, Query, moment};
use crate::paging::{Page, next_cursor, unknown_cursor};
use crate::state::ApiState;
use axum::extract::State;
use model::{QueueId, Timestamp, UserId};
use serde::Deserialize;
use std::sync::Arc;
use store::calls::Filter;
use utoipa::IntoParams;

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct CallFilter {
    /// `true`: only calls that go on; `false`: only those that have ended.
    #[param(value_type = Option<bool>)]
    active: Option<String>,
    /// Only calls that this agent has or had a part in.
    user_id: Option<String>,
    /// Only calls whose present or last queue this is.
    queue_id: Option<String>,
    /// Begun at this moment or later (RFC 3339).
    from: Option<String>,
    /// Begun before this moment (RFC 3339).
    to: Option<String>,
}

impl CallFilter {
    fn read(&self, after: Option<String>) -> Result<Filter> {
        let active = match self.active.as_deref() {
            None => None,
            Some("true") => Some(true),
            Some("false") => Some(false),
            Some(_) => return Err(ApiError::parameter("active", "must be true or false")),
        };
        let user = self.user_id.as_deref().map(UserId::parse).transpose();
        let queue = self.queue_id.as_deref().map(QueueId::parse).transpose();
        Ok(Filter {
            active,
            user: user.map_err(|error| ApiError::parameter("user_id", error.to_string()))?,
            queue: queue.map_err(|error| ApiError::parameter("queue_id", error.to_string()))?,
            from: moment("from", self.from.as_deref())?,
            to: moment("to", self.to.as_deref())?,
            after: after.map(|key| place(&key)).transpose()?,
        })
    }
}

/// Where a page ends: when its last call began, and that call's id.
fn place(key: &str) -> Result<(Timestamp, String)> {
    let (at, id) = key.split_once(' ').ok_or_else(unknown_cursor)?;
    let at = at.parse().map_err(|_| unknown_cursor())?;
    Ok((Timestamp(at), id.to_owned()))
}

/// List calls
///
/// Newest first. Agents find their own only. `meta.seq` is the log position that the list is true for.
#[utoipa::path(get, path = "/api/v1/calls", tag = "Calls", params(CallFilter, Page),
    responses((status = 200, body = SuccessList<CallBody, LiveMeta>)))]
pub(crate) async fn list(
    State(state): State<Arc<ApiState>>,
    AnyCaller(caller): AnyCaller,
    Query(filter): Query<CallFilter>,
    Query(page): Query<Page>,
) -> Result<OkList<CallBody, LiveMeta>> {
    let limit = page.limit()?;
    let filter = filter.read(page.after()?)?;
    let (mut calls, seq) = state.app.calls.page(&caller, filter, limit + 1).await?;
    let next_cursor = next_cursor(&mut calls, limit, |call| format!("{} {}", call.started_at.0, call.id));
    let calls = calls.into_iter().map(|call| show(&state, &caller, call)).collect();
    Ok(OkList(calls, LiveMeta { next_cursor, seq }))
}
