//! Counts the paper work after calls for their queues, when it ends: by its timer, by hand, or by the next call.

use crate::Result;
use crate::broadcaster::Work;
use model::agents::{Agent, ended_wrap_ups};
use model::queues::Day;
use model::{QueueId, TenantId, Timestamp};
use store::{calls, queues};

/// Counts for the tenant's `day` the wrap-ups that end where `before` becomes `after`. Gives the queues whose numbers are
/// others now.
pub(crate) async fn count_wrap_ups(
    work: &mut Work<'_>,
    tenant: &TenantId,
    before: &Agent,
    after: &Agent,
    day: i64,
    now: Timestamp,
) -> Result<Vec<QueueId>> {
    let mut counted = Vec::new();
    for (item, lasted) in ended_wrap_ups(before, after, now) {
        let Some(queue) = calls::queue_of_leg(work.conn(), tenant, &item.call, &item.leg).await? else {
            continue;
        };
        if queues::find(work.conn(), tenant, &queue).await?.is_none() {
            continue;
        }
        let mut more = Day::default();
        more.wrapped_up(lasted);
        work.count(tenant, &queue, day, more);
        counted.push(queue);
    }
    Ok(counted)
}
