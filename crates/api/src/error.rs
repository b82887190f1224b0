//! Which error becomes which status. The body is written where the request id is known, in `request_id`.

use crate::envelope::{Failure, FailureDetail};
use app::fields::FieldProblem;
use axum::http::{HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use std::any::Any;
use std::time::Duration;

pub(crate) type Result<T, E = ApiError> = std::result::Result<T, E>;

/// How long clients are to stay away while a dependency is down.
const DEPENDENCY_RETRY: Duration = Duration::from_secs(2);

/// A failed request, as it is answered.
#[derive(Debug)]
pub(crate) struct ApiError {
    status: StatusCode,
    failure: Failure,
    retry_after: Option<Duration>,
    /// For the log only.
    cause: Option<String>,
}

/// Rides on a response until the body is written.
#[derive(Debug, Clone)]
pub(crate) struct Pending {
    pub failure: Failure,
    pub cause: Option<String>,
}

impl ApiError {
    pub fn new(status: StatusCode, code: &str, message: impl Into<String>) -> Self {
        let failure = Failure { code: code.into(), message: message.into(), details: Vec::new() };
        Self { status, failure, retry_after: None, cause: None }
    }

    /// A query or path parameter that cannot be read.
    pub fn parameter(field: &str, message: impl Into<String>) -> Self {
        let problem = FieldProblem::new(field, message);
        let text = format!("{} {}", problem.field, problem.message);
        Self::new(StatusCode::BAD_REQUEST, "bad_parameter", text).about(vec![problem])
    }

    /// Fields with values that are not allowed.
    pub fn invalid(problems: Vec<FieldProblem>) -> Self {
        app::Error::Invalid(problems).into()
    }

    pub fn not_found(what: &'static str) -> Self {
        app::Error::NotFound(what).into()
    }

    pub fn about(mut self, problems: Vec<FieldProblem>) -> Self {
        let detail = |problem: FieldProblem| FailureDetail { field: problem.field, message: problem.message };
        self.failure.details = problems.into_iter().map(detail).collect();
        self
    }

    pub fn retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    fn caused_by(mut self, cause: String) -> Self {
        self.cause = Some(cause);
        self
    }
}

impl From<app::Error> for ApiError {
    fn from(error: app::Error) -> Self {
        use app::Error as E;
        let text = error.to_string();
        match error {
            E::Invalid(problems) => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "validation_failed", text).about(problems)
            }
            E::BadParameter { field, message } => Self::parameter(field, message),
            E::Unauthorized { code, message } => Self::new(StatusCode::UNAUTHORIZED, code, message),
            E::Forbidden(message) => Self::new(StatusCode::FORBIDDEN, "forbidden", message),
            E::NotFound(_) => Self::new(StatusCode::NOT_FOUND, "not_found", text),
            E::Conflict { code, message, details } => {
                Self::new(StatusCode::CONFLICT, code, message).about(details)
            }
            E::TooMany { retry_after, .. } => {
                Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", text).retry_after(retry_after)
            }
            E::Busy => unavailable("busy", &text),
            E::Store(error) if error.is_unavailable() => {
                let message = "the database cannot be reached at the moment: nothing was changed that you were not told of";
                unavailable("database_unavailable", message).caused_by(error.to_string())
            }
            E::Store(_) | E::Internal(_) => internal().caused_by(text),
        }
    }
}

fn unavailable(code: &str, message: &str) -> ApiError {
    ApiError::new(StatusCode::SERVICE_UNAVAILABLE, code, message).retry_after(DEPENDENCY_RETRY)
}

fn internal() -> ApiError {
    let message = "something went wrong here: the log has the details under this request id";
    ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", message)
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        if let Some(wait) = self.retry_after {
            let seconds = wait.as_secs_f64().ceil().max(1.0);
            if let Ok(value) = HeaderValue::from_str(&format!("{seconds:.0}")) {
                response.headers_mut().insert(header::RETRY_AFTER, value);
            }
        }
        if self.status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if self.status == StatusCode::UPGRADE_REQUIRED {
            response.headers_mut().insert(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
        }
        response.extensions_mut().insert(Pending { failure: self.failure, cause: self.cause });
        response
    }
}

/// Answers paths that are not there.
pub(crate) async fn unknown_path(uri: Uri) -> ApiError {
    ApiError::new(
        StatusCode::NOT_FOUND,
        "not_found",
        format!("there is no {}: see /docs for what there is", uri.path()),
    )
}

/// Answers paths that do not take the method.
pub(crate) async fn wrong_method(method: Method, uri: Uri) -> ApiError {
    let message = format!("{} does not take {method}: see /docs for what it takes", uri.path());
    ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", message)
}

/// Answers for a handler that panicked, so that the connection and the server live on.
#[expect(clippy::needless_pass_by_value, reason = "what a caught panic is")]
pub(crate) fn panicked(panic: Box<dyn Any + Send>) -> Response {
    let text =
        panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    internal().caused_by(format!("panic: {}", text.unwrap_or("(no text)"))).into_response()
}
