//! Commands to agents, of any tenants, written in one transaction: all agents are read and locked together, what becomes of
//! them is decided in memory, and all changes are stored together. A command that is refused leaves nothing behind, so it
//! does not disturb the others.

use super::Outcome;
use super::asking::{By, not_on_break};
use super::changes::{self, Changed};
use crate::batches::{Weight, Writer};
use crate::broadcaster::Broadcaster;
use crate::{Error, Result};
use model::agents::{Agent, Choice, Command, Presence};
use model::{TenantId, TenantSettings, Timestamp, UserId};
use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use store::agents::{self as rows, Key, Locked};
use store::settings;

#[cfg(test)]
mod tests;

/// A command to an agent, and who gives it.
pub(super) struct Asked {
    pub tenant: TenantId,
    pub user: UserId,
    pub by: By,
    pub what: What,
}

/// What an agent is to do.
pub(super) enum What {
    /// This.
    Do(Command),
    /// That, if the agent is on a break or wishes for one.
    EndBreak(Choice),
}

impl What {
    fn command(&self, agent: &Agent) -> Result<Command> {
        match self {
            Self::Do(command) => Ok(command.clone()),
            Self::EndBreak(choice) if agent.chosen.presence == Presence::Break => {
                Ok(Command::Choose(choice.clone()))
            }
            Self::EndBreak(_) => Err(not_on_break(agent)),
        }
    }
}

/// Writes commands.
pub(super) struct Commands {
    pub broadcaster: Arc<Broadcaster>,
}

/// Which commands are written by one transaction at a time.
pub(super) type Lane = u64;

/// Lanes where there are several writers: a tenant whose rows somebody holds for long keeps a quarter of the others waiting,
/// and transactions still have more than one command in them.
const LANES: u64 = 4;

impl Commands {
    /// Where a tenant's commands go.
    pub fn lane(&self, tenant: &TenantId) -> Lane {
        if !self.broadcaster.store.is_mysql() {
            // One writer is all that SQLite has.
            return 0;
        }
        let mut hasher = DefaultHasher::new();
        tenant.hash(&mut hasher);
        hasher.finish() % LANES
    }
}

impl Writer for Commands {
    type Key = Lane;
    type Call = Asked;
    type Answer = Outcome;

    /// Twice as many as a second brings in a large call center; half a kilobyte each.
    const WAITING: Weight = Weight { items: 4096, bytes: usize::MAX, deliveries: usize::MAX };
    /// Commands are counted, not weighed: 8 MiB in four lanes.
    const IN_ALL: usize = 0;

    fn together(&self) -> Weight {
        Weight { items: 128, bytes: usize::MAX, deliveries: usize::MAX }
    }

    async fn write(&self, _: &Lane, asked: &[Asked]) -> Result<Vec<Result<Outcome>>> {
        let mut work = self.broadcaster.begin().await?;
        let tenants = asked.iter().map(|one| one.tenant.clone()).collect();
        let settings = settings::of_tenants(work.conn(), &tenants).await?;
        let keys = asked.iter().map(|one| (one.tenant.clone(), one.user.clone())).collect();
        let agents = rows::lock_all(work.conn(), &keys).await?;
        let now = self.broadcaster.clock.now();
        let mut together = Together { agents, settings, now, changes: Vec::new() };
        let outcomes = asked.iter().map(|one| together.decide(one)).collect();
        if !together.changes.is_empty() {
            changes::store(&mut work, &together.changes).await?;
            work.commit().await?;
        }
        Ok(outcomes)
    }
}

/// The agents of one transaction.
struct Together {
    agents: BTreeMap<Key, Locked>,
    settings: HashMap<TenantId, store::Result<TenantSettings>>,
    now: Timestamp,
    changes: Vec<Changed>,
}

impl Together {
    /// What becomes of an agent, who must be there: whoever was put out while the call was on its way is off duty, and stays
    /// it.
    fn decide(&mut self, asked: &Asked) -> Result<Outcome> {
        let Asked { tenant, user, by, what } = asked;
        let locked = self.agents.get_mut(&(tenant.clone(), user.clone())).ok_or_else(|| by.unknown())?;
        if !locked.is_active {
            return Err(by.inactive());
        }
        let settings = match self.settings.get(tenant) {
            Some(Ok(settings)) => settings,
            Some(Err(error)) => return Err(Error::Internal(error.to_string())),
            None => &TenantSettings::default(),
        };
        let command = what.command(&locked.agent)?;
        let changed = changes::decide(tenant, locked, &command, settings, self.now)?;
        let has_changed = changed.is_some();
        self.changes.extend(changed.map(|changed| Changed { session: by.session.clone(), ..changed }));
        Ok((locked.agent.clone(), has_changed))
    }
}
