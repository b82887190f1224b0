//! `GET /api/v1/ws/connections`

use crate::envelope::{OkList, PageMeta, SuccessList};
use crate::error::Result;
use crate::extract::{Caller, Query};
use crate::paging::{self, Page};
use crate::state::ApiState;
use axum::extract::State;
use realtime::ListedConnection;
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;

/// A real-time connection.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ShownConnection {
    connection_id: String,
    /// Null for a program with an API key.
    #[schema(required = true)]
    user_id: Option<String>,
    /// The server's id, another one after each of its starts.
    server: String,
    connected_at: String,
    remote_addr: String,
    /// Null if the client did not say.
    #[schema(required = true)]
    user_agent: Option<String>,
}

impl From<ListedConnection> for ShownConnection {
    fn from(ListedConnection { server, connection }: ListedConnection) -> Self {
        Self {
            connection_id: connection.id.into(),
            user_id: connection.user.map(Into::into),
            server: server.into(),
            connected_at: connection.connected_at.to_string(),
            remote_addr: connection.remote_addr,
            user_agent: connection.user_agent,
        }
    }
}

/// List connections
///
/// The tenant's, to all servers, event streams included. What other servers have shows a moment later.
#[utoipa::path(get, path = "/api/v1/ws/connections", tag = "Real time", params(Page),
    responses((status = 200, body = SuccessList<ShownConnection, PageMeta>)))]
pub(crate) async fn list(
    State(state): State<Arc<ApiState>>,
    Caller(caller): Caller,
    Query(page): Query<Page>,
) -> Result<OkList<ShownConnection, PageMeta>> {
    let (limit, after) = (page.limit()?, page.after()?.unwrap_or_default());
    let mut rows = state.app.connections.page(&caller.tenant, &after, limit + 1).await?;
    let meta = paging::meta(&mut rows, limit, |row| row.connection.id.to_string());
    Ok(OkList(rows.into_iter().map(Into::into).collect(), meta))
}
