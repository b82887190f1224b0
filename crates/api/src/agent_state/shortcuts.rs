//! `POST /api/v1/agent-state/me/available`, `…/away` and `…/break`

use super::ChosenState;
use crate::envelope::{Ok200, Success};
use crate::error::Result;
use crate::extract::{Caller, OptionalBody};
use crate::state::ApiState;
use app::Identity;
use app::agents::Wish;
use axum::extract::State;
use model::agents::Presence;
use serde::Deserialize;
use std::sync::Arc;
use utoipa::ToSchema;

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Why {
    /// A word of the tenant's, such as lunch.
    #[schema(min_length = 1, max_length = 100)]
    reason: Option<String>,
}

async fn choose(
    state: &ApiState,
    caller: &Identity,
    presence: Presence,
    why: Why,
) -> Result<Ok200<ChosenState>> {
    let outcome = state.app.agents.choose_own(caller, Wish::of(presence, why.reason)).await?;
    Ok(Ok200(ChosenState::of(&caller.tenant, &outcome)))
}

/// Be available
#[utoipa::path(post, path = "/api/v1/agent-state/me/available", tag = "Agents", request_body = Option<Why>,
    responses((status = 200, body = Success<ChosenState>)))]
pub(crate) async fn be_available(
    State(state): State<Arc<ApiState>>,
    Caller(caller): Caller,
    OptionalBody(why): OptionalBody<Why>,
) -> Result<Ok200<ChosenState>> {
    choose(&state, &caller, Presence::Available, why).await
}

/// Be away
#[utoipa::path(post, path = "/api/v1/agent-state/me/away", tag = "Agents", request_body = Option<Why>,
    responses((status = 200, body = Success<ChosenState>)))]
pub(crate) async fn go_away(
    State(state): State<Arc<ApiState>>,
    Caller(caller): Caller,
    OptionalBody(why): OptionalBody<Why>,
) -> Result<Ok200<ChosenState>> {
    choose(&state, &caller, Presence::Away, why).await
}

/// Take a break
#[utoipa::path(post, path = "/api/v1/agent-state/me/break", tag = "Agents", request_body = Option<Why>,
    responses((status = 200, body = Success<ChosenState>)))]
pub(crate) async fn take_break(
    State(state): State<Arc<ApiState>>,
    Caller(caller): Caller,
    OptionalBody(why): OptionalBody<Why>,
) -> Result<Ok200<ChosenState>> {
    choose(&state, &caller, Presence::Break, why).await
}
