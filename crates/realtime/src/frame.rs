//! The JSON documents that a connection gets, as ready WebSocket frames. Knows nothing of who gets them.

use crate::wire;
use bytes::Bytes;
use model::event::View;
use model::{ConnectionId, Event, Role, TenantId, Timestamp, UserId};
use serde::Serialize;
use serde_json::value::RawValue;

#[derive(Serialize)]
struct EventFrame<'a> {
    #[serde(rename = "type")]
    name: &'a str,
    payload: &'a RawValue,
    id: &'a str,
    seq: i64,
    timestamp: i64,
}

/// An event that stands in no log, and so has no number.
#[derive(Serialize)]
struct EphemeralFrame<'a> {
    #[serde(rename = "type")]
    name: &'a str,
    payload: &'a RawValue,
    id: &'a str,
    timestamp: i64,
}

#[derive(Serialize)]
struct ControlFrame<'a, P> {
    #[serde(rename = "type")]
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    payload: Option<P>,
    #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
    reference: Option<&'a RawValue>,
}

/// What `connection.ready` says.
#[derive(Serialize)]
pub(crate) struct Ready<'a> {
    pub connection_id: &'a ConnectionId,
    pub user_id: Option<&'a UserId>,
    pub tenant_id: &'a TenantId,
    pub role: Role,
    /// The end of the log when the connection began.
    pub seq: i64,
    pub epoch: &'a str,
}

/// What `connection.reset` says.
#[derive(Serialize)]
pub(crate) struct Reset<'a> {
    pub oldest_seq: i64,
    pub seq: i64,
    pub epoch: &'a str,
}

#[derive(Serialize)]
struct Position {
    seq: i64,
}

#[derive(Serialize)]
struct Expiring {
    expires_at: Timestamp,
}

#[derive(Serialize)]
struct Subscribed {
    events: Vec<String>,
}

#[derive(Serialize)]
struct Problem<'a> {
    code: &'a str,
    message: &'a str,
}

/// The event as its listeners with that view get it.
pub(crate) fn event(event: &Event, view: View) -> Bytes {
    wire::text(&EventFrame {
        name: event.name.as_str(),
        payload: &event.payload_of(view),
        id: event.id.as_str(),
        seq: event.seq,
        timestamp: event.created_at.unix_seconds(),
    })
}

/// The same, of an event that stands in no log.
pub(crate) fn ephemeral(event: &Event, view: View) -> Bytes {
    wire::text(&EphemeralFrame {
        name: event.name.as_str(),
        payload: &event.payload_of(view),
        id: event.id.as_str(),
        timestamp: event.created_at.unix_seconds(),
    })
}

/// The first frame of every connection.
pub(crate) fn ready(ready: &Ready<'_>) -> Bytes {
    control("connection.ready", Some(ready), None)
}

/// Tells the client that it missed events for good and must load its state anew.
pub(crate) fn reset(reset: &Reset<'_>) -> Bytes {
    control("connection.reset", Some(reset), None)
}

/// Tells the client that its token ends soon.
pub(crate) fn expiring(expires_at: Timestamp) -> Bytes {
    control("auth.expiring", Some(Expiring { expires_at }), None)
}

/// The answer to `auth.refresh`: how long the new token is good.
pub(crate) fn refreshed(expires_at: Timestamp, reference: Option<&RawValue>) -> Bytes {
    control("auth.refreshed", Some(Expiring { expires_at }), reference)
}

/// The answer to `ping`: all up to that number was sent, as far as the client sees it.
pub(crate) fn pong(seq: i64, reference: Option<&RawValue>) -> Bytes {
    control("pong", Some(Position { seq }), reference)
}

/// The answer to `subscribe` and `unsubscribe`: what now holds.
pub(crate) fn subscribed(events: Vec<String>, reference: Option<&RawValue>) -> Bytes {
    control("subscribed", Some(Subscribed { events }), reference)
}

/// The answer to a bad message.
pub(crate) fn error(code: &str, message: &str, reference: Option<&RawValue>) -> Bytes {
    control("error", Some(Problem { code, message }), reference)
}

fn control(name: &str, payload: Option<impl Serialize>, reference: Option<&RawValue>) -> Bytes {
    wire::text(&ControlFrame { name, payload, reference })
}
