//! The last events of a tenant, ready to send, in a bounded stretch without a gap. Knows nothing of the log behind it.

use super::entry::{Entry, cost};
use crate::HubConfig;
use model::{Event, Timestamp};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The bounds of all tails, and what they hold together.
#[derive(Debug)]
pub(crate) struct Budget {
    events: usize,
    bytes: usize,
    bytes_total: usize,
    used: AtomicUsize,
}

impl Budget {
    pub(crate) fn new(config: &HubConfig) -> Arc<Self> {
        Arc::new(Self {
            events: config.tail_events,
            bytes: config.tail_bytes,
            bytes_total: config.tail_bytes_total,
            used: AtomicUsize::new(0),
        })
    }

    /// What one of `tenants` may keep when the whole is nearly used up; `None` while there is room.
    pub(crate) fn fair_share(&self, tenants: usize) -> Option<usize> {
        let scarce = self.used.load(Ordering::Relaxed) > self.bytes_total / 4 * 3;
        scarce.then(|| self.bytes_total / 2 / tenants.max(1))
    }

    #[cfg(test)]
    pub(crate) fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }
}

/// One tenant's last events.
#[derive(Debug)]
pub(crate) struct Tail {
    entries: VecDeque<Arc<Entry>>,
    bytes: usize,
    budget: Arc<Budget>,
}

impl Tail {
    pub(crate) fn new(budget: Arc<Budget>) -> Self {
        Self { entries: VecDeque::new(), bytes: 0, budget }
    }

    /// Adds the next event and drops the oldest ones that no longer fit; the event itself, if it alone is too much.
    pub(crate) fn push(&mut self, event: Arc<Event>) {
        let bytes = cost(&event);
        self.bytes += bytes;
        self.budget.used.fetch_add(bytes, Ordering::Relaxed);
        self.entries.push_back(Arc::new(Entry::new(event)));
        while self.is_over() {
            self.drop_oldest();
        }
    }

    fn is_over(&self) -> bool {
        let Budget { events, bytes, bytes_total, used } = &*self.budget;
        !self.entries.is_empty()
            && (self.entries.len() > *events
                || self.bytes > *bytes
                || used.load(Ordering::Relaxed) > *bytes_total)
    }

    fn drop_oldest(&mut self) {
        if let Some(entry) = self.entries.pop_front() {
            let bytes = cost(entry.event());
            self.bytes -= bytes;
            self.budget.used.fetch_sub(bytes, Ordering::Relaxed);
        }
    }

    /// Drops the oldest events until `bytes` are left at most.
    pub(crate) fn trim_to(&mut self, bytes: usize) {
        while self.bytes > bytes {
            self.drop_oldest();
        }
    }

    /// Drops the events that were written before `moment`.
    pub(crate) fn trim_older(&mut self, moment: Timestamp) {
        while self.entries.front().is_some_and(|oldest| oldest.event().created_at < moment) {
            self.drop_oldest();
        }
    }

    /// The oldest event's number.
    pub(crate) fn first(&self) -> Option<i64> {
        self.entries.front().map(|entry| entry.seq())
    }

    /// At most `limit` events from number `next` on; `None` if the tail does not hold that number.
    pub(crate) fn from(&self, next: i64, limit: usize) -> Option<Vec<Arc<Entry>>> {
        let skip = usize::try_from(next - self.first()?).ok()?;
        (skip < self.entries.len()).then(|| self.entries.iter().skip(skip).take(limit).cloned().collect())
    }
}

impl Drop for Tail {
    fn drop(&mut self) {
        self.budget.used.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}
