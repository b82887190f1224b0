//! Queues: setting them up, who serves them, and what is true of them now. What waits in them is the calls' business.

mod draft;
mod entries;
mod members;
mod publisher;
mod stats;

pub use draft::Draft;
pub use entries::Listed;
pub(crate) use members::{come_back, leave_all, stand_down};
pub(crate) use stats::compute;
pub use stats::{AgentCounts, Ended, Stats};

use crate::broadcaster::Broadcaster;
use crate::error::retrying;
use crate::events::queues as events;
use crate::fields::FieldProblem;
use crate::{Caller, Error, Result};
use async_recursion::async_recursion as boxed;
use model::queues::Queue;
use model::{QueueId, Role, TenantId};
use std::collections::HashSet;
use std::sync::Arc;
use store::queues::{self as rows, Stored};
use store::revocations::Revoked;
use store::{Asked, queue_entries, queue_figures, queue_members};

/// Queues of a tenant, at most: what is computed for all of them at once stays small.
pub(crate) const QUEUES_AT_MOST: i64 = 2_000;
const UNKNOWN: Error = Error::NotFound("queue");

/// Manages queues.
pub struct Queues {
    broadcaster: Arc<Broadcaster>,
}

impl Queues {
    pub(crate) fn new(broadcaster: Arc<Broadcaster>) -> Self {
        Self { broadcaster }
    }

    /// The tenant's queues by id, after the id `after`, with the log position that the list is true for.
    #[boxed]
    pub async fn page(&self, tenant: &TenantId, after: &str, limit: i64) -> Result<(Vec<Stored>, i64)> {
        let mut snapshot = self.broadcaster.store.begin_snapshot().await?;
        let head = store::journal::head(snapshot.conn(), tenant).await?;
        let queues = rows::page(snapshot.conn(), tenant, after, limit).await?;
        Ok((queues, head.map_or(0, |head| head.seq)))
    }

    /// One queue.
    #[boxed]
    pub async fn get(&self, tenant: &TenantId, id: &QueueId) -> Result<Stored> {
        let mut reader = self.broadcaster.store.read().await?;
        rows::stored(reader.conn(), tenant, id).await?.ok_or(UNKNOWN)
    }

    /// Sets a queue up.
    #[boxed]
    pub async fn create(&self, tenant: &TenantId, draft: &Draft) -> Result<Stored> {
        let queue = draft.complete()?;
        let now = self.broadcaster.clock.now();
        retrying(|| async {
            let mut work = self.broadcaster.begin().await?;
            if rows::count(work.conn(), tenant).await? >= QUEUES_AT_MOST {
                return Err(too_many_queues());
            }
            rows::insert(work.conn(), tenant, &queue, now).await.map_err(taken)?;
            work.emit(tenant, events::created(tenant, &queue, now));
            work.commit().await
        })
        .await?;
        Ok(Stored { queue, created_at: now, updated_at: now })
    }

    /// Changes what the draft says.
    #[boxed]
    pub async fn update(&self, tenant: &TenantId, id: &QueueId, draft: &Draft) -> Result<Stored> {
        retrying(|| async {
            let mut work = self.broadcaster.begin().await?;
            let before = lock(&mut work, tenant, id).await?;
            let after = draft.apply(before.clone())?;
            if after != before {
                let now = self.broadcaster.clock.now();
                rows::update(work.conn(), tenant, &after, now).await.map_err(taken)?;
                work.emit(tenant, events::updated(tenant, &after, now));
            }
            let stored = rows::stored(work.conn(), tenant, id).await?.ok_or(UNKNOWN)?;
            work.commit().await?;
            Ok(stored)
        })
        .await
    }

    /// Removes a queue in which nothing waits. Its members are members no more.
    #[boxed]
    pub async fn delete(&self, caller: &Caller, id: &QueueId) -> Result<()> {
        retrying(|| self.try_delete(caller, id)).await
    }

    async fn try_delete(&self, caller: &Caller, id: &QueueId) -> Result<()> {
        let tenant = caller.tenant();
        let mut work = self.broadcaster.begin().await?;
        let queue = lock(&mut work, tenant, id).await?;
        let waiting = queue_entries::counts(work.conn(), &[Asked { tenant, queue: id, day: 0 }]).await?;
        if let Some(waiting) = waiting.first() {
            return Err(not_empty(waiting.entries));
        }
        let now = self.broadcaster.clock.now();
        for member in queue_members::page(work.conn(), tenant, id, "", members::MEMBERS_AT_MOST + 1).await? {
            members::take_out(&mut work, tenant, &queue, &member.user, caller.viewer().user.as_ref(), now)
                .await?;
            work.revoke(tenant, Revoked::User(member.user)).await?;
        }
        queue_members::remove_all(work.conn(), tenant, id).await?;
        queue_figures::delete(work.conn(), tenant, id).await?;
        rows::delete(work.conn(), tenant, id).await?;
        work.emit(tenant, events::deleted(tenant, &queue, now));
        work.commit().await
    }
}

/// Named queues that are looked up one by one; of more, the tenant's are read.
const LOOKED_UP: usize = 256;

/// Those of some queues that the tenant has.
pub(crate) async fn existing(
    store: &store::Store,
    tenant: &TenantId,
    named: HashSet<QueueId>,
) -> Result<HashSet<QueueId>> {
    if named.is_empty() {
        return Ok(named);
    }
    let mut reader = store.read().await?;
    if named.len() > LOOKED_UP {
        let all = rows::page(reader.conn(), tenant, "", QUEUES_AT_MOST).await?;
        return Ok(all.into_iter().map(|stored| stored.queue.id).collect());
    }
    let ids: Vec<QueueId> = named.into_iter().collect();
    let found = rows::of_ids(reader.conn(), tenant, &ids).await?;
    Ok(found.into_iter().map(|queue| queue.id).collect())
}

/// The queue, locked until the transaction ends.
async fn lock(work: &mut crate::broadcaster::Work<'_>, tenant: &TenantId, id: &QueueId) -> Result<Queue> {
    rows::lock(work.conn(), tenant, std::slice::from_ref(id)).await?.pop().ok_or(UNKNOWN)
}

/// Agents learn what waits in the queues that they serve, as they hear of it in events.
fn check_sight(caller: &Caller, queue: &QueueId) -> Result<()> {
    let viewer = caller.viewer();
    if viewer.role == Role::Agent && !viewer.queues.include_any(std::slice::from_ref(queue)) {
        return Err(Error::Forbidden("agents see what waits in the queues that they are members of"));
    }
    Ok(())
}

fn taken(error: store::Error) -> Error {
    match error {
        store::Error::Duplicate(_) => Error::Conflict {
            code: "name_taken",
            message: "a queue of this name exists already".into(),
            details: vec![FieldProblem::new("name", "is taken")],
        },
        error => error.into(),
    }
}

fn not_empty(waiting: u64) -> Error {
    Error::Conflict {
        code: "queue_not_empty",
        message: "something waits in this queue: take it out, or wait until nothing does".into(),
        details: vec![FieldProblem::new("waiting", waiting.to_string())],
    }
}

fn too_many_queues() -> Error {
    Error::Conflict {
        code: "too_many_queues",
        message: format!("a tenant has {QUEUES_AT_MOST} queues at most: delete one first"),
        details: Vec::new(),
    }
}
