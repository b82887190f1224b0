//! Decides where a new connection begins. Knows nothing of sockets and frames.

use super::Wish;
use crate::hub::Tenant;
use crate::log::Log;

/// Where a connection begins.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Start {
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
pub(super) async fn begin(tenant: &Tenant, log: &Log, wish: &Wish, epoch: &str) -> Start {
    tenant.open(log).await;
    let head = tenant.feed.head().unwrap_or(0);
    let same_epoch = wish.epoch.as_deref().is_none_or(|wished| wished == epoch);
    match wish.since {
        None => Start { seq: head, next: head + 1, from_oldest: false, reset: None },
        Some(0) => Start { seq: head, next: 1, from_oldest: true, reset: None },
        // Served from memory, so that ten thousand who reconnect at once ask the database nothing.
        Some(since) if same_epoch && tenant.feed.holds_after(since) => {
            Start { seq: head.max(since), next: since + 1, from_oldest: false, reset: None }
        }
        Some(since) => ask_the_log(tenant, log, since, same_epoch).await,
    }
}

async fn ask_the_log(tenant: &Tenant, log: &Log, since: i64, same_epoch: bool) -> Start {
    let extent = log.extent(&tenant.id).await;
    let seq = extent.head.max(tenant.feed.head().unwrap_or(0));
    if same_epoch && since <= extent.head && since + 1 >= extent.oldest {
        Start { seq, next: since + 1, from_oldest: false, reset: None }
    } else {
        Start { seq, next: seq + 1, from_oldest: false, reset: Some(extent.oldest) }
    }
}
