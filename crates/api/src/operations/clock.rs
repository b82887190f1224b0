//! `POST /test/clock`: lets tests move the product's clock. Only there with TEST_CLOCK, which production refuses.

use crate::envelope::{Nothing, Ok200};
use crate::error::Result;
use crate::extract::Body;
use crate::state::ApiState;
use axum::extract::State;
use serde::Deserialize;
use std::sync::Arc;
use std::time::Duration;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Advance {
    advance_ms: u64,
}

pub(crate) async fn advance(
    State(state): State<Arc<ApiState>>,
    Body(body): Body<Advance>,
) -> Result<Ok200<Nothing>> {
    state.app.clock.advance(Duration::from_millis(body.advance_ms));
    Ok(Ok200(Nothing {}))
}
