//! Reads the log for those who are behind, a few at a time, for as long as it takes. Knows nothing of who asks.

mod places;

use crate::backoff::Backoff;
use crate::sync::lock;
use model::{Clock, Event, TenantId, Timestamp};
use places::{Place, Places};
use std::sync::Mutex;
use std::time::Duration;
use store::{Store, journal};

/// Rows of one read at most: with payloads of 64 KiB, 4 MiB for each of the three.
pub(crate) const PAGE_ROWS: i64 = 64;
/// Waiting after the first failed read, and at most.
const FIRST_WAIT: Duration = Duration::from_millis(50);
const LONGEST_WAIT: Duration = Duration::from_secs(2);

/// The log of every tenant.
pub(crate) struct Log {
    store: Store,
    places: Places,
    clock: Clock,
    failing_since: Mutex<Option<Timestamp>>,
}

/// Some of a tenant's events, in order.
#[derive(Debug)]
pub(crate) struct Page {
    pub events: Vec<Event>,
    /// Given back when they have been used.
    _place: Place,
}

/// What the log of a tenant holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Extent {
    /// The oldest event's number; one more than the head if there is none.
    pub oldest: i64,
    /// The last event's number.
    pub head: i64,
}

impl Log {
    pub(crate) fn new(store: Store, clock: Clock) -> Self {
        Self { store, places: Places::new(), clock, failing_since: Mutex::default() }
    }

    /// At most `limit` events after number `after`, in order.
    pub(crate) async fn page(&self, tenant: &TenantId, after: i64, limit: i64) -> Page {
        let read = || async {
            let mut reader = self.store.read().await?;
            journal::page(reader.conn(), tenant, after, limit.min(PAGE_ROWS)).await
        };
        let (events, place) = self.until_it_works(tenant, read).await;
        Page { events, _place: place }
    }

    /// What the log holds now. It may lose its oldest events while the answer is under way.
    pub(crate) async fn extent(&self, tenant: &TenantId) -> Extent {
        let read = || async {
            let mut reader = self.store.read().await?;
            let oldest = journal::oldest_seq(reader.conn(), tenant).await?;
            let head = journal::head(reader.conn(), tenant).await?.map_or(0, |head| head.seq);
            Ok(Extent { oldest: oldest.unwrap_or(head + 1), head })
        };
        self.until_it_works(tenant, read).await.0
    }

    /// The number of the last event, and the last events, at most `count`.
    pub(crate) async fn end(&self, tenant: &TenantId, count: i64) -> (i64, Vec<Event>) {
        let head = self.extent(tenant).await.head;
        let (mut events, mut after) = (Vec::new(), (head - count).max(0));
        while after < head {
            let page = self.page(tenant, after, PAGE_ROWS).await.events;
            let Some(last) = page.last() else { break };
            after = last.seq;
            events.extend(page);
        }
        (head, events)
    }

    /// The last numbers of several tenants; one try.
    pub(crate) async fn heads(&self, tenants: &[TenantId]) -> store::Result<Vec<(TenantId, i64)>> {
        let heads = async {
            let mut reader = self.store.read().await?;
            journal::heads(reader.conn(), tenants).await
        };
        heads.await.inspect(|_| self.note_success()).inspect_err(|error| self.note_failure(error))
    }

    /// Since when every read has failed; `None` while the log can be read.
    pub(crate) fn failing_since(&self) -> Option<Timestamp> {
        *lock(&self.failing_since)
    }

    fn note_success(&self) {
        if lock(&self.failing_since).take().is_some() {
            tracing::info!("The event log can be read again");
        }
    }

    fn note_failure(&self, error: &store::Error) {
        let mut since = lock(&self.failing_since);
        if since.is_none() {
            *since = Some(self.clock.now());
            tracing::warn!(%error, "The event log cannot be read; connections wait");
        }
    }

    /// Tries until the database answers. Whoever needs an event can do nothing else: skipping it is no choice. Between tries
    /// the place is others', who may want what can be read.
    async fn until_it_works<T, F>(&self, tenant: &TenantId, read: impl Fn() -> F) -> (T, Place)
    where
        F: Future<Output = store::Result<T>>,
    {
        let (mut backoff, mut is_first) = (Backoff::new(FIRST_WAIT, LONGEST_WAIT), true);
        loop {
            let place = self.places.take(tenant).await;
            // Boxed: thousands may wait for a place, and none of them holds what a read needs.
            match Box::pin(read()).await {
                Ok(found) => {
                    self.note_success();
                    return (found, place);
                }
                // One row says nothing of the others, which are to be had.
                Err(error @ store::Error::Corrupt { .. }) if is_first => {
                    tracing::error!(%error, "An event cannot be read; who needs it waits");
                }
                Err(store::Error::Corrupt { .. }) => {}
                Err(error) => self.note_failure(&error),
            }
            is_first = false;
            drop(place);
            tokio::time::sleep(backoff.wait()).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;
    use std::sync::atomic::{AtomicU32, Ordering};
    use store::{Database, Error, migrate};

    #[tokio::test]
    async fn a_read_is_repeated_until_the_database_answers() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::connect(&Database::Sqlite(folder.path().join("test.db"))).await.unwrap();
        let log = Log::new(store, Clock::default());
        let tries = AtomicU32::new(0);
        let read = || async {
            let tries = tries.fetch_add(1, Ordering::Relaxed);
            assert_eq!(log.failing_since().is_some(), tries > 0);
            match tries {
                2 => Ok("found"),
                _ => Err(Error::Unavailable("away".into())),
            }
        };
        let tenant = TenantId::parse("t").unwrap();
        assert_eq!(log.until_it_works(&tenant, read).await.0, "found");
        assert_eq!(log.failing_since(), None);
    }

    #[tokio::test]
    async fn a_page_keeps_its_place_until_it_was_used() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::connect(&Database::Sqlite(folder.path().join("test.db"))).await.unwrap();
        migrate(&store).await.unwrap();
        let (log, tenant) = (Log::new(store, Clock::default()), TenantId::parse("t").unwrap());
        let pages = [log.page(&tenant, 0, 1).await, log.page(&tenant, 0, 1).await];
        assert!(log.page(&tenant, 0, 1).now_or_never().is_none());
        drop(pages);
        log.page(&tenant, 0, 1).await;
    }
}
