//! What happens to agents by itself: timers that have come, and connections that came or went. The database says who is to
//! be looked at (`store::agents::timers`), any server looks, and the agent's lock makes it happen once.
//!
//! An agent is without a connection when all were gone for the five seconds after which the user is offline. Who has had
//! none since duty began is never missed: a desk phone and the REST API need no WebSocket.

use super::Agents;
use super::changes::{self, Changed, decide};
use crate::broadcaster::Work;
use crate::error::retrying;
use crate::{Error, Result};
use async_recursion::async_recursion as boxed;
use model::agents::{self as machine, Agent, Command};
use model::{TenantId, TenantSettings, Timestamp, UserId};
use std::sync::Arc;
use std::time::Duration;
use store::agents::{self as rows, Locked};
use store::{settings, user_connections};
use tokio::task::JoinSet;
use tokio::time::Instant;

/// How often to look. The query reads those who are due and no others.
const LOOK: Duration = Duration::from_millis(500);
/// Agents of one look.
const TOGETHER: i64 = 100;
/// Of those at a time: less than half of the connections to the database.
const AT_A_TIME: usize = 8;
/// Steps of one agent: the end of a wrap-up, away and off duty, and one to see that nothing is left.
const STEPS: usize = 4;
/// An agent that could not be looked at is put off for so long, to keep nobody behind it waiting.
const PUT_OFF: Duration = Duration::from_secs(60);
/// Not having been able to look for so long is an outage.
const OUTAGE: Duration = Duration::from_secs(15);

/// What is known of an agent's connections.
struct Seen {
    is_here: bool,
    /// When the last one ended, of those that were missed for five seconds.
    last_seen: Option<Timestamp>,
}

/// What those mean for the agent. No timer counts from before `begun`: while nobody watched, nobody could come back, and a
/// deploy must log nobody out.
fn connections(agent: &Agent, seen: &Seen, begun: Timestamp) -> Option<Command> {
    let duty_since = agent.duty_since?;
    match (seen.is_here, agent.disconnected_since) {
        (true, Some(_)) => Some(Command::Reconnected),
        (true, None) => None,
        (false, Some(since)) => (since < begun).then_some(Command::Disconnected { since: begun }),
        (false, None) => {
            let gone = seen.last_seen.filter(|at| *at >= duty_since)?;
            Some(Command::Disconnected { since: gone.max(begun) })
        }
    }
}

impl Agents {
    /// Looks at agents who are due until it is dropped.
    #[boxed]
    pub async fn run_timers(self: Arc<Self>) {
        let clock = &self.broadcaster.clock;
        let (mut begun, mut looked_at) = (clock.now(), Instant::now());
        loop {
            let next_look = clock.now().plus(LOOK);
            if looked_at.elapsed() > OUTAGE {
                begun = clock.now();
            }
            match self.look(begun).await {
                Ok(()) => looked_at = Instant::now(),
                Err(error) => tracing::debug!(%error, "Agents are looked at later"),
            }
            clock.sleep_until(next_look).await;
        }
    }

    async fn look(self: &Arc<Self>, begun: Timestamp) -> Result<()> {
        loop {
            let mut reader = self.broadcaster.store.read().await?;
            let due = rows::due(reader.conn(), self.broadcaster.clock.now(), TOGETHER).await?;
            drop(reader);
            let is_last = due.len() < usize::try_from(TOGETHER).unwrap_or(usize::MAX);
            self.look_at_all(due, begun).await?;
            if is_last {
                return Ok(());
            }
        }
    }

    /// Looks at all of them, whatever becomes of the first: a transaction is never broken off between its commit and its
    /// doorbells.
    async fn look_at_all(self: &Arc<Self>, due: Vec<(TenantId, UserId)>, begun: Timestamp) -> Result<()> {
        let (mut looking, mut outcome) = (JoinSet::new(), Ok(()));
        for (tenant, user) in due {
            if looking.len() >= AT_A_TIME {
                outcome = outcome.and(ended(looking.join_next().await));
            }
            let agents = self.clone();
            looking.spawn(async move { agents.look_or_put_off(&tenant, &user, begun).await });
        }
        while !looking.is_empty() {
            outcome = outcome.and(ended(looking.join_next().await));
        }
        outcome
    }

    async fn look_or_put_off(&self, tenant: &TenantId, user: &UserId, begun: Timestamp) -> Result<()> {
        let why = match retrying(|| self.look_at(tenant, user, begun)).await {
            Err(why) if !matches!(&why, Error::Store(error) if error.is_unavailable()) => why,
            outcome => return outcome,
        };
        tracing::warn!(tenant_id = %tenant, user_id = %user, error = %why, "Agent could not be looked at");
        let mut work = self.broadcaster.begin().await?;
        let later = self.broadcaster.clock.now().plus(PUT_OFF);
        rows::set_timer(work.conn(), tenant, user, Some(later)).await?;
        work.commit().await
    }

    async fn look_at(&self, tenant: &TenantId, user: &UserId, begun: Timestamp) -> Result<()> {
        let mut work = self.broadcaster.begin().await?;
        let now = self.broadcaster.clock.now();
        let Some(locked) = rows::lock(work.conn(), tenant, user).await? else {
            rows::set_timer(work.conn(), tenant, user, None).await?;
            return work.commit().await;
        };
        if locked.next_timer.is_none_or(|at| at > now) {
            // Another server was faster.
            return Ok(());
        }
        // Not before the lock: policies that change then have the agent looked at again.
        let settings = settings::find(work.conn(), tenant).await?;
        let mut looking = Looking { work, tenant, settings, now, locked, changes: Vec::new() };
        let seen = looking.seen().await?;
        if let Some(command) = connections(&looking.locked.agent, &seen, begun) {
            looking.step(&command)?;
        }
        for _ in 0..STEPS {
            if !looking.step(&Command::Timer)? {
                break;
            }
        }
        looking.finish().await
    }
}

fn ended(task: Option<Result<Result<()>, tokio::task::JoinError>>) -> Result<()> {
    match task {
        Some(Ok(outcome)) => outcome,
        Some(Err(error)) => Err(Error::Internal(format!("looking at an agent: {error}"))),
        None => Ok(()),
    }
}

/// One agent, locked, while it is looked at.
struct Looking<'a> {
    work: Work<'a>,
    tenant: &'a TenantId,
    settings: TenantSettings,
    now: Timestamp,
    locked: Locked,
    changes: Vec<Changed>,
}

impl Looking<'_> {
    async fn seen(&mut self) -> Result<Seen> {
        let user = self.locked.agent.user.clone();
        let rows = user_connections::of(self.work.conn(), self.tenant, &[Some(user.clone())]).await?;
        let last_seen = user_connections::last_seen(self.work.conn(), self.tenant, &user).await?;
        Ok(Seen { is_here: !rows.is_empty(), last_seen })
    }

    /// Gives whether the command has changed anything.
    fn step(&mut self, command: &Command) -> Result<bool> {
        // What was due is looked at now: what comes next the agent alone tells.
        self.locked.next_timer = None;
        let changed = decide(self.tenant, &mut self.locked, command, &self.settings, self.now)?;
        let has_changed = changed.is_some();
        self.changes.extend(changed);
        Ok(has_changed)
    }

    async fn finish(mut self) -> Result<()> {
        if self.changes.is_empty() {
            let next = machine::next_timer(&self.locked.agent, &self.settings.agents);
            rows::set_timer(self.work.conn(), self.tenant, &self.locked.agent.user, next).await?;
        } else {
            changes::store(&mut self.work, &self.changes).await?;
        }
        self.work.commit().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on_duty(since: i64, disconnected_since: Option<i64>) -> Agent {
        let agent = Agent::never_on_duty(UserId::parse("u").unwrap());
        let disconnected_since = disconnected_since.map(Timestamp);
        Agent { duty_since: Some(Timestamp(since)), disconnected_since, ..agent }
    }

    fn gone(last_seen: Option<i64>) -> Seen {
        Seen { is_here: false, last_seen: last_seen.map(Timestamp) }
    }

    #[test]
    fn a_connection_that_ended_during_duty_is_missed_from_its_end_but_not_from_before_somebody_watched() {
        let missed = |agent: Agent, seen: Seen, begun| match connections(&agent, &seen, Timestamp(begun)) {
            Some(Command::Disconnected { since }) => Some(since.0),
            _ => None,
        };
        assert_eq!(missed(on_duty(100, None), gone(Some(200)), 50), Some(200));
        assert_eq!(missed(on_duty(100, None), gone(Some(200)), 300), Some(300));
        assert_eq!(missed(on_duty(100, None), gone(Some(99)), 50), None, "before duty began");
        assert_eq!(missed(on_duty(100, None), gone(None), 50), None, "never connected");
        assert_eq!(missed(on_duty(100, Some(200)), gone(Some(200)), 50), None, "known");
        assert_eq!(missed(on_duty(100, Some(200)), gone(Some(200)), 300), Some(300), "after an outage");
        assert_eq!(missed(Agent::never_on_duty(UserId::parse("u").unwrap()), gone(Some(200)), 50), None);
    }

    #[test]
    fn a_connection_that_is_there_brings_back_whoever_was_missed() {
        let here = Seen { is_here: true, last_seen: Some(Timestamp(200)) };
        let is_back = |agent: Agent| connections(&agent, &here, Timestamp(50)) == Some(Command::Reconnected);
        assert!(is_back(on_duty(100, Some(200))) && !is_back(on_duty(100, None)));
    }
}
