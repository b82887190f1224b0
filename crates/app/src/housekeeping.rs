//! Small recurring duties: follows the database's clock and removes what nobody can need any more.

use crate::{App, Result, publishing};
use model::Timestamp;
use std::time::Duration;
use store::{Store, idempotency, platform, revocations, sessions};

const CLOCK_EVERY: Duration = Duration::from_secs(5);
const PRUNE_EVERY: Duration = Duration::from_secs(60);
/// Revocations are polled twice a second; an hour leaves room for any server that was away.
const REVOCATIONS_KEPT: Duration = Duration::from_secs(3600);

/// Takes over the database's time, if it has one of its own.
pub async fn follow_database_clock(store: &Store, clock: &model::Clock) -> Result<()> {
    let mut reader = store.read().await?;
    if let Some(now) = platform::database_time(reader.conn()).await? {
        clock.follow(now);
    }
    Ok(())
}

impl App {
    /// Does the duties until it is dropped.
    pub async fn keep_house(&self) {
        let mut clock_tick = tokio::time::interval(CLOCK_EVERY);
        let mut prune_tick = tokio::time::interval(PRUNE_EVERY);
        loop {
            let done = tokio::select! {
                _ = clock_tick.tick() => follow_database_clock(&self.store, &self.clock).await,
                _ = prune_tick.tick() => self.prune().await,
            };
            if let Err(error) = done {
                tracing::debug!(%error, "Housekeeping is put off");
            }
        }
    }

    async fn prune(&self) -> Result<()> {
        let now = self.clock.now();
        self.prune_before(now.minus(REVOCATIONS_KEPT), now).await
    }

    async fn prune_before(&self, revoked_before: Timestamp, now: Timestamp) -> Result<()> {
        loop {
            let mut tx = self.store.begin().await?;
            let mut pruned = sessions::prune(tx.conn(), now).await?;
            pruned += idempotency::prune(tx.conn(), now.minus(publishing::ANSWERS_KEPT)).await?;
            revocations::prune(tx.conn(), revoked_before).await?;
            tx.commit().await?;
            if pruned == 0 {
                return Ok(());
            }
        }
    }
}
