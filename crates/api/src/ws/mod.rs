//! Real-time connections.

mod connections;
mod handshake;
mod online;
mod stats;
mod upgrade;

pub use handshake::Takeover;
pub(crate) use upgrade::{admission, check_again, refused};

use crate::state::ApiState;
use std::sync::Arc;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) fn routes() -> OpenApiRouter<Arc<ApiState>> {
    OpenApiRouter::new()
        .routes(routes!(upgrade::upgrade))
        .routes(routes!(stats::stats))
        .routes(routes!(connections::list::list))
        .routes(routes!(connections::close::close))
        .routes(routes!(online::online_users))
        .routes(routes!(online::online))
}
