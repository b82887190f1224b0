//! `GET /api/v1/ws/stats`

use crate::envelope::{Ok200, Success};
use crate::error::Result;
use crate::extract::Caller;
use crate::state::ApiState;
use axum::extract::State;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;
use utoipa::ToSchema;

/// The caller's own tenant's connections, over all servers.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HubStats {
    #[schema(example = 1)]
    total_clients: usize,
    /// 1, or 0 when nobody is connected: nobody is told of other tenants.
    #[schema(example = 1)]
    total_tenants: usize,
    clients_by_tenant: BTreeMap<String, usize>,
}

/// Count connections
#[utoipa::path(get, path = "/api/v1/ws/stats", tag = "Real time", responses((status = 200, body = Success<HubStats>)))]
pub(crate) async fn stats(
    State(state): State<Arc<ApiState>>,
    Caller(caller): Caller,
) -> Result<Ok200<HubStats>> {
    let clients = state.app.connections.total(&caller.tenant).await?;
    let clients_by_tenant = (clients > 0).then(|| (caller.tenant.to_string(), clients)).into_iter().collect();
    Ok(Ok200(HubStats { total_clients: clients, total_tenants: usize::from(clients > 0), clients_by_tenant }))
}
