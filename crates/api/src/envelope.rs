//! The shapes that every answer comes in.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

/// A successful answer.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Success<T: ToSchema> {
    /// Always true.
    #[schema(example = true)]
    pub success: bool,
    /// What was asked for.
    pub data: T,
}

/// A successful answer with a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SuccessList<T: ToSchema, M: ToSchema> {
    /// Always true.
    #[schema(example = true)]
    pub success: bool,
    /// The page.
    pub data: Vec<T>,
    /// Where it goes on.
    pub meta: M,
}

/// Where a list goes on.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PageMeta {
    /// Pass it as `?cursor=` to get the next page; null on the last one.
    #[schema(required = true)]
    pub next_cursor: Option<String>,
}

/// Where a list of live state goes on, and which log position it is true for.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LiveMeta {
    /// Pass it as `?cursor=` to get the next page; null on the last one.
    #[schema(required = true)]
    pub next_cursor: Option<String>,
    /// Open `/ws?since=` with it and nothing is missed or applied twice.
    pub seq: i64,
}

/// A failed answer.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Failed {
    /// Always false.
    #[schema(example = false)]
    pub success: bool,
    /// What went wrong.
    pub error: Failure,
    /// Quote it when asking for help.
    pub request_id: String,
}

/// What went wrong.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Failure {
    /// A stable word.
    #[schema(example = "validation_failed")]
    pub code: String,
    /// Tells a person what to do.
    pub message: String,
    /// The fields in question.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub details: Vec<FailureDetail>,
}

/// One field and what is wrong with it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct FailureDetail {
    /// The field, with its path.
    pub field: String,
    /// What is allowed, or the present value.
    pub message: String,
}

/// 200 with data.
pub(crate) struct Ok200<T>(pub T);

impl<T: Serialize + ToSchema> IntoResponse for Ok200<T> {
    fn into_response(self) -> Response {
        Json(Success { success: true, data: self.0 }).into_response()
    }
}

/// 201 with data.
pub(crate) struct Created<T>(pub T);

impl<T: Serialize + ToSchema> IntoResponse for Created<T> {
    fn into_response(self) -> Response {
        (StatusCode::CREATED, Json(Success { success: true, data: self.0 })).into_response()
    }
}

/// 202 with data.
pub(crate) struct Accepted202<T>(pub T);

impl<T: Serialize + ToSchema> IntoResponse for Accepted202<T> {
    fn into_response(self) -> Response {
        (StatusCode::ACCEPTED, Json(Success { success: true, data: self.0 })).into_response()
    }
}

/// 200 with a list.
pub(crate) struct OkList<T, M>(pub Vec<T>, pub M);

impl<T: Serialize + ToSchema, M: Serialize + ToSchema> IntoResponse for OkList<T, M> {
    fn into_response(self) -> Response {
        Json(SuccessList { success: true, data: self.0, meta: self.1 }).into_response()
    }
}

/// Data of calls that have nothing to say but that they were carried out.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Nothing {}
