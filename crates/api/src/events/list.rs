//! `GET /api/v1/events`

use crate::envelope::{OkList, SuccessList};
use crate::error::{ApiError, Result};
use crate::extract::{AnyCaller, Query};
use crate::paging::{self, Page};
use crate::state::ApiState;
use app::event_log::{Part, Wanted};
use axum::extract::State;
use model::Event;
use model::event::View;
use model::webhook::EventPattern;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

/// Entries of `types` at most, as in a subscription.
const MAX_TYPES: usize = 64;

/// Which events are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct EventsQuery {
    /// Only events behind this number; the whole log if not said.
    #[param(value_type = Option<i64>, minimum = 0)]
    after: Option<String>,
    /// Names, prefixes such as `call.*` or `*`, separated by commas.
    types: Option<String>,
}

/// An event as it stands in the log.
#[derive(Debug, Serialize, ToSchema)]
pub struct LoggedEvent {
    id: String,
    /// Its number in the tenant's log.
    seq: i64,
    #[serde(rename = "type")]
    #[schema(example = "order.paid")]
    name: String,
    /// What it is about; null if nothing was said.
    #[schema(required = true)]
    subject: Option<String>,
    #[schema(value_type = Object)]
    payload: Box<RawValue>,
    /// Unix seconds.
    timestamp: i64,
    created_at: String,
}

impl LoggedEvent {
    /// That view of the event.
    #[must_use]
    pub fn of(event: &Event, view: View) -> Self {
        Self {
            id: event.id.to_string(),
            seq: event.seq,
            name: event.name.to_string(),
            subject: event.subject.clone(),
            payload: event.payload_of(view).into_owned(),
            timestamp: event.created_at.unix_seconds(),
            created_at: event.created_at.to_string(),
        }
    }
}

/// Where the log ends, begins, and goes on.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LogMeta {
    /// The number of the log's last event.
    seq: i64,
    /// The number of the oldest event that the log still holds; one more than `seq` if there is none.
    oldest_seq: i64,
    /// Another one after a restored backup: numbers of another epoch mean other events.
    #[schema(value_type = String)]
    epoch: Arc<str>,
    /// Pass it as `?cursor=` to go on; null at the end. A page may be short, even empty, and have one.
    #[schema(required = true)]
    next_cursor: Option<String>,
}

/// Read the event log
///
/// In order, as much as the caller may see, as on the WebSocket; a key with `events:read` sees all of it.
#[utoipa::path(get, path = "/api/v1/events", tag = "Events", params(EventsQuery, Page),
    responses((status = 200, body = SuccessList<LoggedEvent, LogMeta>)))]
pub(crate) async fn list(
    State(state): State<Arc<ApiState>>,
    AnyCaller(caller): AnyCaller,
    Query(query): Query<EventsQuery>,
    Query(page): Query<Page>,
) -> Result<OkList<LoggedEvent, LogMeta>> {
    let log = &state.app.event_log;
    // Before it is read: a page of a log that has just become another one is then taken for the old one's, and read again.
    let epoch = log.epoch();
    let Part { events, seq, oldest_seq, next } =
        log.read(caller.tenant(), &caller.viewer(), &wanted(&query, &page)?).await?;
    let events = events.iter().map(|(event, view)| LoggedEvent::of(event, *view)).collect();
    let next_cursor = next.map(|seq| paging::cursor(&seq.to_string()));
    Ok(OkList(events, LogMeta { seq, oldest_seq, epoch, next_cursor }))
}

fn wanted(query: &EventsQuery, page: &Page) -> Result<Wanted> {
    let after = query.after.as_deref().map(|text| event_number("after", text)).transpose()?;
    Ok(Wanted {
        after: page.after_number()?.or(after).unwrap_or(0),
        types: types(query.types.as_deref())?,
        limit: usize::try_from(page.limit()?).unwrap_or(usize::MAX),
    })
}

/// Reads the number of an event, or 0.
pub(crate) fn event_number(field: &str, text: &str) -> Result<i64> {
    let number = text.parse().ok().filter(|number| *number >= 0);
    number.ok_or_else(|| ApiError::parameter(field, "must be the number of an event, or 0 for the whole log"))
}

/// Reads a list of names and prefixes.
pub(super) fn types(list: Option<&str>) -> Result<Vec<EventPattern>> {
    let Some(list) = list else { return Ok(Vec::new()) };
    if list.split(',').count() > MAX_TYPES {
        return Err(ApiError::parameter("types", format!("must have {MAX_TYPES} entries at most")));
    }
    let parse = |text: &str| {
        EventPattern::parse(text.trim()).map_err(|error| {
            let shown: String = text.chars().take(100).collect();
            ApiError::parameter("types", format!("has the entry {shown:?}, which {error}"))
        })
    };
    list.split(',').map(parse).collect()
}
