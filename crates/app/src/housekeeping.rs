//! Follows the database's clock.

use crate::{App, Result};
use async_recursion::async_recursion as boxed;
use std::time::Duration;
use store::{Store, platform};

const CLOCK_EVERY: Duration = Duration::from_secs(5);

/// Takes over the database's time, if it has one of its own.
#[boxed]
pub async fn follow_database_clock(store: &Store, clock: &model::Clock) -> Result<()> {
    let mut reader = store.read().await?;
    if let Some(now) = platform::database_time(reader.conn()).await? {
        clock.follow(now);
    }
    Ok(())
}

impl App {
    /// Does so until it is dropped.
    #[boxed]
    pub async fn keep_time(&self) {
        let mut tick = tokio::time::interval(CLOCK_EVERY);
        loop {
            tick.tick().await;
            if let Err(error) = follow_database_clock(&self.store, &self.clock).await {
                tracing::debug!(%error, "The database's time is asked again later");
            }
        }
    }
}
