//! Stores changes of agents and says them, any number at once; and what something else, a call for instance, means for
//! agents.

use super::asking::refused;
use crate::broadcaster::{When, Work};
use crate::calls::count_wrap_ups;
use crate::{Result, events};
use model::agents::{self as machine, AgentEvent, Change, Command, Policies};
use model::{Memberships, QueueId, SessionId, TenantId, TenantSettings, Timestamp, UserId};
use std::collections::BTreeMap;
use store::agents::{self as rows, Locked, Now};
use store::{queue_members, settings};

/// Agents of one tenant, locked; without users who are gone.
pub(crate) type LockedAgents = BTreeMap<UserId, Locked>;

/// A change that has been decided.
pub(super) struct Changed {
    pub tenant: TenantId,
    pub before: machine::Agent,
    pub change: Change,
    /// When something happens to the agent by itself.
    pub next_timer: Option<Timestamp>,
    /// The agent's own sign-in, if that caused it.
    pub session: Option<SessionId>,
    /// The tenant's day and the moment.
    pub when: When,
}

/// What a command makes of a locked agent, who is like that from now on. `None` if nothing.
pub(super) fn decide(
    tenant: &TenantId,
    locked: &mut Locked,
    command: &Command,
    settings: &TenantSettings,
    now: Timestamp,
) -> Result<Option<Changed>> {
    let change = machine::apply(&locked.agent, command, &settings.agents, now)
        .map_err(|why| refused(&locked.agent, why))?;
    let Some(change) = change else { return Ok(None) };
    locked.next_timer = next_timer(locked, &change.agent, &settings.agents, now);
    let before = std::mem::replace(&mut locked.agent, change.agent.clone());
    Ok(Some(Changed {
        tenant: tenant.clone(),
        before,
        change,
        next_timer: locked.next_timer,
        session: None,
        when: When::of(settings, now),
    }))
}

/// When something happens by itself to an agent that has changed. What is due already stays so: whoever looks at it
/// (`timers`) does more than what the agent alone tells.
fn next_timer(
    before: &Locked,
    after: &machine::Agent,
    policies: &Policies,
    now: Timestamp,
) -> Option<Timestamp> {
    before.next_timer.filter(|at| *at <= now).or_else(|| machine::next_timer(after, policies))
}

/// Stores changes that were decided, counts the wrap-ups that they end, and says them, in their order. What is said
/// names the queues that were counted for: whoever tells their numbers reads the log.
pub(super) async fn store(work: &mut Work<'_>, changes: &[Changed]) -> Result<()> {
    let mut counted = Vec::with_capacity(changes.len());
    for Changed { tenant, before, change, when, .. } in changes {
        counted.push(count_wrap_ups(work, tenant, before, &change.agent, *when).await?);
    }
    // Of an agent that changes twice, what it is in the end.
    let last: BTreeMap<_, Now<'_>> = changes.iter().map(|changed| (changed.key(), changed.now())).collect();
    rows::put(work.conn(), &last.into_values().collect::<Vec<_>>()).await?;
    let history: Vec<_> = changes.iter().map(|changed| (&changed.tenant, &changed.change)).collect();
    rows::add_to_history(work.conn(), &history).await?;
    for (changed, queues) in changes.iter().zip(&counted) {
        changed.say(work, queues).await?;
    }
    Ok(())
}

impl Changed {
    fn key(&self) -> (&TenantId, &UserId) {
        (&self.tenant, &self.change.agent.user)
    }

    fn now(&self) -> Now<'_> {
        Now { tenant: &self.tenant, agent: &self.change.agent, next_timer: self.next_timer }
    }

    async fn say(&self, work: &mut Work<'_>, counted: &[QueueId]) -> Result<()> {
        let (tenant, user) = self.key();
        let queues = match self.change.events.first() {
            Some(AgentEvent::LoggedIn { .. }) => queue_members::of_user(work.conn(), tenant, user).await?,
            _ => Memberships::default(),
        };
        for event in &self.change.events {
            let mut said = events::agent(tenant, user, event, &queues, self.session.as_ref());
            said.audience.queues.extend_from_slice(counted);
            work.emit(tenant, said);
        }
        Ok(())
    }
}

/// Locks agents; without users who are gone.
pub(crate) async fn lock(
    work: &mut Work<'_>,
    tenant: &TenantId,
    users: impl IntoIterator<Item = &UserId>,
) -> Result<LockedAgents> {
    let keys = users.into_iter().map(|user| (tenant.clone(), user.clone())).collect();
    let locked = rows::lock_all(work.conn(), &keys).await?;
    Ok(locked.into_iter().map(|((_, user), locked)| (user, locked)).collect())
}

/// What something else means for agents, in its transaction; nothing for users who are gone. `agents` has those who are locked
/// already.
pub(crate) async fn tell(
    work: &mut Work<'_>,
    tenant: &TenantId,
    agents: &mut LockedAgents,
    commands: &[(UserId, Command)],
    settings: &TenantSettings,
    now: Timestamp,
) -> Result<()> {
    let missing: Vec<_> =
        commands.iter().map(|(user, _)| user).filter(|user| !agents.contains_key(*user)).collect();
    if !missing.is_empty() {
        agents.extend(lock(work, tenant, missing).await?);
    }
    let mut commands: Vec<_> = commands.iter().collect();
    // Stable: what one agent is told stays in its order.
    commands.sort_by_key(|(user, _)| user);
    let mut changes = Vec::new();
    for (user, command) in commands {
        if let Some(locked) = agents.get_mut(user) {
            changes.extend(decide(tenant, locked, command, settings, now)?);
        }
    }
    store(work, &changes).await
}

/// Ends an agent's duty at once, by a `command` that does.
pub(crate) async fn end_duty(
    work: &mut Work<'_>,
    tenant: &TenantId,
    user: &UserId,
    command: Command,
    now: Timestamp,
) -> Result<()> {
    let settings = settings::find(work.conn(), tenant).await?;
    let mut agents = lock(work, tenant, [user]).await?;
    tell(work, tenant, &mut agents, &[(user.clone(), command)], &settings, now).await
}
