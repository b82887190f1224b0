//! `GET /api/v1/wallboard`

use crate::agent_state::ListedAgent;
use crate::calls::shapes::CallBody;
use crate::error::Result;
use crate::extract::AnyCaller;
use crate::queues::{QueueBody, StatsBody};
use crate::state::ApiState;
use app::wallboard::Picture;
use axum::Json;
use axum::extract::State;
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) fn routes() -> OpenApiRouter<Arc<ApiState>> {
    OpenApiRouter::new().routes(routes!(wallboard))
}

/// A queue with its numbers.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WallboardQueue {
    #[serde(flatten)]
    queue: QueueBody,
    stats: StatsBody,
}

/// One consistent picture.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Wallboard)]
pub(crate) struct WallboardBody {
    /// Every active user with its state.
    agents: Vec<ListedAgent>,
    queues: Vec<WallboardQueue>,
    /// Those that go on.
    calls: Vec<CallBody>,
    /// Always empty: there is no chat yet.
    chats: Vec<String>,
}

/// Which log position a picture is true for, and whether it is whole.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WallboardMeta {
    /// Open `/ws?since=` with it and nothing is missed or applied twice.
    seq: i64,
    /// Whether there are more agents or calls than are shown: 10,000 of each, agents by id, calls the newest. The lists have all.
    truncated: bool,
}

/// A picture, and which log position it is true for.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WallboardAnswer {
    /// Always true.
    #[schema(example = true)]
    success: bool,
    data: WallboardBody,
    meta: WallboardMeta,
}

/// Show agents, queues and calls as they are at one moment
///
/// Each as in its list, queues with their numbers besides. Of more than 10,000 agents or calls the rest is left out, which
/// `meta.truncated` tells; the lists have all. A key needs
/// `agents:read`, `queues:read` and `calls:read`.
#[utoipa::path(get, path = "/api/v1/wallboard", tag = "Calls", responses((status = 200, body = WallboardAnswer)))]
pub(crate) async fn wallboard(
    State(state): State<Arc<ApiState>>,
    AnyCaller(caller): AnyCaller,
) -> Result<Json<WallboardAnswer>> {
    let Picture { agents, queues, calls, seq, at, truncated } = state.app.wallboard.picture(&caller).await?;
    let with_numbers = |(stored, stats)| WallboardQueue {
        queue: QueueBody::from(stored),
        stats: StatsBody::new(caller.tenant(), stats, seq, at),
    };
    let data = WallboardBody {
        agents: agents.into_iter().map(|agent| ListedAgent::seen_by(&caller, agent)).collect(),
        queues: queues.into_iter().map(with_numbers).collect(),
        calls: calls.iter().map(|call| CallBody::new(call, at)).collect(),
        chats: Vec::new(),
    };
    Ok(Json(WallboardAnswer { success: true, data, meta: WallboardMeta { seq, truncated } }))
}
