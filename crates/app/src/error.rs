//! What can go wrong with a request, as the caller is to understand it.

use crate::fields::FieldProblem;
use std::time::Duration;

/// The result of a request.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A request that was not carried out. Nothing is stored then.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Fields with values that are not allowed.
    #[error("{}", crate::fields::sentence(.0))]
    Invalid(Vec<FieldProblem>),
    /// A query or path parameter that cannot be read.
    #[error("{field} {message}")]
    BadParameter {
        /// The parameter.
        field: &'static str,
        /// What is wrong with it, as the rest of a sentence that begins with its name.
        message: String,
    },
    /// No credentials, or none that are good.
    #[error("{message}")]
    Unauthorized {
        /// A stable word.
        code: &'static str,
        /// What to do.
        message: &'static str,
    },
    /// Good credentials that do not allow this.
    #[error("{0}")]
    Forbidden(&'static str),
    /// Absent, or another tenant's.
    #[error("there is no such {0}")]
    NotFound(&'static str),
    /// Not as things are now.
    #[error("{message}")]
    Conflict {
        /// A stable word.
        code: &'static str,
        /// What is in the way.
        message: String,
        /// The field and its present value.
        details: Vec<FieldProblem>,
    },
    /// Too often.
    #[error("too many {what}: try again in {} s", .retry_after.as_secs().max(1))]
    TooMany {
        /// What there are too many of.
        what: &'static str,
        /// When to come back.
        retry_after: Duration,
    },
    /// Too much work is waiting already.
    #[error("the server is busy: try again in a moment")]
    Busy,
    /// The database is away or failed.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// A defect.
    #[error("{0}")]
    Internal(String),
}

impl Error {
    /// One field with a value that is not allowed.
    #[must_use]
    pub fn field(field: &str, message: impl Into<String>) -> Self {
        Self::Invalid(vec![FieldProblem::new(field, message)])
    }

    /// Whether repeating the whole transaction at once may help.
    #[must_use]
    pub fn is_contention(&self) -> bool {
        matches!(self, Self::Store(error) if error.is_contention())
    }
}

/// Runs a transaction again, three times at most, when another one stood in its way.
pub(crate) async fn retrying<T, F>(mut attempt: impl FnMut() -> F) -> Result<T>
where
    F: Future<Output = Result<T>>,
{
    for _ in 0..3 {
        match attempt().await {
            Err(error) if error.is_contention() => {}
            outcome => return outcome,
        }
    }
    attempt().await
}
