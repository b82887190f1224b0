//! The event log's epoch: an opaque word that is another one after a restored backup, so that clients start over where numbers
//! now mean other events. Knows nothing of connections.
//!
//! That a backup was restored is found out by a mark, kept where the backup does not bring it back: in which epoch the log was, and
//! how many events it had had. A log of that epoch with fewer is another one.

use crate::Result;
use async_recursion::async_recursion as boxed;
use realtime::{Bus, Hub};
use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use store::{Store, journal, platform};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Its name in the database.
const NAME: &str = "epoch";
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// Looks in a row that must agree before a log that says less than before is believed: one node of a cluster may lag.
const LOOKS_BELIEVED: u32 = 5;
/// How soon it is looked again after a look that found less.
const LOOK_AGAIN: Duration = Duration::from_millis(200);

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

/// How far a log had come.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Mark {
    epoch: String,
    /// Of all tenants, the removed ones among them.
    events: i64,
}

impl Mark {
    fn parse(text: &str) -> Option<Self> {
        let (epoch, events) = text.trim().split_once(' ')?;
        Some(Self { epoch: epoch.to_owned(), events: events.parse().ok()? })
    }

    fn text(&self) -> String {
        format!("{} {}", self.epoch, self.events)
    }
}

/// Where the mark is.
pub enum MarkPlace {
    /// In a file.
    File(PathBuf),
    /// In Redis.
    Redis(Bus),
    /// Nowhere but in the memory of servers that run.
    Memory,
}

impl MarkPlace {
    /// Beside this SQLite file.
    #[must_use]
    pub fn beside(database: &Path) -> Self {
        let mut path = OsString::from(database);
        path.push(".mark");
        Self::File(path.into())
    }

    async fn read(&self) -> Option<Mark> {
        let text = match self {
            Self::File(path) => match tokio::fs::read_to_string(path).await {
                Ok(text) => Some(text),
                Err(error) if error.kind() == ErrorKind::NotFound => None,
                Err(error) => {
                    tracing::debug!(%error, path = %path.display(), "The log's mark cannot be read");
                    None
                }
            },
            Self::Redis(bus) => bus.log_mark().await,
            Self::Memory => None,
        };
        text.as_deref().and_then(Mark::parse)
    }

    async fn leave(&self, mark: &Mark) {
        match self {
            Self::File(path) => {
                if let Err(error) = write_whole(path, &mark.text()).await {
                    tracing::debug!(%error, path = %path.display(), "The log's mark cannot be written");
                }
            }
            Self::Redis(bus) => bus.leave_log_mark(&mark.text()).await,
            Self::Memory => {}
        }
    }
}

/// Under another name first: a crash leaves the old mark or the new one.
async fn write_whole(path: &Path, text: &str) -> std::io::Result<()> {
    let mut unfinished = OsString::from(path);
    unfinished.push(".new");
    tokio::fs::write(&unfinished, text).await?;
    tokio::fs::rename(&unfinished, path).await
}

/// Looks after the epoch while a server runs.
pub struct EpochKeeper {
    store: Store,
    place: MarkPlace,
    /// As far as this server has seen the log come.
    seen: Option<Mark>,
    /// Looks in a row that found less than was known.
    looks_behind: u32,
}

impl EpochKeeper {
    /// Keeps the epoch of this log, with the mark in that place.
    #[must_use]
    pub fn new(store: Store, place: MarkPlace) -> Self {
        Self { store, place, seen: None, looks_behind: 0 }
    }

    /// The epoch to begin in: made if there is none, a new one if a backup was restored. Takes a second then.
    pub async fn begin(&mut self) -> Result<String> {
        loop {
            let epoch = self.look(None).await?;
            if self.looks_behind == 0 {
                return Ok(epoch);
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    /// Keeps the mark and has the hub go on in whatever epoch the log has, until `stop`.
    pub async fn run(mut self, hub: Hub, stop: CancellationToken) {
        let mut steps_back = hub.watch_for_steps_back();
        while let Some(suspected) = stop.run_until_cancelled(self.wait(&mut steps_back)).await {
            match self.look(suspected.as_deref()).await {
                Ok(epoch) => hub.go_on_in(&epoch).await,
                Err(error) => tracing::debug!(%error, "The log's epoch is looked at later"),
            }
        }
        // What came since the last look is known to the next start.
        if let Err(error) = self.look(None).await {
            tracing::debug!(%error, "The log's mark stays behind");
        }
    }

    /// Waits until it is time to look; gives the epoch in which the hub has seen the log go back, if it just has.
    async fn wait(&self, steps_back: &mut watch::Receiver<Option<Arc<str>>>) -> Option<Arc<str>> {
        let pause = if self.looks_behind == 0 { LOOK_EVERY } else { LOOK_AGAIN };
        match tokio::time::timeout(pause, steps_back.changed()).await {
            Ok(Ok(())) => steps_back.borrow_and_update().clone(),
            _ => None,
        }
    }

    /// The epoch, after the log was compared with what was known of it. One that is `suspected` is over.
    #[boxed]
    async fn look(&mut self, suspected: Option<&str>) -> Result<String> {
        // Read before the log, which never falls behind what was once read of it.
        let kept = self.place.read().await;
        let log = self.read_log().await?;
        let known = self.seen.iter().chain(&kept).filter(|mark| mark.epoch == log.epoch);
        let known = known.map(|mark| mark.events).max().unwrap_or(0);
        // Another epoch already is another server's answer to the same.
        let is_over = suspected.is_some_and(|suspected| suspected == log.epoch);
        if log.events >= known && !is_over {
            self.looks_behind = 0;
            return self.note(log, kept.as_ref()).await;
        }
        self.looks_behind += 1;
        if self.looks_behind < LOOKS_BELIEVED && !is_over {
            return Ok(log.epoch);
        }
        self.looks_behind = 0;
        self.begin_anew(&log, known).await
    }

    /// Another epoch than that of `log`; whichever server is first makes it.
    async fn begin_anew(&mut self, log: &Mark, known: i64) -> Result<String> {
        let epoch = fresh();
        let mut tx = self.store.begin().await?;
        let is_first = platform::replace(tx.conn(), NAME, &log.epoch, &epoch).await?;
        tx.commit().await?;
        if is_first {
            tracing::warn!(
                events = log.events, known, before = %log.epoch, %epoch,
                "The event log has lost events, as after a restored backup: it has a new epoch, and clients start over"
            );
        }
        let log = self.read_log().await?;
        self.note(log, None).await
    }

    async fn note(&mut self, log: Mark, kept: Option<&Mark>) -> Result<String> {
        if kept != Some(&log) {
            self.place.leave(&log).await;
        }
        let epoch = log.epoch.clone();
        self.seen = Some(log);
        Ok(epoch)
    }

    async fn read_log(&self) -> Result<Mark> {
        let mut reader = self.store.read().await?;
        let epoch = platform::get(reader.conn(), NAME).await?;
        let events = journal::total(reader.conn()).await?;
        drop(reader);
        if let Some(epoch) = epoch {
            return Ok(Mark { epoch, events });
        }
        let mut tx = self.store.begin().await?;
        let epoch = platform::get_or_put(tx.conn(), NAME, &fresh()).await?;
        tx.commit().await?;
        Ok(Mark { epoch, events })
    }
}
