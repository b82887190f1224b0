//! Which queues' numbers may be others than before, by what the log says.

use super::known::Known;
use crate::Result;
use crate::queues::stats::{Frame, LAST_MINUTES};
use model::{Event, EventName, QueueId, TenantId, UserId, catalogue};
use serde::Deserialize;
use std::collections::{HashMap, HashSet};
use store::{Conn, journal, queue_figures, queue_members};

/// Events that are looked through: 25 seconds' worth where 200 calls' events are written a second, some megabytes. Behind more
/// of them, every queue is computed anew.
const STRETCH: i64 = 5_000;
/// Events that change a queue's numbers begin with these.
const NAMES: [&str; 3] = ["agent.state.", "call.", "queue."];
/// Events that tell of the queues themselves.
const EDITS: [EventName; 3] = [catalogue::QUEUE_CREATED, catalogue::QUEUE_UPDATED, catalogue::QUEUE_DELETED];

/// Queues to be computed anew.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Dirty {
    /// All of the tenant's.
    All,
    /// Some, of which some may be gone.
    These {
        /// Their ids.
        queues: HashSet<QueueId>,
        /// Whether queues were set up, changed or removed, and not only their numbers.
        edited: bool,
    },
}

impl Dirty {
    pub(super) fn is_empty(&self) -> bool {
        matches!(self, Self::These { queues, .. } if queues.is_empty())
    }
}

/// Queues whose last minutes have become others because time went on, by tenant.
pub(super) type Gone = HashMap<TenantId, HashSet<QueueId>>;

/// The queues of these tenants, known as of those frames, for which a minute counts no longer now.
pub(super) async fn gone(conn: Conn<'_>, known: &[(TenantId, Frame)], minute: i64) -> Result<Gone> {
    let old: Vec<_> = known.iter().filter(|(_, before)| before.minute < minute).collect();
    let Some(oldest) = old.iter().map(|(_, before)| before.minute).min() else { return Ok(Gone::new()) };
    let tenants: Vec<TenantId> = old.into_iter().map(|(tenant, _)| tenant.clone()).collect();
    let first = |minute: i64| minute - LAST_MINUTES + 1;
    let mut gone = Gone::new();
    for (tenant, queue) in queue_figures::of_minutes(conn, &tenants, first(oldest), first(minute)).await? {
        gone.entry(tenant).or_default().insert(queue);
    }
    Ok(gone)
}

/// The queues that changed since `known` was read, where the log ends at `head` and now is `frame`; of `gone` the tenant's.
pub(super) async fn since(
    mut conn: Conn<'_>,
    tenant: &TenantId,
    known: &Known,
    head: i64,
    frame: Frame,
    gone: Option<&HashSet<QueueId>>,
) -> Result<Dirty> {
    let stretch = head - known.seq;
    let Some(before) = known.frame.filter(|_| (0..=STRETCH).contains(&stretch)) else {
        return Ok(Dirty::All);
    };
    // After so long what has gone by is not kept any more, and a clock that was set back brings some of it back.
    let has_jumped = !(0..=LAST_MINUTES).contains(&(frame.minute - before.minute));
    if has_jumped || (Frame { minute: frame.minute, ..before }) != frame {
        return Ok(Dirty::All);
    }
    let mut queues = gone.cloned().unwrap_or_default();
    if stretch == 0 {
        return Ok(Dirty::These { queues, edited: false });
    }
    let events = journal::stretch(conn.again(), tenant, known.seq, head, &NAMES).await?;
    queues.extend(events.iter().flat_map(queues_of));
    let users: HashSet<&UserId> = events.iter().filter(|event| is_of_state(event)).flat_map(named).collect();
    let users: Vec<UserId> = users.into_iter().cloned().collect();
    queues.extend(queue_members::of_users(conn, tenant, &users).await?.queues().iter().cloned());
    Ok(Dirty::These { queues, edited: events.iter().any(|event| EDITS.contains(&event.name)) })
}

fn is_of_state(event: &Event) -> bool {
    event.name == catalogue::AGENT_STATE_CHANGED
}

fn named(event: &Event) -> impl Iterator<Item = &UserId> {
    event.audience.users.iter()
}

/// The queues that a payload names.
#[derive(Default, Deserialize)]
struct Named {
    queue_id: Option<QueueId>,
    #[serde(default)]
    queue_ids: Vec<QueueId>,
}

/// The queues that an event is for, and those that it tells of.
fn queues_of(event: &Event) -> Vec<QueueId> {
    let Named { queue_id, queue_ids } = serde_json::from_str(event.payload.get()).unwrap_or_default();
    event.audience.queues.iter().cloned().chain(queue_id).chain(queue_ids).collect()
}
