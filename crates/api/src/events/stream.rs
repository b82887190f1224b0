//! `GET /api/v1/events/stream`: the log as Server-Sent Events. What is sent is made by the hub; here it gets its lines.

use super::list::{event_number, types};
use crate::error::{ApiError, Result};
use crate::extract::{AnyCaller, ClientAddress, Query};
use crate::state::ApiState;
use crate::ws::{admission, check_again, refused};
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use futures_util::stream;
use model::Clock;
use realtime::{Followed, Follower};
use serde::Deserialize;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::timeout;
use utoipa::IntoParams;

/// How often a quiet stream says that it is alive: proxies end what is silent for a minute.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// How long the client may take for one piece; then the stream ends, and it comes back from where it was.
const TAKEN_WITHIN: Duration = Duration::from_secs(60);
/// How long clients are to wait before they come back, in milliseconds.
const RETRY_MS: u64 = 2000;
/// A piece ends with the event that makes it this large: with what the hub keeps ready, a client that does not read holds
/// less than 500 KiB.
const PIECE_BYTES: usize = 16 << 10;

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct StreamQuery {
    /// Begin behind this number; with the next event if not said. `Last-Event-ID` wins over it.
    #[param(value_type = Option<i64>, minimum = 0)]
    after: Option<String>,
    /// The epoch that the number belongs to, as told by `GET /api/v1/events`.
    epoch: Option<String>,
    /// Names, prefixes such as `call.*` or `*`, separated by commas.
    types: Option<String>,
}

/// Stream events
///
/// Server-Sent Events: `id` is the event's number, `event` its type, `data` the JSON document as on the WebSocket. Begins
/// behind `Last-Event-ID`, or behind `after`. Where the log does not reach back that far, `connection.reset` comes first.
/// Counts as a connection of the caller's; ends with the session, the token or the server.
#[utoipa::path(get, path = "/api/v1/events/stream", tag = "Events",
    params(StreamQuery, ("Last-Event-ID" = Option<String>, Header, description = "The number of the last event that came")),
    responses((status = 200, description = "The stream", body = String, content_type = "text/event-stream")))]
pub(crate) async fn stream(
    State(state): State<Arc<ApiState>>,
    AnyCaller(caller): AnyCaller,
    ClientAddress(address): ClientAddress,
    Query(query): Query<StreamQuery>,
    headers: HeaderMap,
) -> Result<Response> {
    let after = query.after.as_deref().map(|text| event_number("after", text)).transpose()?;
    let since = last_event_id(&headers)?.or(after);
    let types = types(query.types.as_deref())?;
    let who = admission(&caller, address, &headers, since, query.epoch);
    let follower = state.app.hub.follow(who, types).await.map_err(refused)?;
    // What ended between the guard's check and now, the hub did not hear of: it only tells connections that it has.
    check_again(&state, &caller).await?;
    let (pieces, taken) = mpsc::channel(1);
    tokio::spawn(pump(follower, since, pieces, state.app.clock.clone()));
    let next = |mut taken: mpsc::Receiver<Bytes>| async {
        taken.recv().await.map(|piece| (Ok::<_, Infallible>(piece), taken))
    };
    let mut response = Response::new(Body::from_stream(stream::unfold(taken, next)));
    for (name, value) in [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-store"),
        // Proxies that collect what they pass on are asked not to.
        (header::HeaderName::from_static("x-accel-buffering"), "no"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    Ok(response)
}

fn last_event_id(headers: &HeaderMap) -> Result<Option<i64>> {
    let Some(value) = headers.get("last-event-id") else { return Ok(None) };
    let number = value.to_str().ok().and_then(|text| text.parse().ok()).filter(|number| *number >= 0);
    let wrong = || ApiError::parameter("Last-Event-ID", "must be the number of an event");
    number.map(Some).ok_or_else(wrong)
}

/// Moves events to the client at its own speed, in a task of its own, so that one that does not read keeps neither its place
/// nor the events.
async fn pump(mut follower: Follower, since: Option<i64>, pieces: mpsc::Sender<Bytes>, clock: Clock) {
    // An id without data is remembered by the client and shown to nobody: from there it goes on if it is cut off now.
    let mut piece = format!("retry: {RETRY_MS}\nid: {}\n\n", since.unwrap_or(follower.seq())).into_bytes();
    loop {
        if !matches!(timeout(TAKEN_WITHIN, pieces.send(piece.into())).await, Ok(Ok(()))) {
            return;
        }
        piece = tokio::select! {
            () = pieces.closed() => return,
            next = follower.next() => match next {
                Some(first) => gather(first, &mut follower).await,
                None => return,
            },
            () = clock.sleep_until(clock.now().plus(KEEP_ALIVE)) => {
                // Whoever hears nothing for as long as the log is kept has still missed nothing.
                format!(": still here\nid: {}\n\n", follower.passed()).into_bytes()
            }
        };
    }
}

/// The event together with those that are ready behind it.
async fn gather(first: Followed, follower: &mut Follower) -> Vec<u8> {
    let mut piece = lines(&first);
    while piece.len() < PIECE_BYTES {
        match timeout(Duration::ZERO, follower.next()).await {
            Ok(Some(next)) => piece.extend(lines(&next)),
            // The end is found again by the next look.
            Ok(None) | Err(_) => break,
        }
    }
    piece
}

fn lines(followed: &Followed) -> Vec<u8> {
    match followed {
        Followed::Event { seq, name, document } => {
            let mut lines = format!("id: {seq}\nevent: {name}\ndata: ").into_bytes();
            lines.extend_from_slice(document);
            lines.extend_from_slice(b"\n\n");
            lines
        }
        Followed::Reset { oldest_seq, seq, epoch } => {
            let payload = serde_json::json!({ "oldest_seq": oldest_seq, "seq": seq, "epoch": epoch });
            let document = serde_json::json!({ "type": "connection.reset", "payload": payload });
            format!("id: {seq}\nevent: connection.reset\ndata: {document}\n\n").into_bytes()
        }
    }
}
