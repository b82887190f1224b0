//! `GET /api/v1/ws/users/{id}/online` and `GET /api/v1/ws/users/online`

use crate::envelope::{Ok200, OkList, PageMeta, Success, SuccessList};
use crate::error::Result;
use crate::extract::{Caller, Query};
use crate::paging::{Page, next_cursor};
use crate::state::ApiState;
use crate::users::user_id;
use axum::extract::{Path, State};
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;

/// Whether a user has a real-time connection.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Online {
    online: bool,
    /// Over all servers.
    connections: usize,
    /// Null if not known.
    #[schema(required = true)]
    last_seen_at: Option<String>,
}

/// Is a user online?
#[utoipa::path(get, path = "/api/v1/ws/users/{id}/online", tag = "Real time",
    params(("id" = String, Path, description = "The user")), responses((status = 200, body = Success<Online>)))]
pub(crate) async fn online(
    State(state): State<Arc<ApiState>>,
    Caller(caller): Caller,
    Path(id): Path<String>,
) -> Result<Ok200<Online>> {
    let user = state.app.users.get(&caller.tenant, &user_id(&id)?).await?;
    let (online, connections, last_seen_at) =
        state.app.connections.is_online(&caller.tenant, &user.id).await?;
    Ok(Ok200(Online { online, connections, last_seen_at: last_seen_at.map(|at| at.to_string()) }))
}

/// A user with a real-time connection.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OnlineUser {
    user_id: String,
}

/// List online users
#[utoipa::path(get, path = "/api/v1/ws/users/online", tag = "Real time", params(Page),
    responses((status = 200, body = SuccessList<OnlineUser, PageMeta>)))]
pub(crate) async fn online_users(
    State(state): State<Arc<ApiState>>,
    Caller(caller): Caller,
    Query(page): Query<Page>,
) -> Result<OkList<OnlineUser, PageMeta>> {
    let (limit, after) = (page.limit()?, page.after()?);
    let mut users = state.app.connections.online_users(&caller.tenant).await?;
    users.sort_unstable();
    users.retain(|user| after.as_deref().is_none_or(|after| user.as_str() > after));
    let next_cursor = next_cursor(&mut users, limit, |user| user.as_str().to_owned());
    let show = |user: model::UserId| OnlineUser { user_id: user.into() };
    Ok(OkList(users.into_iter().map(show).collect(), PageMeta { next_cursor }))
}
