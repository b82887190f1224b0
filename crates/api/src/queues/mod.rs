//! Queues, who serves them, and what is true of them now.

mod add_member;
mod create;
mod delete;
mod entries;
mod get;
mod list;
mod members;
mod pause;
mod remove_member;
mod shapes;
mod stats;
mod unpause;
mod update;

pub(crate) use shapes::QueueBody;
pub(crate) use stats::StatsBody;

use crate::error::{ApiError, Result};
use crate::state::ApiState;
use model::QueueId;
use std::sync::Arc;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) fn routes() -> OpenApiRouter<Arc<ApiState>> {
    OpenApiRouter::new()
        .routes(routes!(list::list, create::create))
        .routes(routes!(get::get, update::update, delete::delete))
        .routes(routes!(members::members))
        .routes(routes!(add_member::add_member, remove_member::remove_member))
        .routes(routes!(pause::pause))
        .routes(routes!(unpause::unpause))
        .routes(routes!(entries::entries))
        .routes(routes!(stats::stats))
}

/// An id that no queue can have is one that no queue has.
pub(crate) fn queue_id(text: &str) -> Result<QueueId> {
    QueueId::parse(text).map_err(|_| ApiError::not_found("queue"))
}
