//! `POST /api/v1/auth/ws-ticket`

use crate::envelope::{Ok200, Success};
use crate::error::Result;
use crate::extract::Caller;
use crate::state::ApiState;
use app::tickets::GOOD_FOR;
use axum::extract::State;
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;

/// A ticket.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WsTicket {
    /// Open `/ws?ticket=` with it. Good once, on any server.
    ticket: String,
    /// Seconds that it is good.
    #[schema(example = 30)]
    expires_in: u64,
}

/// Get a ticket for a WebSocket
///
/// For browsers, which cannot set headers on a WebSocket. The connection lasts as long as the access token used here.
#[utoipa::path(post, path = "/api/v1/auth/ws-ticket", tag = "Sign-in", responses((status = 200, body = Success<WsTicket>)))]
pub(crate) async fn ws_ticket(
    State(state): State<Arc<ApiState>>,
    Caller(caller): Caller,
) -> Result<Ok200<WsTicket>> {
    let ticket = state.app.tickets.issue(&caller).await?;
    Ok(Ok200(WsTicket { ticket, expires_in: GOOD_FOR.as_secs() }))
}
