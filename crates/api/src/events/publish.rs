//! `POST /api/v1/events`

use super::object::{self, Object};
use crate::envelope::{Accepted202, Success};
use crate::error::{ApiError, Result};
use crate::extract::{AnyCaller, RawBody, parse};
use crate::state::ApiState;
use app::fields::FieldProblem;
use app::publishing::EventDraft;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};
use std::sync::Arc;
use store::idempotency::Key;
use utoipa::ToSchema;

/// The largest body in bytes.
const MAX_BODY: usize = 4 << 20;

/// A custom event.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PublishEvent {
    /// Dotted lower-case words; neither with a prefix of the catalogue nor the type of a control frame of the WebSocket.
    #[schema(example = "order.paid")]
    #[serde(rename = "type")]
    name: String,
    /// A JSON object of up to 64 KiB. `tenant_id` is added.
    #[schema(value_type = Object)]
    payload: Box<RawValue>,
    /// What it is about, such as `call:ID`: ordered webhooks keep its events in order.
    #[schema(min_length = 1, max_length = 200)]
    subject: Option<String>,
    /// Who may see it; everyone in the tenant if not said.
    #[serde(default, deserialize_with = "object::optional")]
    audience: Option<AudienceBody>,
}

/// The union of these, nobody further if all are empty. Admins, supervisors, webhooks and keys with `events:read` see everything.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AudienceBody {
    #[serde(default)]
    users: Vec<String>,
    #[serde(default)]
    roles: Vec<String>,
    #[serde(default)]
    queues: Vec<String>,
}

/// One event, or a list of 1 to 500.
#[derive(Debug, ToSchema)]
#[schema(as = PublishEvents)]
#[serde(untagged)]
#[expect(
    dead_code,
    reason = "describes the body in the document; the body itself is read by hand, to name what is wrong"
)]
pub(crate) enum OneOrMany {
    /// One.
    One(PublishEvent),
    /// Many.
    Many(Vec<PublishEvent>),
}

/// What was written.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Published {
    accepted: usize,
    events: Vec<PublishedEvent>,
}

/// One event that was written.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PublishedEvent {
    id: String,
    /// Its number in the tenant's log.
    seq: i64,
}

/// Publish events
///
/// All of them or none; together they may cause 50,000 webhook deliveries. Answers once they are flushed to disk, together with their webhook deliveries. With an
/// `Idempotency-Key`, a repeat within 24 h gets the first answer.
#[utoipa::path(post, path = "/api/v1/events", tag = "Events", request_body = OneOrMany,
    params(("Idempotency-Key" = Option<String>, Header, description = "A word of the caller's for this call")),
    responses((status = 202, body = Success<Published>)))]
pub(crate) async fn publish(
    State(state): State<Arc<ApiState>>,
    AnyCaller(caller): AnyCaller,
    headers: HeaderMap,
    RawBody(body): RawBody<MAX_BODY>,
) -> Result<Accepted202<Published>> {
    let key = idempotency_key(&caller, &headers, &body)?;
    let written = state.app.publishing.publish(caller.tenant(), drafts(&body)?, key).await?;
    let show = |event: app::publishing::Accepted| PublishedEvent { id: event.id.into(), seq: event.seq };
    let events: Vec<PublishedEvent> = written.into_iter().map(show).collect();
    Ok(Accepted202(Published { accepted: events.len(), events }))
}

fn drafts(body: &[u8]) -> Result<Vec<EventDraft>> {
    match body.iter().find(|byte| !byte.is_ascii_whitespace()) {
        Some(b'[') => {
            let events: Vec<Object<PublishEvent>> = parse(body)?;
            Ok(events.into_iter().enumerate().map(|(at, event)| draft(format!("[{at}]."), event.0)).collect())
        }
        Some(byte) if *byte != b'{' && serde_json::from_slice::<IgnoredAny>(body).is_ok() => {
            let problem = FieldProblem::new("body", "must be a JSON object or a list of objects");
            Err(ApiError::invalid(vec![problem]))
        }
        _ => Ok(vec![draft(String::new(), parse(body)?)]),
    }
}

fn draft(path: String, event: PublishEvent) -> EventDraft {
    let has_audience = event.audience.is_some();
    let audience = event.audience.unwrap_or_default();
    EventDraft {
        path,
        name: event.name,
        payload: event.payload,
        subject: event.subject,
        has_audience,
        users: audience.users,
        roles: audience.roles,
        queues: audience.queues,
    }
}

fn idempotency_key(caller: &app::Caller, headers: &HeaderMap, body: &[u8]) -> Result<Option<Key>> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    let text = value.to_str().ok().filter(|text| (1..=255).contains(&text.len()));
    let Some(text) = text else {
        let message = "Idempotency-Key must be 1 to 255 visible ASCII characters";
        return Err(ApiError::new(StatusCode::BAD_REQUEST, "bad_parameter", message));
    };
    let body_hash = model::hex(&Sha256::digest(body));
    Ok(Some(Key { credential: caller.credential().to_owned(), key: text.to_owned(), body_hash }))
}
