//! Calls: what a telephone system reports of them, and their history.

mod answer;
mod create;
mod dequeue;
mod end;
mod enqueue;
mod get;
mod hold;
mod list;
mod miss;
mod ring;
pub(crate) mod shapes;
mod transfer;
mod unhold;
mod update;

use crate::error::{ApiError, Result};
use crate::state::ApiState;
use app::Caller;
use model::CallId;
use model::calls::Call;
use shapes::CallBody;
use std::sync::Arc;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) fn routes() -> OpenApiRouter<Arc<ApiState>> {
    OpenApiRouter::new()
        .routes(routes!(list::list, create::create))
        .routes(routes!(get::get, update::update))
        .routes(routes!(enqueue::enqueue))
        .routes(routes!(dequeue::dequeue))
        .routes(routes!(ring::ring))
        .routes(routes!(miss::miss))
        .routes(routes!(answer::answer))
        .routes(routes!(hold::hold))
        .routes(routes!(unhold::unhold))
        .routes(routes!(transfer::transfer))
        .routes(routes!(end::end))
}

/// An id that no call can have is one that no call has.
fn call_id(text: &str) -> Result<CallId> {
    CallId::parse(text).map_err(|_| ApiError::not_found("call"))
}

/// The call as `caller` may see it, with times that go on counted until now.
fn show(state: &ApiState, caller: &Caller, call: Call) -> CallBody {
    CallBody::new(&app::calls::seen_by(caller, call), state.app.calls.now())
}
