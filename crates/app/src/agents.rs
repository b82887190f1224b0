//! The agents' states: changes what an agent chose, keeps the history, and says so.

use crate::broadcaster::{Broadcaster, Work};
use crate::error::retrying;
use crate::fields::{FieldProblem, Problems};
use crate::gate::{self, Identity};
use crate::{Error, Result, events};
use model::agents::{
    self as machine, Agent, Change, Choice, Duty, LogoutReason, Presence, Refusal, Source, State,
};
use model::{TenantId, Timestamp, UserId};
use std::sync::Arc;
use store::agents::{self as rows, HistoryEntry, Listed};

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
        let presence = checked(&wish)?;
        let choice = Choice {
            presence,
            reason: wish.reason,
            if_version: wish.if_version,
            source: Source::Oneself,
            by: Some(identity.user.clone()),
        };
        retrying(|| self.try_choose(identity, &choice)).await
    }

    async fn try_choose(&self, identity: &Identity, choice: &Choice) -> Result<(Agent, bool)> {
        let mut work = self.broadcaster.begin(&identity.tenant).await?;
        let agent = rows::lock(work.conn(), &identity.tenant, &identity.user).await?;
        // Whoever was put out while this call was on its way is off duty, and stays it.
        let (agent, _) = agent.filter(|(_, is_active)| *is_active).ok_or(gate::ENDED)?;
        let now = self.broadcaster.clock.now();
        let Some(change) = machine::choose(&agent, choice, now).map_err(|why| refused(&agent, why))? else {
            return Ok((agent, false));
        };
        let session = Some(identity.session.as_str());
        store_change(&mut work, &identity.tenant, &change, session, LogoutReason::Oneself).await?;
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
    let (code, details) = match why {
        Refusal::StaleVersion { present } => {
            ("stale_version", vec![FieldProblem::new("version", present.to_string())])
        }
        Refusal::Absent => ("agent_absent", vec![FieldProblem::new("state", agent.state.as_str())]),
    };
    Error::Conflict { code, message: why.to_string(), details }
}

/// Stores a change and says it: the log-in before the change, the log-out after it.
async fn store_change(
    work: &mut Work<'_>,
    tenant: &TenantId,
    change: &Change,
    session: Option<&str>,
    logout: LogoutReason,
) -> Result<()> {
    rows::put(work.conn(), tenant, change).await?;
    if change.duty == Some(Duty::Began) {
        work.emit(events::agent_login(tenant, change, session));
    }
    work.emit(events::agent_state_changed(tenant, change));
    if let Some(Duty::Ended { lasted }) = change.duty {
        work.emit(events::agent_logout(tenant, change, logout, lasted));
    }
    Ok(())
}

/// Takes an agent off duty, if on duty, because the platform says so.
pub(crate) async fn end_duty(
    work: &mut Work<'_>,
    tenant: &TenantId,
    user: &UserId,
    why: LogoutReason,
    now: Timestamp,
) -> Result<()> {
    let Some((agent, _)) = rows::lock(work.conn(), tenant, user).await? else { return Ok(()) };
    let choice = Choice {
        presence: Presence::Offline,
        reason: None,
        if_version: None,
        source: Source::System,
        by: None,
    };
    if let Ok(Some(change)) = machine::choose(&agent, &choice, now) {
        store_change(work, tenant, &change, None, why).await?;
    }
    Ok(())
}
