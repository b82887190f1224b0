//! The agents' states: changes what an agent chose, keeps the history, and says so.

mod asking;
mod changes;
mod joint;
mod stats;
mod timers;

pub use asking::Wish;
pub(crate) use changes::{LockedAgents, end_duty, lock, tell};
pub use stats::{AllStats, Stats};

use crate::batches::{Batches, Weight};
use crate::broadcaster::Broadcaster;
use crate::gate::{Caller, Identity};
use crate::{Error, Result};
use asking::By;
use async_recursion::async_recursion as boxed;
use joint::{Asked, Commands, What};
use model::agents::{Agent, Command, Presence, State};
use model::{TenantId, UserId};
use std::sync::Arc;
use store::agents::{self as rows, HistoryEntry, HistoryFilter, Listed};

/// Manages agents' states.
pub struct Agents {
    broadcaster: Arc<Broadcaster>,
    commands: Batches<Commands>,
}

/// The agent after a command, and whether that has changed anything.
pub type Outcome = (Agent, bool);

impl Agents {
    pub(crate) fn new(broadcaster: Arc<Broadcaster>) -> Self {
        let commands = Batches::new(Commands { broadcaster: Arc::clone(&broadcaster) });
        Self { broadcaster, commands }
    }

    /// Sets the caller's own state.
    #[boxed]
    pub async fn choose_own(&self, identity: &Identity, wish: Wish) -> Result<Outcome> {
        let by = By::oneself(identity);
        let choice = by.choice(wish)?;
        self.ask(&identity.tenant, &identity.user, by, What::Do(Command::Choose(choice))).await
    }

    /// Sets an agent's state, the caller's own if that is the agent.
    #[boxed]
    pub async fn choose_of(&self, caller: &Caller, user: &UserId, wish: Wish) -> Result<Outcome> {
        let by = By::whoever(caller, user);
        let choice = by.choice(wish)?;
        self.ask(caller.tenant(), user, by, What::Do(Command::Choose(choice))).await
    }

    /// Ends the caller's break, or withdraws the wish for one: available.
    #[boxed]
    pub async fn end_break(&self, identity: &Identity) -> Result<Outcome> {
        let by = By::oneself(identity);
        let choice = by.choice(Wish::of(Presence::Available, None))?;
        self.ask(&identity.tenant, &identity.user, by, What::EndBreak(choice)).await
    }

    /// Ends an agent's wrap-up, the caller's own if that is the agent.
    #[boxed]
    pub async fn end_wrap_up(&self, caller: &Caller, user: &UserId) -> Result<Outcome> {
        let by = By::whoever(caller, user);
        let command = Command::EndWrapUp { source: by.source, by: by.id.clone() };
        self.ask(caller.tenant(), user, by, What::Do(command)).await
    }

    /// Gives an agent's wrap-up more time, the caller's own if that is the agent.
    #[boxed]
    pub async fn extend_wrap_up(&self, caller: &Caller, user: &UserId, seconds: i64) -> Result<Outcome> {
        let seconds = asking::extension(seconds)?;
        let by = By::whoever(caller, user);
        let command = Command::ExtendWrapUp { seconds, source: by.source, by: by.id.clone() };
        self.ask(caller.tenant(), user, by, What::Do(command)).await
    }

    async fn ask(&self, tenant: &TenantId, user: &UserId, by: By, what: What) -> Result<Outcome> {
        let lane = self.commands.writer().lane(tenant);
        let asked = Asked { tenant: tenant.clone(), user: user.clone(), by, what };
        self.commands.call(lane, asked, Weight { items: 1, ..Weight::default() }).await
    }

    /// One agent's state.
    #[boxed]
    pub async fn get(&self, tenant: &TenantId, user: &UserId) -> Result<Listed> {
        let mut reader = self.broadcaster.store.read().await?;
        rows::find(reader.conn(), tenant, user).await?.ok_or(Error::NotFound("agent"))
    }

    /// The tenant's agents by user id after `after`, of one state only if `state` says so, with the log position that
    /// the list is true for.
    #[boxed]
    pub async fn page(
        &self,
        tenant: &TenantId,
        state: Option<State>,
        after: &str,
        limit: i64,
    ) -> Result<(Vec<Listed>, i64)> {
        let mut snapshot = self.broadcaster.store.begin_snapshot().await?;
        let head = store::journal::head(snapshot.conn(), tenant).await?;
        let agents = rows::page(snapshot.conn(), tenant, state, after, limit).await?;
        Ok((agents, head.map_or(0, |head| head.seq)))
    }

    /// An agent's changes, newest first.
    #[boxed]
    pub async fn history(
        &self,
        tenant: &TenantId,
        user: &UserId,
        filter: HistoryFilter,
        limit: i64,
    ) -> Result<Vec<HistoryEntry>> {
        let mut reader = self.broadcaster.store.read().await?;
        // Of a user who was deleted since it is kept as long.
        let is_known = rows::find(reader.conn(), tenant, user).await?.is_some()
            || rows::has_history(reader.conn(), tenant, user).await?;
        if !is_known {
            return Err(Error::NotFound("agent"));
        }
        Ok(rows::history(reader.conn(), tenant, user, filter, limit).await?)
    }
}
