//! The event log's epoch: an opaque word that is another one after a restored backup, so that clients start over where numbers
//! now mean other events. Knows nothing of connections.
//!
//! That a backup was restored is found out by marks, kept where the backup does not bring them back: how many events the log
//! had had in each of its epochs. A log that has had fewer in its epoch is another one.

mod marks;

pub use marks::MarkPlace;

use crate::Result;
use async_recursion::async_recursion as boxed;
use marks::Marks;
use realtime::Hub;
use std::sync::Arc;
use std::time::Duration;
use store::{Store, journal, platform};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

/// Its name in the database.
const NAME: &str = "epoch";
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// Looks in a row, and how soon they follow each other, that must find the log behind what was known at the first of them
/// before it is believed: one node of a database cluster may lag.
const LOOKS_BELIEVED: u32 = 5;
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// How long the last look may take, which only saves the next start some events.
const LAST_LOOK: Duration = Duration::from_millis(500);

/// Gives the log a new epoch, after a backup was restored: clients then reload instead of resuming.
#[boxed]
pub async fn renew(store: &Store) -> Result<String> {
    let epoch = fresh();
    let mut tx = store.begin().await?;
    platform::put(tx.conn(), NAME, &epoch).await?;
    tx.commit().await?;
    Ok(epoch)
}

fn fresh() -> String {
    format!("{:016x}", rand::random::<u64>())
}

/// The log as it is.
#[derive(Debug)]
struct Log {
    epoch: String,
    /// How many events it has had, of all tenants.
    events: i64,
}

/// The log has had fewer events than were known.
#[derive(Debug, Clone)]
struct Behind {
    /// In this epoch.
    epoch: String,
    /// When it was first found so.
    known: i64,
    /// Looks in a row.
    looks: u32,
}

/// Looks after the epoch while a server runs.
pub struct EpochKeeper {
    store: Store,
    marks: Marks,
    /// The epoch in which the hub has seen the log go back; until a look has dealt with it.
    suspected: Option<Arc<str>>,
    behind: Option<Behind>,
}

impl EpochKeeper {
    /// Keeps the epoch of this log, with the marks in that place.
    #[must_use]
    pub fn new(store: Store, place: MarkPlace) -> Self {
        Self { store, marks: Marks::new(place), suspected: None, behind: None }
    }

    /// The epoch to begin in: made if there is none, a new one if a backup was restored, which takes some seconds.
    pub async fn begin(&mut self) -> Result<String> {
        loop {
            let epoch = self.look().await?;
            if self.behind.is_none() {
                return Ok(epoch);
            }
            sleep(LOOK_AGAIN).await;
        }
    }

    /// Keeps the marks and has the hub go on in whatever epoch the log has, until `stop`.
    pub async fn run(mut self, hub: Hub, stop: CancellationToken) {
        stop.run_until_cancelled(self.keep(&hub)).await;
        // What came since the last look is known to the next start, unless it takes too long.
        let _ = timeout(LAST_LOOK, self.look()).await;
    }

    async fn keep(&mut self, hub: &Hub) {
        let mut steps_back = hub.watch_for_steps_back();
        loop {
            match self.look().await {
                // When the database is away the next look finds out.
                Ok(epoch) => drop(hub.go_on_in(&epoch).await),
                Err(error) => tracing::debug!(%error, "The log's epoch is looked at later"),
            }
            self.wait(&mut steps_back).await;
        }
    }

    /// Waits until it is time to look, or until the hub sees the log go back.
    async fn wait(&mut self, steps_back: &mut watch::Receiver<Option<Arc<str>>>) {
        let pause = if self.behind.is_none() { LOOK_EVERY } else { LOOK_AGAIN };
        if let Ok(Ok(())) = timeout(pause, steps_back.changed()).await {
            self.suspected.clone_from(&steps_back.borrow_and_update());
        }
    }

    /// The epoch, after the log was compared with what was known of it.
    #[boxed]
    async fn look(&mut self) -> Result<String> {
        // Read before the log, which never falls behind what was once read of it.
        self.marks.read().await;
        let log = self.read_log().await?;
        // Another epoch already is another server's answer to the same.
        let before = self.behind.take().filter(|behind| behind.epoch == log.epoch);
        let (known, looks) =
            before.map_or_else(|| (self.marks.of(&log.epoch), 0), |behind| (behind.known, behind.looks));
        self.behind =
            (log.events < known).then(|| Behind { epoch: log.epoch.clone(), known, looks: looks + 1 });
        let is_over = self.suspected.as_deref() == Some(&log.epoch);
        let is_believed =
            is_over || self.behind.as_ref().is_some_and(|behind| behind.looks >= LOOKS_BELIEVED);
        let epoch = match self.behind {
            _ if is_believed => self.begin_anew(&log, known).await?,
            Some(_) => log.epoch,
            None => {
                self.marks.raise(&log.epoch, log.events).await;
                log.epoch
            }
        };
        self.suspected = None;
        Ok(epoch)
    }

    /// Another epoch than that of `log`; whichever server is first makes it.
    async fn begin_anew(&mut self, log: &Log, known: i64) -> Result<String> {
        let epoch = fresh();
        let mut tx = self.store.begin().await?;
        let is_first = platform::replace(tx.conn(), NAME, &log.epoch, &epoch).await?;
        tx.commit().await?;
        self.behind = None;
        if is_first {
            tracing::warn!(
                known, events = log.events, before = %log.epoch, %epoch,
                "The event log has gone back, as after a restored backup: it has a new epoch, and clients start over"
            );
        }
        Ok(self.read_log().await?.epoch)
    }

    /// The log as it is at one moment.
    async fn read_log(&self) -> Result<Log> {
        let mut snapshot = self.store.begin_snapshot().await?;
        let epoch = platform::get(snapshot.conn(), NAME).await?;
        let events = journal::total(snapshot.conn()).await?;
        drop(snapshot);
        let epoch = match epoch {
            Some(epoch) => epoch,
            None => self.first_epoch().await?,
        };
        Ok(Log { epoch, events })
    }

    async fn first_epoch(&self) -> Result<String> {
        let mut tx = self.store.begin().await?;
        let epoch = platform::get_or_put(tx.conn(), NAME, &fresh()).await?;
        tx.commit().await?;
        Ok(epoch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::site::Site;

    async fn keeper(site: &Site) -> (EpochKeeper, String) {
        let mut keeper = EpochKeeper::new(site.store.clone(), MarkPlace::Memory);
        let epoch = keeper.begin().await.unwrap();
        (keeper, epoch)
    }

    #[tokio::test]
    async fn a_log_that_stays_behind_gets_one_new_epoch_however_many_servers_count() {
        let site = Site::open().await;
        let (mut one, old) = keeper(&site).await;
        let (mut other, _) = keeper(&site).await;
        for keeper in [&mut one, &mut other] {
            keeper.marks.raise(&old, 6).await;
        }
        for _ in 1..LOOKS_BELIEVED {
            assert_eq!((one.look().await.unwrap(), other.look().await.unwrap()), (old.clone(), old.clone()));
        }
        let new = one.look().await.unwrap();
        assert_ne!(new, old);
        for _ in 0..2 * LOOKS_BELIEVED {
            assert_eq!((other.look().await.unwrap(), one.look().await.unwrap()), (new.clone(), new.clone()));
        }
    }

    #[tokio::test]
    async fn what_was_suspected_of_an_epoch_does_not_end_the_next_one() {
        let site = Site::open().await;
        let (mut keeper, old) = keeper(&site).await;
        let new = renew(&site.store).await.unwrap();
        keeper.suspected = Some(old.as_str().into());
        assert_eq!(keeper.look().await.unwrap(), new);
        keeper.suspected = Some(new.as_str().into());
        assert_ne!(keeper.look().await.unwrap(), new);
    }
}
