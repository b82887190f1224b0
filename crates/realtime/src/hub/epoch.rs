//! Which log the hub tells of: another one after a restored backup. Knows nothing of where that is written.

use super::Hub;
use crate::connection::Close;
use crate::sync::lock;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::watch;

/// Over which time connections are closed that were told of another log.
const SEND_AWAY_OVER: Duration = Duration::from_secs(3);

/// The epoch, and the news that it can no longer be right.
#[derive(Debug)]
pub(super) struct Epoch {
    current: Mutex<Arc<str>>,
    /// In which epoch a log was seen to go back.
    went_back: watch::Sender<Option<Arc<str>>>,
}

impl Epoch {
    pub(super) fn new(epoch: &str) -> Self {
        Self { current: Mutex::new(epoch.into()), went_back: watch::Sender::new(None) }
    }

    pub(super) fn current(&self) -> Arc<str> {
        Arc::clone(&lock(&self.current))
    }

    /// Notes that a log has gone back, by what was heard of it in that epoch; false if that is over.
    pub(super) fn suspect(&self, epoch: &Arc<str>) -> bool {
        let is_current = self.current() == *epoch;
        if is_current {
            self.went_back.send_replace(Some(Arc::clone(epoch)));
        }
        is_current
    }
}

impl Hub {
    /// The log's epoch.
    #[must_use]
    pub fn epoch(&self) -> Arc<str> {
        self.0.epoch.current()
    }

    /// Goes on in this epoch. If it is another one, whoever listens is sent away with 1012, spread over three seconds, and
    /// is told to start over: on coming back with the old epoch, or, a reader within the process, at its end. If the logs
    /// cannot be read nothing has changed.
    pub async fn go_on_in(&self, epoch: &str) -> store::Result<()> {
        let before = self.epoch();
        if *before == *epoch {
            return Ok(());
        }
        super::background::forget_all(&self.0).await?;
        tracing::warn!(%before, epoch, "The event log is another one now; its listeners reconnect and start over");
        // Before the others are listed. Who comes in between is told of the new epoch and sent away nevertheless.
        *lock(&self.0.epoch.current) = epoch.into();
        self.0.close_all(Close::RESTARTING, SEND_AWAY_OVER).await;
        Ok(())
    }

    /// Tells in which epoch a tenant's log has ended for a while before what was heard of it, whenever that happens.
    #[must_use]
    pub fn watch_for_steps_back(&self) -> watch::Receiver<Option<Arc<str>>> {
        self.0.epoch.went_back.subscribe()
    }
}
