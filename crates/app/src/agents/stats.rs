//! What agents have done today, by the definitions of `docs/metrics-definitions.md`. Any number of agents costs the same number
//! of questions.

use super::Agents;
use crate::{Error, Result};
use async_recursion::async_recursion as boxed;
use model::agents::{Agent, Day, Times};
use model::{TenantId, Timestamp, UserId};
use store::agents::{self as rows, Listed};
use store::{Conn, agent_days, settings};

/// An agent's numbers of the tenant's day.
#[derive(Debug, Clone, PartialEq)]
pub struct Stats {
    /// The agent.
    pub user: UserId,
    /// Calls and offers that have ended.
    pub day: Day,
    /// How long the agent was in each state, the present one among them.
    pub times: Times,
}

/// The numbers of some agents, as they are at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct AllStats {
    /// By user id.
    pub agents: Vec<Stats>,
    /// The log position that they are true for.
    pub seq: i64,
    /// The moment up to which time is counted.
    pub at: Timestamp,
}

impl Agents {
    /// What an agent has done since the tenant's midnight.
    #[boxed]
    pub async fn stats(&self, tenant: &TenantId, user: &UserId) -> Result<AllStats> {
        let mut snapshot = self.broadcaster.store.begin_snapshot().await?;
        let listed = rows::find(snapshot.conn(), tenant, user).await?;
        // As the history, the numbers of a user who was deleted since are kept.
        let is_known = listed.is_some() || rows::has_history(snapshot.conn(), tenant, user).await?;
        let all = self.compute(snapshot.conn(), tenant, vec![(user.clone(), listed)]).await?;
        let has_numbers = all.agents.iter().any(|stats| stats.day != Day::default());
        if is_known || has_numbers { Ok(all) } else { Err(Error::NotFound("agent")) }
    }

    /// The same of all active agents, by user id after `after`.
    #[boxed]
    pub async fn stats_page(&self, tenant: &TenantId, after: &str, limit: i64) -> Result<AllStats> {
        let mut snapshot = self.broadcaster.store.begin_snapshot().await?;
        let listed = rows::page(snapshot.conn(), tenant, None, after, limit).await?;
        let named = listed.into_iter().map(|listed| (listed.agent.user.clone(), Some(listed))).collect();
        self.compute(snapshot.conn(), tenant, named).await
    }

    async fn compute(
        &self,
        mut conn: Conn<'_>,
        tenant: &TenantId,
        agents: Vec<(UserId, Option<Listed>)>,
    ) -> Result<AllStats> {
        let head = store::journal::head(conn.again(), tenant).await?;
        let at = self.broadcaster.clock.now();
        let settings = settings::find(conn.again(), tenant).await?;
        let midnight = settings.midnight_before(at);
        let users: Vec<UserId> = agents.iter().map(|(user, _)| user.clone()).collect();
        let mut times = rows::times_since(conn.again(), tenant, &users, midnight).await?;
        let mut days = agent_days::of_users(conn, tenant, &users, settings.day_of(at)).await?;
        let stats = |(user, listed): (UserId, Option<Listed>)| {
            let mut times = times.remove(&user).unwrap_or_default();
            if let Some(listed) = listed {
                add_present(&mut times, &listed.agent, midnight, at);
            }
            Stats { day: days.remove(&user).unwrap_or_default(), times, user }
        };
        let agents = agents.into_iter().map(stats).collect();
        Ok(AllStats { agents, seq: head.map_or(0, |head| head.seq), at })
    }
}

/// Adds the state that goes on, as far as it is of today.
fn add_present(times: &mut Times, agent: &Agent, midnight: Timestamp, at: Timestamp) {
    if let Some(since) = agent.since {
        let lasted = at.since(since.max(midnight)).as_millis();
        times.add(agent.state, u64::try_from(lasted).unwrap_or_default());
    }
}
