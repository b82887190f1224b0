//! The agents' states: changes what an agent chose, keeps the history, and says so.

use crate::broadcaster::{Broadcaster, Work};
use crate::calls::count_wrap_ups;
use crate::error::retrying;
use crate::fields::{FieldProblem, Problems};
use crate::gate::{self, Identity};
use crate::{Error, Result, events};
use model::agents::{
    self as machine, Agent, AgentEvent, Change, Choice, Command, Policies, Presence, Refusal, Source, State,
};
use model::{Memberships, SessionId, TenantId, Timestamp, UserId};
use std::sync::Arc;
use store::agents::{self as rows, HistoryEntry, Listed};
use store::{queue_members, settings};

/// A wish as it comes from a client.
#[derive(Debug, Clone)]
pub struct Wish {
    /// The word of the state.
    pub state: String,
    /// Why, in a word of the tenant's.
    pub reason: Option<String>,
    /// The version that the wish was made upon.
    pub if_version: Option<i64>,
}

/// Manages agents' states.
pub struct Agents {
    broadcaster: Arc<Broadcaster>,
}

impl Agents {
    pub(crate) fn new(broadcaster: Arc<Broadcaster>) -> Self {
        Self { broadcaster }
    }

    /// Sets the caller's own state. Gives the agent as it is then, and whether anything changed.
    pub async fn choose_own(&self, identity: &Identity, wish: Wish) -> Result<(Agent, bool)> {
        let choice = Choice {
            presence: checked(&wish)?,
            reason: wish.reason,
            if_version: wish.if_version,
            source: Source::Oneself,
            by: Some(identity.user.clone()),
            force: false,
        };
        let command = Command::Choose(choice);
        retrying(|| self.act(&identity.tenant, &identity.user, &command, Some(&identity.session))).await
    }

    /// One command to one agent, who must be there: whoever was put out while the call was on its way is off duty, and stays
    /// it.
    async fn act(
        &self,
        tenant: &TenantId,
        user: &UserId,
        command: &Command,
        session: Option<&SessionId>,
    ) -> Result<(Agent, bool)> {
        let mut work = self.broadcaster.begin(tenant).await?;
        let policies = settings::find(work.conn(), tenant).await?.agents;
        let (agent, _) = rows::lock(work.conn(), tenant, user)
            .await?
            .filter(|(_, is_active)| *is_active)
            .ok_or(gate::ENDED)?;
        let now = self.broadcaster.clock.now();
        let change = machine::apply(&agent, command, &policies, now).map_err(|why| refused(&agent, why))?;
        let Some(change) = change else { return Ok((agent, false)) };
        count_wrap_ups(&mut work, tenant, &agent, &change.agent, now).await?;
        store_change(&mut work, tenant, &change, &policies, session).await?;
        work.commit().await?;
        Ok((change.agent, true))
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

    /// An agent's changes, newest first, below version `before`.
    pub async fn history(
        &self,
        tenant: &TenantId,
        user: &UserId,
        before: i64,
        limit: i64,
    ) -> Result<Vec<HistoryEntry>> {
        let mut reader = self.broadcaster.store.read().await?;
        rows::find(reader.conn(), tenant, user).await?.ok_or(Error::NotFound("agent"))?;
        Ok(rows::history(reader.conn(), tenant, user, before, limit).await?)
    }
}

fn checked(wish: &Wish) -> Result<Presence> {
    let mut problems = Problems::default();
    let presence = Presence::parse(&wish.state);
    let known: Vec<&str> = Presence::ALL.iter().map(|presence| presence.as_str()).collect();
    problems.check(presence.is_some(), "state", &format!("must be one of {}", known.join(", ")));
    if let Some(reason) = &wish.reason {
        problems.check_text(reason, 1, 100, "reason");
    }
    problems.into_result()?;
    presence.ok_or_else(|| Error::Internal("a state without a problem".into()))
}

fn refused(agent: &Agent, why: Refusal) -> Error {
    let state = || vec![FieldProblem::new("state", agent.state.as_str())];
    let (code, details) = match why {
        Refusal::StaleVersion { present } => {
            ("stale_version", vec![FieldProblem::new("version", present.to_string())])
        }
        Refusal::Absent => ("agent_absent", state()),
        Refusal::NotInWrapUp { .. } => ("not_in_wrap_up", state()),
        Refusal::WrapUpTooLong { .. } => return Error::field("seconds", why.to_string()),
    };
    Error::Conflict { code, message: why.to_string(), details }
}

/// Stores a change and says it.
async fn store_change(
    work: &mut Work<'_>,
    tenant: &TenantId,
    change: &Change,
    policies: &Policies,
    session: Option<&SessionId>,
) -> Result<()> {
    rows::put(work.conn(), tenant, &change.agent, machine::next_timer(&change.agent, policies)).await?;
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
    let Some((agent, _)) = rows::lock(work.conn(), tenant, user).await? else { return Ok(()) };
    if let Some(change) =
        machine::apply(&agent, command, policies, now).map_err(|why| refused(&agent, why))?
    {
        count_wrap_ups(work, tenant, &agent, &change.agent, now).await?;
        store_change(work, tenant, &change, policies, None).await?;
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
