//! `GET /api/v1/queues/{id}/members`

use super::queue_id;
use super::shapes::MemberBody;
use crate::envelope::{LiveMeta, OkList, SuccessList};
use crate::error::Result;
use crate::extract::{AnyCaller, Query};
use crate::paging::{Page, next_cursor};
use crate::state::ApiState;
use axum::extract::{Path, State};
use std::sync::Arc;

/// List a queue's members
///
/// `meta.seq` is the log position that the list is true for.
#[utoipa::path(get, path = "/api/v1/queues/{id}/members", tag = "Queues",
    params(("id" = String, Path, description = "The queue"), Page),
    responses((status = 200, body = SuccessList<MemberBody, LiveMeta>)))]
pub(crate) async fn members(
    State(state): State<Arc<ApiState>>,
    AnyCaller(caller): AnyCaller,
    Path(id): Path<String>,
    Query(page): Query<Page>,
) -> Result<OkList<MemberBody, LiveMeta>> {
    let limit = page.limit()?;
    let after = page.after()?.unwrap_or_default();
    let (mut members, seq) = state.app.queues.members(&caller, &queue_id(&id)?, &after, limit + 1).await?;
    let next_cursor = next_cursor(&mut members, limit, |member| member.user.to_string());
    Ok(OkList(members.into_iter().map(Into::into).collect(), LiveMeta { next_cursor, seq }))
}
