//! `GET /api/v1/users`

use super::UserBody;
use crate::envelope::{OkList, PageMeta, SuccessList};
use crate::error::Result;
use crate::extract::{Caller, Query};
use crate::paging::{Page, meta};
use crate::state::ApiState;
use axum::extract::State;
use std::sync::Arc;

/// List users
#[utoipa::path(get, path = "/api/v1/users", tag = "Users", params(Page),
    responses((status = 200, body = SuccessList<UserBody, PageMeta>)))]
pub(crate) async fn list(
    State(state): State<Arc<ApiState>>,
    Caller(caller): Caller,
    Query(page): Query<Page>,
) -> Result<OkList<UserBody, PageMeta>> {
    let limit = page.limit()?;
    let after = page.after()?.unwrap_or_default();
    let mut users = state.app.users.page(&caller.tenant, &after, limit + 1).await?;
    let meta = meta(&mut users, limit, |user| user.id.to_string());
    Ok(OkList(users.into_iter().map(Into::into).collect(), meta))
}
