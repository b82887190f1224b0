//! Counts the paper work after calls for agents and queues, when it ends: by its timer, by hand, or by the next call.

use crate::Result;
use crate::broadcaster::{When, Work};
use model::agents::{Agent, Day, ended_wrap_ups};
use model::queues::Figures;
use model::{Handling, QueueId, TenantId};
use store::{calls, queues};

/// Counts the wrap-ups that end where `before` becomes `after`. Gives the queues whose numbers are
/// others now.
pub(crate) async fn count_wrap_ups(
    work: &mut Work<'_>,
    tenant: &TenantId,
    before: &Agent,
    after: &Agent,
    when: When,
) -> Result<Vec<QueueId>> {
    let mut counted = Vec::new();
    for (item, lasted) in ended_wrap_ups(before, after, when.at) {
        let handling = Handling::of_wrap_up(lasted);
        work.count_for_agent(tenant, &after.user, when, Day { handling, ..Day::default() });
        let Some(queue) = calls::queue_of_leg(work.conn(), tenant, &item.call, &item.leg).await? else {
            continue;
        };
        if queues::find(work.conn(), tenant, &queue).await?.is_none() {
            continue;
        }
        work.count_for_queue(tenant, &queue, when, Figures { handling, ..Figures::default() });
        counted.push(queue);
    }
    Ok(counted)
}
