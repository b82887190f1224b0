//! Who serves a queue, and who of them is paused there. A change of membership changes what a user sees, at once.

use super::{Queues, UNKNOWN, lock, rows};
use crate::broadcaster::Work;
use crate::error::retrying;
use crate::events::queues::{self as events, Author};
use crate::fields::{FieldProblem, Problems};
use crate::{Caller, Error, Result};
use async_recursion::async_recursion as boxed;
use model::agents::{Source, VoicePhase};
use model::queues::{Member, Queue};
use model::{QueueId, Role, TenantId, Timestamp, UserId};
use store::revocations::Revoked;
use store::{agents, calls, queue_members, users};

/// Members of a queue, at most: a queue that is removed says so to each in one transaction.
pub(super) const MEMBERS_AT_MOST: i64 = 2_000;
const NO_MEMBER: Error = Error::NotFound("member of this queue");

impl Queues {
    /// A queue's members by user id, after the id `after`, with the log position that the list is true for. Agents do not
    /// see why a colleague is paused.
    #[boxed]
    pub async fn members(
        &self,
        caller: &Caller,
        queue: &QueueId,
        after: &str,
        limit: i64,
    ) -> Result<(Vec<Member>, i64)> {
        let tenant = caller.tenant();
        let mut snapshot = self.broadcaster.store.begin_snapshot().await?;
        rows::find(snapshot.conn(), tenant, queue).await?.ok_or(UNKNOWN)?;
        let head = store::journal::head(snapshot.conn(), tenant).await?;
        let mut members = queue_members::page(snapshot.conn(), tenant, queue, after, limit).await?;
        let viewer = caller.viewer();
        for member in &mut members {
            if viewer.role == Role::Agent
                && viewer.user.as_ref() != Some(&member.user)
                && let Some(pause) = &mut member.pause
            {
                pause.reason = None;
            }
        }
        Ok((members, head.map_or(0, |head| head.seq)))
    }

    /// Makes a user a member; nothing changes for one who is.
    #[boxed]
    pub async fn add_member(&self, caller: &Caller, queue: &QueueId, user: &UserId) -> Result<Member> {
        retrying(|| self.try_add(caller, queue, user)).await
    }

    async fn try_add(&self, caller: &Caller, queue: &QueueId, user: &UserId) -> Result<Member> {
        let tenant = caller.tenant();
        let mut work = self.broadcaster.begin().await?;
        let found = users::lock(work.conn(), tenant, user).await?.ok_or(Error::NotFound("user"))?;
        let queue = lock(&mut work, tenant, queue).await?;
        if let Some(member) = queue_members::find(work.conn(), tenant, &queue.id, user).await? {
            return Ok(member);
        }
        if !found.is_active {
            return Err(inactive());
        }
        if queue_members::count(work.conn(), tenant, &queue.id).await? >= MEMBERS_AT_MOST {
            return Err(too_many_members());
        }
        let now = self.broadcaster.clock.now();
        let member = Member { user: user.clone(), since: now, pause: None };
        queue_members::put(work.conn(), tenant, &queue.id, &member).await?;
        work.emit(tenant, events::member_added(tenant, &queue, &member, caller.viewer().user.as_ref(), now));
        work.revoke(tenant, Revoked::User(user.clone())).await?;
        work.commit().await?;
        Ok(member)
    }

    /// Takes a user out of a queue; nothing changes for one who is no member.
    #[boxed]
    pub async fn remove_member(&self, caller: &Caller, queue: &QueueId, user: &UserId) -> Result<()> {
        retrying(|| self.try_remove(caller, queue, user)).await
    }

    async fn try_remove(&self, caller: &Caller, queue: &QueueId, user: &UserId) -> Result<()> {
        let tenant = caller.tenant();
        let mut work = self.broadcaster.begin().await?;
        users::lock(work.conn(), tenant, user).await?.ok_or(Error::NotFound("user"))?;
        let queue = lock(&mut work, tenant, queue).await?;
        if queue_members::find(work.conn(), tenant, &queue.id, user).await?.is_none() {
            // Who is deactivated has been said to be no member, and now does not come back as one.
            queue_members::remove(work.conn(), tenant, &queue.id, user).await?;
            return work.commit().await;
        }
        let now = self.broadcaster.clock.now();
        take_out(&mut work, tenant, &queue, user, caller.viewer().user.as_ref(), now).await?;
        work.revoke(tenant, Revoked::User(user.clone())).await?;
        work.commit().await
    }

    /// Pauses a member in one queue, which changes nothing about the agent's state.
    #[boxed]
    pub async fn pause(
        &self,
        caller: &Caller,
        queue: &QueueId,
        user: &UserId,
        reason: Option<&str>,
    ) -> Result<Member> {
        let mut problems = Problems::default();
        if let Some(reason) = reason {
            problems.check_text(reason, 1, 100, "reason");
        }
        problems.into_result()?;
        retrying(|| self.try_pause(caller, queue, user, Some(reason))).await
    }

    /// Ends a member's pause.
    #[boxed]
    pub async fn unpause(&self, caller: &Caller, queue: &QueueId, user: &UserId) -> Result<Member> {
        retrying(|| self.try_pause(caller, queue, user, None)).await
    }

    /// Pauses for a reason, or, with none at all, ends the pause.
    async fn try_pause(
        &self,
        caller: &Caller,
        queue: &QueueId,
        user: &UserId,
        pause: Option<Option<&str>>,
    ) -> Result<Member> {
        let (tenant, author) = (caller.tenant(), author(caller, user)?);
        let mut work = self.broadcaster.begin().await?;
        let queue = lock(&mut work, tenant, queue).await?;
        let member = queue_members::find(work.conn(), tenant, &queue.id, user).await?.ok_or(NO_MEMBER)?;
        let now = self.broadcaster.clock.now();
        let was_for = member.pause.as_ref().and_then(|pause| pause.reason.clone());
        let changed = match pause {
            Some(reason) => member.paused(reason, now).map(|after| (after, reason, None)),
            None => member.unpaused(now).map(|(after, lasted)| (after, was_for.as_deref(), Some(lasted))),
        };
        let Some((after, reason, lasted)) = changed else { return Ok(member) };
        queue_members::put(work.conn(), tenant, &queue.id, &after).await?;
        work.emit(tenant, events::member_pause(tenant, &queue, user, reason, &author, lasted, now));
        work.commit().await?;
        Ok(after)
    }
}

/// In what capacity the caller acts on that user; agents act on nobody else.
fn author(caller: &Caller, user: &UserId) -> Result<Author> {
    let Caller::User(identity) = caller else {
        return Ok(Author { source: Source::Telephony, by: None });
    };
    let source = match identity.role {
        _ if identity.user == *user => Source::Oneself,
        Role::Admin | Role::Supervisor => Source::Supervisor,
        _ => return Err(Error::Forbidden("agents pause and unpause only themselves")),
    };
    Ok(Author { source, by: Some(identity.user.clone()) })
}

/// Takes a member out of a queue that is locked, and says so.
pub(super) async fn take_out(
    work: &mut Work<'_>,
    tenant: &TenantId,
    queue: &Queue,
    user: &UserId,
    by: Option<&UserId>,
    now: Timestamp,
) -> Result<()> {
    say_removed(work, tenant, queue, user, by, now).await?;
    Ok(queue_members::remove(work.conn(), tenant, &queue.id, user).await?)
}

async fn say_removed(
    work: &mut Work<'_>,
    tenant: &TenantId,
    queue: &Queue,
    user: &UserId,
    by: Option<&UserId>,
    now: Timestamp,
) -> Result<()> {
    let while_on_call = is_in_call_of(work, tenant, &queue.id, user).await?;
    work.emit(tenant, events::member_removed(tenant, queue, user, by, while_on_call, now));
    Ok(())
}

async fn is_in_call_of(
    work: &mut Work<'_>,
    tenant: &TenantId,
    queue: &QueueId,
    user: &UserId,
) -> Result<bool> {
    let Some(listed) = agents::find(work.conn(), tenant, user).await? else { return Ok(false) };
    for item in listed.agent.work.iter().filter(|item| item.phase == VoicePhase::Active) {
        if calls::queue_of_leg(work.conn(), tenant, &item.call, &item.leg).await?.as_ref() == Some(queue) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The queues that a user, whose row is locked, is a member of. One that was removed meanwhile has no members, and is not among
/// these.
async fn lock_all(work: &mut Work<'_>, tenant: &TenantId, user: &UserId) -> Result<Vec<Queue>> {
    let ids = queue_members::of_user(work.conn(), tenant, user).await?;
    Ok(rows::lock(work.conn(), tenant, ids.queues()).await?)
}

/// Takes a user who goes for good out of every queue. Of one who is deactivated that has been said.
pub(crate) async fn leave_all(
    work: &mut Work<'_>,
    tenant: &TenantId,
    user: &UserId,
    is_active: bool,
    now: Timestamp,
) -> Result<()> {
    for queue in lock_all(work, tenant, user).await? {
        if is_active {
            take_out(work, tenant, &queue, user, None, now).await?;
        } else {
            queue_members::remove(work.conn(), tenant, &queue.id, user).await?;
        }
    }
    Ok(())
}

/// Says of a user who is deactivated that no queue has this member any more, until `come_back`.
pub(crate) async fn stand_down(
    work: &mut Work<'_>,
    tenant: &TenantId,
    user: &UserId,
    now: Timestamp,
) -> Result<()> {
    for queue in lock_all(work, tenant, user).await? {
        say_removed(work, tenant, &queue, user, None, now).await?;
    }
    Ok(())
}

/// Makes a user who is active again a member as before, from now on and without a pause.
pub(crate) async fn come_back(
    work: &mut Work<'_>,
    tenant: &TenantId,
    user: &UserId,
    now: Timestamp,
) -> Result<()> {
    for queue in lock_all(work, tenant, user).await? {
        let member = Member { user: user.clone(), since: now, pause: None };
        queue_members::put(work.conn(), tenant, &queue.id, &member).await?;
        work.emit(tenant, events::member_added(tenant, &queue, &member, None, now));
    }
    Ok(())
}

fn inactive() -> Error {
    Error::Conflict {
        code: "user_inactive",
        message: "this user may not sign in: activate the account first".into(),
        details: vec![FieldProblem::new("is_active", "false")],
    }
}

fn too_many_members() -> Error {
    Error::Conflict {
        code: "too_many_members",
        message: format!("a queue has {MEMBERS_AT_MOST} members at most"),
        details: Vec::new(),
    }
}
