//! Ends calls that nobody has reported on for long: their telephone system has lost them, or has lost us.

use super::Calls;
use crate::Result;
use crate::error::retrying;
use async_recursion::async_recursion as boxed;
use model::calls::{Actor, Command};
use std::time::Duration;

/// How often to look. What it looks for is hours old.
const LOOK_EVERY: Duration = Duration::from_secs(60);
/// Calls that one look ends before the next one: each is one transaction of some milliseconds.
const TOGETHER: i64 = 100;

impl Calls {
    /// Gives up what is stale until it is dropped. Servers that do so at the same time find each other's calls ended.
    #[boxed]
    pub async fn give_up_stale(&self) {
        loop {
            let looked_at = self.broadcaster.clock.now();
            loop {
                match self.give_up_some().await {
                    // As many as were asked for: there may be more. None that went means that all failed, and again would.
                    Ok((found, ended)) if found == TOGETHER && ended > 0 => {}
                    Ok(_) => break,
                    Err(error) => {
                        tracing::warn!(%error, "Stale calls are ended later");
                        break;
                    }
                }
            }
            self.broadcaster.clock.sleep_until(looked_at.plus(LOOK_EVERY)).await;
        }
    }

    /// Ends some; gives how many there were, and how many of them ended.
    async fn give_up_some(&self) -> Result<(i64, usize)> {
        let before = self.broadcaster.clock.now().minus(self.stale_after);
        let mut reader = self.broadcaster.store.read().await?;
        let stale = store::calls::stale(reader.conn(), before, TOGETHER).await?;
        drop(reader);
        let command = Command::Stale(self.stale_after);
        let mut ended = 0;
        for (tenant, call) in &stale {
            match retrying(|| self.act(tenant, &Actor::System, call, &command)).await {
                Ok(_) => ended += 1,
                Err(error) => tracing::warn!(%error, %tenant, %call, "A stale call could not be ended"),
            }
        }
        Ok((i64::try_from(stale.len()).unwrap_or(i64::MAX), ended))
    }
}
