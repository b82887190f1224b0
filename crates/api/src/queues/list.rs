//! `GET /api/v1/queues`

use super::shapes::QueueBody;
use crate::envelope::{LiveMeta, OkList, SuccessList};
use crate::error::Result;
use crate::extract::{AnyCaller, Query};
use crate::paging::{Page, next_cursor};
use crate::state::ApiState;
use axum::extract::State;
use std::sync::Arc;

/// List the queues
///
/// `meta.seq` is the log position that the list is true for.
#[utoipa::path(get, path = "/api/v1/queues", tag = "Queues", params(Page),
    responses((status = 200, body = SuccessList<QueueBody, LiveMeta>)))]
pub(crate) async fn list(
    State(state): State<Arc<ApiState>>,
    AnyCaller(caller): AnyCaller,
    Query(page): Query<Page>,
) -> Result<OkList<QueueBody, LiveMeta>> {
    let limit = page.limit()?;
    let after = page.after()?.unwrap_or_default();
    let (mut queues, seq) = state.app.queues.page(caller.tenant(), &after, limit + 1).await?;
    let next_cursor = next_cursor(&mut queues, limit, |stored| stored.queue.id.to_string());
    Ok(OkList(queues.into_iter().map(Into::into).collect(), LiveMeta { next_cursor, seq }))
}
