//! `GET /api/v1/queues/{id}/entries`

use super::queue_id;
use crate::envelope::{LiveMeta, OkList, SuccessList};
use crate::error::{ApiError, Result};
use crate::extract::{AnyCaller, Query};
use crate::paging::{Page, next_cursor};
use crate::state::ApiState;
use app::queues::Listed;
use axum::extract::{Path, State};
use model::Timestamp;
use model::duration::seconds;
use serde::Serialize;
use std::sync::Arc;
use store::queue_entries::Place;
use utoipa::ToSchema;

/// Who waits.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Waiter)]
pub(crate) struct WaiterBody {
    number: String,
    #[schema(required = true)]
    name: Option<String>,
}

/// Something that waits in a queue.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = QueueEntry)]
pub(crate) struct EntryBody {
    entry_id: String,
    call_id: String,
    /// 1 is the next.
    position: i64,
    joined_at: String,
    /// Until the moment of the answer.
    wait_seconds: f64,
    /// To how many agents it was offered.
    offers: i64,
    /// For agents masked: digits but the last two, and the name.
    from: WaiterBody,
}

impl EntryBody {
    fn at(now: Timestamp, listed: Listed) -> Self {
        let Listed { stay, position } = listed;
        Self {
            entry_id: stay.id.into(),
            call_id: stay.call.into(),
            position,
            joined_at: stay.joined_at.to_string(),
            wait_seconds: seconds(now.since(stay.joined_at)),
            offers: stay.offers,
            from: WaiterBody { number: stay.from.number, name: stay.from.name },
        }
    }
}

/// List what waits in a queue
///
/// In order, the next one first. Agents see the queues that they are members of. `meta.seq` is the log position that the
/// list is true for.
#[utoipa::path(get, path = "/api/v1/queues/{id}/entries", tag = "Queues",
    params(("id" = String, Path, description = "The queue"), Page),
    responses((status = 200, body = SuccessList<EntryBody, LiveMeta>)))]
pub(crate) async fn entries(
    State(state): State<Arc<ApiState>>,
    AnyCaller(caller): AnyCaller,
    Path(id): Path<String>,
    Query(page): Query<Page>,
) -> Result<OkList<EntryBody, LiveMeta>> {
    let limit = page.limit()?;
    let after = page.after()?.map(|key| place(&key)).transpose()?;
    let (mut entries, seq, now) =
        state.app.queues.entries(&caller, &queue_id(&id)?, after, limit + 1).await?;
    let next_cursor =
        next_cursor(&mut entries, limit, |listed| format!("{}/{}", listed.stay.joined_at.0, listed.stay.id));
    let entries = entries.into_iter().map(|listed| EntryBody::at(now, listed)).collect();
    Ok(OkList(entries, LiveMeta { next_cursor, seq }))
}

fn place(key: &str) -> Result<Place> {
    let read = key.split_once('/').and_then(|(at, id)| Some((Timestamp(at.parse().ok()?), id.to_owned())));
    read.ok_or_else(|| ApiError::parameter("cursor", "must be the next_cursor of the page before"))
}
