//! The event log.

mod object;
mod publish;

use crate::state::ApiState;
use axum::extract::DefaultBodyLimit;
use std::sync::Arc;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) fn routes() -> OpenApiRouter<Arc<ApiState>> {
    OpenApiRouter::new().routes(routes!(publish::publish)).layer(DefaultBodyLimit::max(publish::MAX_BODY))
}
