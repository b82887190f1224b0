//! `POST /api/v1/calls`

use super::shapes::CallBody;
use super::show;
use crate::envelope::{Created, Ok200, Success};
use crate::error::Result;
use crate::events::object;
use crate::extract::{AnyCaller, Body};
use crate::state::ApiState;
use app::calls::draft::{NewCallDraft, PartyDraft};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use std::sync::Arc;
use utoipa::ToSchema;

/// A call that begins.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewCall {
    /// The reporter's own id, so that a report can be repeated: 1 to 64 of A-Z, a-z, 0-9, _ and -. Made if not said.
    #[schema(example = "call-42")]
    id: Option<String>,
    /// What the telephone system calls it.
    #[schema(min_length = 1, max_length = 200)]
    external_id: Option<String>,
    /// What the program that placed it calls it.
    #[schema(min_length = 1, max_length = 200)]
    client_ref: Option<String>,
    /// inbound, outbound or internal.
    #[schema(example = "inbound")]
    direction: String,
    #[serde(deserialize_with = "object::required")]
    from: NewCaller,
    #[serde(deserialize_with = "object::required")]
    to: NewCallee,
    /// The queue where it waits at once; for an agent's own call to outside, the one that it is made for.
    #[schema(example = "queue-sales")]
    queue_id: Option<String>,
    /// Inbound: the agent whom it rings; one who is not on duty is not rung, and the call has no legs yet. Else: the agent who
    /// places it, who is on the call from then on.
    user_id: Option<String>,
}

/// Who calls.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewCaller {
    #[schema(min_length = 1, max_length = 64, example = "+4930901820")]
    number: String,
    #[schema(min_length = 1, max_length = 200)]
    name: Option<String>,
}

/// Who is called.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewCallee {
    #[schema(min_length = 1, max_length = 64, example = "+4930555000")]
    number: String,
}

impl From<NewCall> for NewCallDraft {
    fn from(new: NewCall) -> Self {
        Self {
            id: new.id,
            external_id: new.external_id,
            client_ref: new.client_ref,
            direction: new.direction,
            from: PartyDraft { number: new.from.number, name: new.from.name },
            to: PartyDraft { number: new.to.number, name: None },
            queue_id: new.queue_id,
            user_id: new.user_id,
        }
    }
}

/// Report that a call begins
///
/// The same id with the same body again gives the call as it is (200); with another body it is a 409.
#[utoipa::path(post, path = "/api/v1/calls", tag = "Calls", request_body = NewCall,
    responses((status = 201, body = Success<CallBody>), (status = 200, body = Success<CallBody>,
        description = "It was reported before")))]
pub(crate) async fn create(
    State(state): State<Arc<ApiState>>,
    AnyCaller(caller): AnyCaller,
    Body(new): Body<NewCall>,
) -> Result<Response> {
    let (call, is_news) = state.app.calls.start(&caller, new.into()).await?;
    let body = show(&state, &caller, call);
    Ok(if is_news { Created(body).into_response() } else { Ok200(body).into_response() })
}
