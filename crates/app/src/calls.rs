//! Calls: takes reports, asks the call's state machine, stores its step, says it, and tells the agents whom it concerns; all in
//! one transaction. Knows nothing of what a step is.

mod access;
pub mod draft;
mod facts;
mod stale;
mod step;
mod wrap_up;

pub(crate) use wrap_up::count_wrap_ups;

use crate::broadcaster::Broadcaster;
use crate::error::retrying;
use crate::fields::FieldProblem;
use crate::{Caller, Error, Result, agents};
use async_recursion::async_recursion as boxed;
use draft::NewCallDraft;
use model::calls::{self as machine, Actor, Call, Command, Direction, NewCall, Refusal};
use model::{CallId, Role, TenantId, personal};
use std::sync::Arc;
use std::time::Duration;
use step::Subject;
use store::calls::{self as rows, Filter, Stored};

/// Manages calls.
pub struct Calls {
    broadcaster: Arc<Broadcaster>,
    /// How long nobody need report on a call.
    stale_after: Duration,
}

impl Calls {
    pub(crate) fn new(broadcaster: Arc<Broadcaster>, stale_after: Duration) -> Self {
        Self { broadcaster, stale_after }
    }

    /// A call begins. Gives it, and whether that was news.
    #[boxed]
    pub async fn start(&self, caller: &Caller, draft: NewCallDraft) -> Result<(Call, bool)> {
        let body_hash = draft.hash();
        let new = draft.read()?;
        let (tenant, actor) = (caller.tenant(), access::actor(caller));
        let begin = || retrying(|| self.begin(tenant, &actor, &new, &body_hash));
        match begin().await {
            // Somebody has just begun a call of that id: now there is one to compare with.
            Err(Error::Store(store::Error::Duplicate(_))) => begin().await,
            done => done,
        }
    }

    async fn begin(
        &self,
        tenant: &TenantId,
        actor: &Actor,
        new: &NewCall,
        body_hash: &str,
    ) -> Result<(Call, bool)> {
        let mut work = self.broadcaster.begin().await?;
        if let Some(known) = rows::find(work.conn(), tenant, &new.id).await? {
            return if known.body_hash == body_hash { Ok((known.call, false)) } else { Err(taken(&known)) };
        }
        let now = self.broadcaster.clock.now();
        let subject = Subject { tenant, before: None, body_hash };
        let rehearsal = machine::start(new, &facts::none(actor), now);
        let users = step::users(new.user.as_ref(), rehearsal.as_ref().ok());
        let mut agents = agents::lock(&mut work, tenant, &users).await?;
        if let Some(user) = &new.user {
            facts::check_user(&agents, user, "user_id", true)?;
        }
        let queues: Vec<_> = new.queue.iter().cloned().collect();
        let facts = facts::gather(&mut work, tenant, actor, None, &queues).await?;
        if let Some(queue) = &new.queue {
            facts.check_queue(queue, "queue_id")?;
        }
        // With everything locked, so that who came first in the log came first by the clock too.
        let now = self.broadcaster.clock.now();
        // That the call has come is a fact; only the phone of somebody off duty is not rung.
        let mut begun = new.clone();
        if begun.direction == Direction::Inbound {
            begun.user.take_if(|user| facts::is_off_duty(&agents, user));
        }
        let step = machine::start(&begun, &facts.context, now).map_err(|why| refused(&why))?;
        let call = subject.store(&mut work, &facts, &mut agents, step).await?;
        work.commit().await?;
        Ok((call, true))
    }

    /// Something happens to a call, reported by a program, a supervisor, or an agent of the call itself. Gives the call as it
    /// is then.
    #[boxed]
    pub async fn report(&self, caller: &Caller, id: &CallId, command: &Command) -> Result<Call> {
        let (tenant, actor) = (caller.tenant(), access::actor(caller));
        retrying(|| self.act(tenant, &actor, id, command)).await.map(|(call, _)| call)
    }

    /// One command to one call. Gives the call as it is then, and whether anything changed.
    async fn act(
        &self,
        tenant: &TenantId,
        actor: &Actor,
        id: &CallId,
        command: &Command,
    ) -> Result<(Call, bool)> {
        let mut work = self.broadcaster.begin().await?;
        let known = rows::lock(work.conn(), tenant, id).await?.ok_or(Error::NotFound("call"))?;
        let before = &known.call;
        access::check(actor, before, command)?;
        let now = self.broadcaster.clock.now();
        // What it comes to in the end depends on the queues, which are locked after the agents: this tells which agents.
        let rehearsal = machine::apply(before, command, &facts::none(actor), now);
        let named = facts::named(command);
        let users = step::users(
            named.user.as_ref().map(|(user, _)| user),
            rehearsal.as_ref().ok().and_then(Option::as_ref),
        );
        let mut agents = agents::lock(&mut work, tenant, &users).await?;
        if let Some((user, field)) = &named.user {
            // Whoever has a part in the call may have been deleted since.
            if named.rings || !before.legs.iter().any(|leg| leg.user == *user) {
                facts::check_user(&agents, user, field, named.rings)?;
            }
        }
        if let Command::End { merged_into: Some(other), .. } = command {
            let is_other = other != id && rows::find(work.conn(), tenant, other).await?.is_some();
            if !is_other {
                return Err(Error::field("merged_into", "must be the id of another call"));
            }
        }
        let queues = machine::concerned_queues(before, command);
        let facts = facts::gather(&mut work, tenant, actor, before.waiting(), &queues).await?;
        if let Some((queue, field)) = &named.queue {
            facts.check_queue(queue, field)?;
        }
        // With everything locked, as when it began.
        let now = self.broadcaster.clock.now();
        let step = machine::apply(before, command, &facts.context, now).map_err(|why| refused(&why))?;
        let Some(step) = step else { return Ok((known.call, false)) };
        facts::check_on_duty(&agents, &step)?;
        let subject = Subject { tenant, before: Some(before), body_hash: &known.body_hash };
        let call = subject.store(&mut work, &facts, &mut agents, step).await?;
        work.commit().await?;
        Ok((call, true))
    }

    /// One call. Agents find their own only.
    #[boxed]
    pub async fn get(&self, caller: &Caller, id: &CallId) -> Result<Call> {
        let mut reader = self.broadcaster.store.begin_snapshot().await?;
        let known = rows::find(reader.conn(), caller.tenant(), id).await?;
        let call = known.map(|known| known.call).filter(|call| access::may_see(caller, call));
        call.ok_or(Error::NotFound("call"))
    }

    /// The tenant's calls, newest first, with the log position that the list is true for. Agents find their own only.
    #[boxed]
    pub async fn page(&self, caller: &Caller, filter: Filter, limit: i64) -> Result<(Vec<Call>, i64)> {
        let filter = access::own_only(caller, filter)?;
        let mut snapshot = self.broadcaster.store.begin_snapshot().await?;
        let head = store::journal::head(snapshot.conn(), caller.tenant()).await?;
        let calls = rows::page(snapshot.conn(), caller.tenant(), &filter, limit).await?;
        Ok((calls.into_iter().map(|known| known.call).collect(), head.map_or(0, |head| head.seq)))
    }

    /// The present moment, for times that go on.
    #[must_use]
    pub fn now(&self) -> model::Timestamp {
        self.broadcaster.clock.now()
    }
}

/// The call as `caller` may see it: an agent who was only offered it does not keep the caller's number.
#[must_use]
pub fn seen_by(caller: &Caller, call: Call) -> Call {
    let viewer = caller.viewer();
    let whole = viewer.role != Role::Agent
        || viewer.user.as_ref().is_some_and(|user| call.concerned().contains(user));
    if whole { call } else { personal::masked_call(call) }
}

fn taken(known: &Stored) -> Error {
    Error::Conflict {
        code: "call_exists",
        message: "there is a call of that id, which was reported with another body".into(),
        details: vec![FieldProblem::new("state", known.call.state.as_str())],
    }
}

/// Names the present state.
fn refused(refusal: &Refusal) -> Error {
    Error::Conflict {
        code: access::code(&refusal.why),
        message: refusal.to_string(),
        details: vec![FieldProblem::new("state", refusal.state.as_str())],
    }
}
