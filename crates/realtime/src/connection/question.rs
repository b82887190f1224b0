//! What a reader asks the log when the tail does not have it. Knows nothing of who carries the answer back.

use super::cursor::Cursor;
use crate::hub::{Hub, Tenant};
use crate::log::{Extent, Page};
use std::sync::Arc;

/// A question to the log.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Question {
    /// The events behind a number.
    Page {
        after: i64,
        rows: i64,
        /// Where the feed ended when the question came up.
        head: Option<i64>,
    },
    /// What the log holds.
    Extent,
}

/// What the log said.
#[derive(Debug)]
pub(crate) enum Answer {
    /// Events, and where the feed ended when they were asked for.
    Page { page: Page, head: Option<i64> },
    /// What the log holds.
    Extent(Extent),
}

impl Question {
    /// What comes at the cursor's place.
    pub(super) fn page(tenant: &Tenant, cursor: &Cursor) -> Self {
        Self::Page { after: cursor.passed(), rows: cursor.rows(), head: tenant.feed.head() }
    }

    /// Asks until the log answers.
    pub(crate) async fn ask(self, hub: Hub, tenant: Arc<Tenant>) -> Answer {
        let log = &hub.0.log;
        match self {
            Self::Page { after, rows, head } => {
                Answer::Page { page: log.page(&tenant.id, after, rows).await, head }
            }
            Self::Extent => Answer::Extent(log.extent(&tenant.id).await),
        }
    }
}
