//! Webhook endpoints and their logs. For admins.

mod create;
mod delete;
mod failed;
mod get;
mod list;
mod log;
mod logs;
mod replace;
mod replay;
mod retry;
mod rotate_secret;
mod shapes;
mod stats;
mod test;
mod update;

use crate::error::{ApiError, Result};
use crate::state::ApiState;
use model::{LogId, WebhookId};
use std::sync::Arc;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) fn routes() -> OpenApiRouter<Arc<ApiState>> {
    OpenApiRouter::new()
        .routes(routes!(list::list, create::create))
        .routes(routes!(failed::failed))
        .routes(routes!(get::get, replace::replace, update::update, delete::delete))
        .routes(routes!(test::test))
        .routes(routes!(rotate_secret::rotate_secret))
        .routes(routes!(replay::replay))
        .routes(routes!(logs::logs))
        .routes(routes!(log::log))
        .routes(routes!(retry::retry))
        .routes(routes!(stats::stats))
}

/// An id that no webhook can have is one that no webhook has.
fn webhook_id(text: &str) -> Result<WebhookId> {
    text.parse().map(WebhookId).map_err(|_| ApiError::not_found("webhook"))
}

/// The same for entries of the log.
fn log_id(text: &str) -> Result<LogId> {
    text.parse().map(LogId).map_err(|_| ApiError::not_found("log entry"))
}
