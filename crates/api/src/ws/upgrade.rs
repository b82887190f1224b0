//! `GET /ws`: checks everything before the upgrade, so that a refusal is a plain HTTP answer.

use super::handshake::Handshake;
use crate::cors::host;
use crate::error::{ApiError, Result};
use crate::events::event_number;
use crate::extract::{AnyCaller, ClientAddress, Query};
use crate::state::ApiState;
use app::Caller;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use realtime::{Admission, Refusal};
use serde::Deserialize;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use utoipa::IntoParams;

/// When to come back after there were too many connections.
const RETRY: Duration = Duration::from_secs(5);

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Resume {
    /// Deliver every durable event after this number, then go on live.
    #[param(value_type = Option<i64>)]
    since: Option<String>,
    /// The epoch that `since` belongs to, as told by `connection.ready`.
    epoch: Option<String>,
    /// In place of the `Authorization` header: what `POST /api/v1/auth/ws-ticket` gave. Good once.
    #[serde(rename = "ticket")]
    _ticket: Option<String>,
}

/// Open a WebSocket
///
/// Events as JSON documents, one a text frame. The first frame is `connection.ready`.
#[utoipa::path(get, path = "/ws", tag = "Real time", params(Resume),
    responses((status = 101, description = "The connection speaks WebSocket from here on")))]
pub(crate) async fn upgrade(
    State(state): State<Arc<ApiState>>,
    AnyCaller(caller): AnyCaller,
    ClientAddress(address): ClientAddress,
    Query(resume): Query<Resume>,
    headers: HeaderMap,
    handshake: Result<Handshake>,
) -> Result<Response> {
    check_origin(&state, &headers)?;
    let handshake = handshake?;
    let since = resume.since.as_deref().map(|text| event_number("since", text)).transpose()?;
    let who = admission(&caller, address, &headers, since, resume.epoch);
    let connection = state.app.hub.admit(who).map_err(refused)?;
    // What ended between the guard's check and now, the hub did not hear of: it only tells connections that it has.
    check_again(&state, &caller).await?;
    Ok(handshake.accept(connection))
}

/// What the hub is to know of a connection.
pub(crate) fn admission(
    caller: &Caller,
    address: IpAddr,
    headers: &HeaderMap,
    since: Option<i64>,
    epoch: Option<String>,
) -> Admission {
    let user_agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
    Admission {
        tenant: caller.tenant().clone(),
        viewer: caller.viewer(),
        session: caller.session(),
        expires_at: caller.expires_at(),
        since,
        epoch,
        remote_addr: address.to_string(),
        user_agent: user_agent.map(str::to_owned),
    }
}

/// Whether the caller is still who came in.
pub(crate) async fn check_again(state: &ApiState, caller: &Caller) -> Result<()> {
    if state.app.gate.check_again(caller).await?.viewer() == caller.viewer() {
        return Ok(());
    }
    let message = "your role has just changed: connect again";
    Err(ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "role_changed", message)
        .retry_after(Duration::from_secs(1)))
}

fn check_origin(state: &ApiState, headers: &HeaderMap) -> Result<()> {
    let Some(origin) = headers.get(header::ORIGIN) else { return Ok(()) };
    let allowed = origin.to_str().is_ok_and(|origin| state.config.origins.allow(origin, host(headers)));
    if allowed {
        return Ok(());
    }
    let message = "pages of this origin may not connect: see CORS_ALLOWED_ORIGINS";
    Err(ApiError::new(StatusCode::FORBIDDEN, "origin_not_allowed", message))
}

/// Why there is no place.
pub(crate) fn refused(refusal: Refusal) -> ApiError {
    let (status, code) = match refusal {
        Refusal::ServerFull => (StatusCode::SERVICE_UNAVAILABLE, "too_many_connections"),
        Refusal::UserFull => (StatusCode::TOO_MANY_REQUESTS, "too_many_connections"),
    };
    ApiError::new(status, code, refusal.to_string()).retry_after(RETRY)
}
