//! `GET /api/v1/webhooks/{id}/logs`

use super::shapes::{LogEntryBody, log_page};
use super::webhook_id;
use crate::envelope::{OkList, PageMeta, SuccessList};
use crate::error::{ApiError, Result};
use crate::extract::{AnyCaller, Query, moment};
use crate::paging::Page;
use crate::state::ApiState;
use axum::extract::{Path, State};
use model::LogId;
use serde::Deserialize;
use std::sync::Arc;
use store::deliveries::Filter;
use utoipa::IntoParams;

const STATUSES: [&str; 3] = ["pending", "success", "failed"];

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct LogFilter {
    /// `pending`, `success` or `failed`.
    status: Option<String>,
    /// An event's name.
    event: Option<String>,
    /// Queued at this moment or later (RFC 3339).
    from: Option<String>,
    /// Queued before this moment (RFC 3339).
    to: Option<String>,
}

impl LogFilter {
    fn read(self, before: Option<i64>) -> Result<Filter> {
        let status = match self.status.as_deref() {
            None => None,
            Some(word) => Some(known_status(word)?),
        };
        Ok(Filter {
            status,
            event: self.event,
            from: moment("from", self.from.as_deref())?,
            to: moment("to", self.to.as_deref())?,
            before: before.map(LogId),
            webhook: None,
        })
    }
}

fn known_status(word: &str) -> Result<&'static str> {
    let known = STATUSES.into_iter().find(|status| *status == word);
    known.ok_or_else(|| ApiError::parameter("status", "must be pending, success or failed"))
}

/// List a webhook's deliveries
///
/// Newest first. One page looks at 5,000 deliveries at most: where what is asked for is rare, it may be short or empty and
/// still have a `next_cursor`, with which the list goes on. With `status=failed` it looks at failed deliveries only.
#[utoipa::path(get, path = "/api/v1/webhooks/{id}/logs", tag = "Webhooks",
    params(("id" = i64, Path, description = "The webhook"), LogFilter, Page),
    responses((status = 200, body = SuccessList<LogEntryBody, PageMeta>)))]
pub(crate) async fn logs(
    State(state): State<Arc<ApiState>>,
    AnyCaller(caller): AnyCaller,
    Path(id): Path<String>,
    Query(filter): Query<LogFilter>,
    Query(page): Query<Page>,
) -> Result<OkList<LogEntryBody, PageMeta>> {
    let limit = page.limit()?;
    let filter = filter.read(page.after_number()?)?;
    let page = state.app.webhooks.logs(caller.tenant(), webhook_id(&id)?, filter, limit).await?;
    Ok(log_page(page))
}
