//! The HTTP and WebSocket edge: one folder a resource, one file an action. Reads requests, asks `app`, writes answers.
//! Knows nothing of SQL.

mod agent_state;
mod api_keys;
mod auth;
mod bodies;
mod calls;
mod client_address;
mod cors;
mod envelope;
mod error;
mod events;
mod extract;
mod guard;
mod metrics;
mod openapi;
mod operations;
mod paging;
mod permissions;
mod places;
mod queues;
mod request_id;
mod settings;
mod state;
mod unread;
mod users;
mod wallboard;
mod webhooks;
mod ws;

pub use client_address::TrustedProxies;
pub use cors::{InvalidOrigin, Origins};
pub use events::LoggedEvent;
pub use state::{ApiState, EdgeConfig, RedisHealth};
pub use ws::Takeover;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use futures_util::FutureExt as _;
use metrics::Counted;
use request_id::Stamp;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, LazyLock};
use unread::Unread;
use utoipa_axum::router::OpenApiRouter;

/// The routes of the contract, documented where they are defined.
fn documented_routes() -> OpenApiRouter<Arc<ApiState>> {
    OpenApiRouter::new()
        .merge(auth::routes())
        .merge(users::routes())
        .merge(api_keys::routes())
        .merge(agent_state::routes())
        .merge(calls::routes())
        .merge(wallboard::routes())
        .merge(settings::routes())
        .merge(events::routes())
        .merge(queues::routes())
        .merge(ws::routes())
        .merge(webhooks::routes())
        .merge(operations::routes())
}

/// The OpenAPI document as JSON: made when first asked for, as making it takes longer than the rest of a start.
fn openapi_document() -> &'static str {
    static DOCUMENT: LazyLock<String> = LazyLock::new(|| openapi::finish(documented_routes().into_openapi()));
    &DOCUMENT
}

/// What every request gets, whatever becomes of it, a panic included: a place among those in progress and in the metrics, an id, a
/// failure's body, and an end to a body that nobody has read. One layer for all of them, as each costs a request several allocations.
async fn attend(State(state): State<Arc<ApiState>>, request: Request, next: Next) -> Response {
    let (counted, stamp) = (Counted::begin(&request), Stamp::of(&request));
    let (mut request, unread) = Unread::watch(request);
    let response = match state.places.take() {
        // A server that is full is well, and does not want to be restarted.
        Err(no_place) if !operations::is_about_health(request.uri().path()) => no_place.into_response(),
        place => {
            request.extensions_mut().insert(place.ok());
            let answer = AssertUnwindSafe(next.run(request)).catch_unwind().await;
            answer.unwrap_or_else(error::panicked)
        }
    };
    counted.end(&state.metrics, response.status());
    let mut response = stamp.put_on(response);
    unread.end(&mut response).await;
    response
}

/// The whole HTTP service.
pub fn router(state: Arc<ApiState>) -> Router {
    let (router, _) = documented_routes().split_for_parts();
    router
        .merge(operations::plain_routes(&state))
        .fallback(error::unknown_path)
        .method_not_allowed_fallback(error::wrong_method)
        .layer(from_fn_with_state(state.clone(), guard::check))
        .layer(cors::layer(&state.config.origins))
        .layer(from_fn_with_state(state.clone(), attend))
        .with_state(state)
}
