//! The agents' states: changes what an agent chose, keeps the history, and says so.

mod asking;
mod timers;

pub use asking::Wish;

use crate::broadcaster::{Broadcaster, Work};
use crate::calls::count_wrap_ups;
use crate::error::retrying;
use crate::gate::{Caller, Identity};
use crate::{Error, Result, events};
use asking::{By, not_on_break, refused};
use model::agents::{self as machine, Agent, AgentEvent, Change, Command, Policies, Presence, State};
use model::{Memberships, SessionId, TenantId, Timestamp, UserId};
use std::sync::Arc;
use store::agents::{self as rows, HistoryEntry, HistoryFilter, Listed, Locked};
use store::{queue_members, settings};

/// Manages agents' states.
pub struct Agents {
    broadcaster: Arc<Broadcaster>,
}

/// The agent after a command, and whether that has changed anything.
pub type Outcome = (Agent, bool);

impl Agents {
    pub(crate) fn new(broadcaster: Arc<Broadcaster>) -> Self {
        Self { broadcaster }
    }

    /// Sets the caller's own state.
    pub async fn choose_own(&self, identity: &Identity, wish: Wish) -> Result<Outcome> {
        let by = By::oneself(identity);
        let choice = by.choice(wish)?;
        self.act(&identity.tenant, &identity.user, &by, |_| Ok(Command::Choose(choice.clone()))).await
    }

    /// Sets an agent's state, the caller's own if that is the agent.
    pub async fn choose_of(&self, caller: &Caller, user: &UserId, wish: Wish) -> Result<Outcome> {
        let by = By::whoever(caller, user);
        let choice = by.choice(wish)?;
        self.act(caller.tenant(), user, &by, |_| Ok(Command::Choose(choice.clone()))).await
    }

    /// Ends the caller's break, or withdraws the wish for one: available.
    pub async fn end_break(&self, identity: &Identity) -> Result<Outcome> {
        let by = By::oneself(identity);
        let choice = by.choice(Wish::of(Presence::Available, None))?;
        let end = |agent: &Agent| match agent.chosen.presence {
            Presence::Break => Ok(Command::Choose(choice.clone())),
            _ => Err(not_on_break(agent)),
        };
        self.act(&identity.tenant, &identity.user, &by, end).await
    }

    /// Ends the caller's wrap-up.
    pub async fn end_wrap_up(&self, identity: &Identity) -> Result<Outcome> {
        let by = By::oneself(identity);
        let command = Command::EndWrapUp { source: by.source, by: by.id.clone() };
        self.act(&identity.tenant, &identity.user, &by, |_| Ok(command.clone())).await
    }

    /// Gives the caller's wrap-up more time.
    pub async fn extend_wrap_up(&self, identity: &Identity, seconds: i64) -> Result<Outcome> {
        let seconds = asking::extension(seconds)?;
        let by = By::oneself(identity);
        let command = Command::ExtendWrapUp { seconds, source: by.source, by: by.id.clone() };
        self.act(&identity.tenant, &identity.user, &by, |_| Ok(command.clone())).await
    }

    /// What `decide` makes of an agent, who must be there: whoever was put out while the call was on its way is off duty, and
    /// stays it.
    async fn act(
        &self,
        tenant: &TenantId,
        user: &UserId,
        by: &By,
        decide: impl Fn(&Agent) -> Result<Command>,
    ) -> Result<Outcome> {
        retrying(|| async {
            let mut work = self.broadcaster.begin(tenant).await?;
            let policies = settings::find(work.conn(), tenant).await?.agents;
            let locked = rows::lock(work.conn(), tenant, user).await?.ok_or_else(|| by.unknown())?;
            if !locked.is_active {
                return Err(by.inactive());
            }
            let now = self.broadcaster.clock.now();
            let command = decide(&locked.agent)?;
            let change = machine::apply(&locked.agent, &command, &policies, now)
                .map_err(|why| refused(&locked.agent, why))?;
            let Some(change) = change else { return Ok((locked.agent, false)) };
            let next = next_timer(&locked, &change.agent, &policies, now);
            store_change(&mut work, tenant, &locked.agent, &change, next, by.session.as_ref(), now).await?;
            work.commit().await?;
            Ok((change.agent, true))
        })
        .await
    }

    /// One agent's state.
    pub async fn get(&self, tenant: &TenantId, user: &UserId) -> Result<Listed> {
        let mut reader = self.broadcaster.store.read().await?;
        rows::find(reader.conn(), tenant, user).await?.ok_or(Error::NotFound("agent"))
    }

    /// The tenant's agents by user id after `after`, of one state only if `state` says so, with the log position that
    /// the list is true for.
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
    pub async fn history(
        &self,
        tenant: &TenantId,
        user: &UserId,
        filter: HistoryFilter,
        limit: i64,
    ) -> Result<Vec<HistoryEntry>> {
        let mut reader = self.broadcaster.store.read().await?;
        rows::find(reader.conn(), tenant, user).await?.ok_or(Error::NotFound("agent"))?;
        Ok(rows::history(reader.conn(), tenant, user, filter, limit).await?)
    }
}

/// When something happens by itself to an agent that has changed. What is due already stays so: whoever looks at it
/// (`timers`) does more than what the agent alone tells.
fn next_timer(before: &Locked, after: &Agent, policies: &Policies, now: Timestamp) -> Option<Timestamp> {
    before.next_timer.filter(|at| *at <= now).or_else(|| machine::next_timer(after, policies))
}

/// Stores a change of `before` at `now`, counts the wrap-ups that it ends, and says it.
async fn store_change(
    work: &mut Work<'_>,
    tenant: &TenantId,
    before: &Agent,
    change: &Change,
    next_timer: Option<Timestamp>,
    session: Option<&SessionId>,
    now: Timestamp,
) -> Result<()> {
    count_wrap_ups(work, tenant, before, &change.agent, now).await?;
    rows::put(work.conn(), tenant, &change.agent, next_timer).await?;
    rows::add_to_history(work.conn(), tenant, change).await?;
    let queues = match change.events.first() {
        Some(AgentEvent::LoggedIn { .. }) => {
            queue_members::of_user(work.conn(), tenant, &change.agent.user).await?
        }
        _ => Memberships::default(),
    };
    for event in &change.events {
        work.emit(events::agent(tenant, &change.agent.user, event, &queues, session));
    }
    Ok(())
}

/// What something else means for an agent, in its transaction; nothing for users who are gone. Agents are to be taken in the
/// order of their ids.
pub(crate) async fn tell(
    work: &mut Work<'_>,
    tenant: &TenantId,
    user: &UserId,
    command: &Command,
    policies: &Policies,
    now: Timestamp,
) -> Result<()> {
    let Some(locked) = rows::lock(work.conn(), tenant, user).await? else { return Ok(()) };
    let change =
        machine::apply(&locked.agent, command, policies, now).map_err(|why| refused(&locked.agent, why))?;
    if let Some(change) = change {
        let next = next_timer(&locked, &change.agent, policies, now);
        store_change(work, tenant, &locked.agent, &change, next, None, now).await?;
    }
    Ok(())
}

/// Takes an agent off duty whose account was deactivated or deleted.
pub(crate) async fn disabled(
    work: &mut Work<'_>,
    tenant: &TenantId,
    user: &UserId,
    now: Timestamp,
) -> Result<()> {
    // No policy says anything about this.
    tell(work, tenant, user, &Command::Disabled, &Policies::default(), now).await
}
