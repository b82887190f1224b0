//! What an agent has done today, by the definitions of `docs/metrics-definitions.md`.

use super::Agents;
use crate::{Error, Result};
use async_recursion::async_recursion as boxed;
use model::agents::{Agent, Day, Times};
use model::{TenantId, Timestamp, UserId};
use store::{agent_days, agents as rows, settings};

/// An agent's numbers of the tenant's day.
#[derive(Debug, Clone, PartialEq)]
pub struct Stats {
    /// Calls and offers that have ended.
    pub day: Day,
    /// How long the agent was in each state, the present one among them.
    pub times: Times,
    /// The log position that they are true for.
    pub seq: i64,
    /// The moment up to which time is counted.
    pub at: Timestamp,
}

impl Agents {
    /// What an agent has done since the tenant's midnight.
    #[boxed]
    pub async fn stats(&self, tenant: &TenantId, user: &UserId) -> Result<Stats> {
        let mut snapshot = self.broadcaster.store.begin_snapshot().await?;
        let listed = rows::find(snapshot.conn(), tenant, user).await?;
        // As the history, the numbers of a user who was deleted since are kept.
        if listed.is_none() && !rows::has_history(snapshot.conn(), tenant, user).await? {
            return Err(Error::NotFound("agent"));
        }
        let head = store::journal::head(snapshot.conn(), tenant).await?;
        let at = self.broadcaster.clock.now();
        let settings = settings::find(snapshot.conn(), tenant).await?;
        let midnight = settings.midnight_before(at);
        let mut times = rows::times_since(snapshot.conn(), tenant, user, midnight).await?;
        if let Some(listed) = listed {
            add_present(&mut times, &listed.agent, midnight, at);
        }
        let day = agent_days::find(snapshot.conn(), tenant, user, settings.day_of(at)).await?;
        Ok(Stats { day, times, seq: head.map_or(0, |head| head.seq), at })
    }
}

/// Adds the state that goes on, as far as it is of today.
fn add_present(times: &mut Times, agent: &Agent, midnight: Timestamp, at: Timestamp) {
    if let Some(since) = agent.since {
        let lasted = at.since(since.max(midnight)).as_millis();
        times.add(agent.state, u64::try_from(lasted).unwrap_or_default());
    }
}
