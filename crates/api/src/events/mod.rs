//! The event log.

mod list;
pub(crate) mod object;
mod publish;
mod stream;
mod types;

pub use list::LoggedEvent;
pub(crate) use list::event_number;

use crate::state::ApiState;
use std::sync::Arc;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) fn routes() -> OpenApiRouter<Arc<ApiState>> {
    OpenApiRouter::new()
        .routes(routes!(publish::publish, list::list))
        .routes(routes!(stream::stream))
        .routes(routes!(types::types))
}
