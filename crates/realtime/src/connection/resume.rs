//! Decides where a new connection begins. Knows nothing of sockets and frames.

use super::Wish;
use crate::hub::Tenant;
use crate::log::Log;
use std::sync::Arc;

/// Where a connection begins.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Start {
    /// In which epoch that was judged, and is told.
    pub epoch: Arc<str>,
    /// The end of the log as the client is told.
    pub seq: i64,
    /// The first event that it gets.
    pub next: i64,
    /// It gets all that the log still holds.
    pub from_oldest: bool,
    /// What it wished for is not to be had: the log's oldest event.
    pub reset: Option<i64>,
}

/// Finds the place. The feed listens already, so that nothing can fall between what is read here and what comes live.
pub(super) async fn begin(tenant: &Tenant, log: &Log, wish: &Wish, epoch: Arc<str>) -> Start {
    tenant.open(log).await;
    let head = tenant.feed.head().unwrap_or(0);
    let same_epoch = wish.epoch.as_deref().is_none_or(|wished| *wished == *epoch);
    let start = |seq, next| Start { epoch, seq, next, from_oldest: false, reset: None };
    match wish.since {
        None => start(head, head + 1),
        Some(0) => Start { from_oldest: true, ..start(head, 1) },
        // Served from memory, so that ten thousand who reconnect at once ask the database nothing.
        Some(since) if same_epoch && tenant.feed.holds_after(since) => start(head.max(since), since + 1),
        Some(since) => {
            let extent = log.extent(&tenant.id).await;
            let seq = extent.head.max(tenant.feed.head().unwrap_or(0));
            if same_epoch && since <= extent.head && since + 1 >= extent.oldest {
                start(seq, since + 1)
            } else {
                Start { reset: Some(extent.oldest), ..start(seq, seq + 1) }
            }
        }
    }
}
