//! `POST /api/v1/agent-state/{me|user_id}/wrap-up/end` and `…/extend`

use super::ChosenState;
use crate::envelope::{Failed, Ok200, Success};
use crate::error::Result;
use crate::extract::{AnyCaller, Body, Caller};
use crate::state::ApiState;
use crate::users::user_id;
use axum::extract::{Path, State};
use serde::Deserialize;
use std::sync::Arc;
use utoipa::ToSchema;

/// End one's wrap-up
///
/// What was chosen comes into force. 409 outside a wrap-up.
#[utoipa::path(post, path = "/api/v1/agent-state/me/wrap-up/end", tag = "Agents",
    responses((status = 200, body = Success<ChosenState>),
        (status = 409, description = "Not in wrap-up", body = Failed)))]
pub(crate) async fn end_wrap_up(
    State(state): State<Arc<ApiState>>,
    Caller(caller): Caller,
) -> Result<Ok200<ChosenState>> {
    let (tenant, user) = (caller.tenant.clone(), caller.user.clone());
    let outcome = state.app.agents.end_wrap_up(&app::Caller::User(caller), &user).await?;
    Ok(Ok200(ChosenState::of(&tenant, &outcome)))
}

/// End an agent's wrap-up
///
/// What the agent chose comes into force. 409 outside a wrap-up.
#[utoipa::path(post, path = "/api/v1/agent-state/{user_id}/wrap-up/end", tag = "Agents",
    params(("user_id" = String, Path, description = "The agent")),
    responses((status = 200, body = Success<ChosenState>),
        (status = 409, description = "Not in wrap-up", body = Failed)))]
pub(crate) async fn end_wrap_up_of(
    State(state): State<Arc<ApiState>>,
    AnyCaller(caller): AnyCaller,
    Path(id): Path<String>,
) -> Result<Ok200<ChosenState>> {
    let outcome = state.app.agents.end_wrap_up(&caller, &user_id(&id)?).await?;
    Ok(Ok200(ChosenState::of(caller.tenant(), &outcome)))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WrapUpExtension {
    /// Added to `until`.
    #[schema(minimum = 1, maximum = 7200, example = 60)]
    seconds: i64,
}

/// Extend one's wrap-up
///
/// By so many seconds, up to the setting `wrap_up_max_seconds` in all (422). 409 outside a wrap-up.
#[utoipa::path(post, path = "/api/v1/agent-state/me/wrap-up/extend", tag = "Agents", request_body = WrapUpExtension,
    responses((status = 200, body = Success<ChosenState>)))]
pub(crate) async fn extend_wrap_up(
    State(state): State<Arc<ApiState>>,
    Caller(caller): Caller,
    Body(extension): Body<WrapUpExtension>,
) -> Result<Ok200<ChosenState>> {
    let (tenant, user) = (caller.tenant.clone(), caller.user.clone());
    let outcome =
        state.app.agents.extend_wrap_up(&app::Caller::User(caller), &user, extension.seconds).await?;
    Ok(Ok200(ChosenState::of(&tenant, &outcome)))
}

/// Extend an agent's wrap-up
///
/// By so many seconds, up to the setting `wrap_up_max_seconds` in all (422). 409 outside a wrap-up.
#[utoipa::path(post, path = "/api/v1/agent-state/{user_id}/wrap-up/extend", tag = "Agents", request_body = WrapUpExtension,
    params(("user_id" = String, Path, description = "The agent")),
    responses((status = 200, body = Success<ChosenState>)))]
pub(crate) async fn extend_wrap_up_of(
    State(state): State<Arc<ApiState>>,
    AnyCaller(caller): AnyCaller,
    Path(id): Path<String>,
    Body(extension): Body<WrapUpExtension>,
) -> Result<Ok200<ChosenState>> {
    let outcome = state.app.agents.extend_wrap_up(&caller, &user_id(&id)?, extension.seconds).await?;
    Ok(Ok200(ChosenState::of(caller.tenant(), &outcome)))
}
