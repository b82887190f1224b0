//! Counts the paper work after calls for their queues, when it ends: by its timer, by hand, or by the next call.

use crate::Result;
use crate::broadcaster::Work;
use model::agents::{Agent, VoicePhase, WorkItem};
use model::queues::Day;
use model::{TenantId, Timestamp};
use store::{calls, queues};

/// Counts the wrap-ups that `before` had and `after` no longer has for the tenant's `day`.
pub(crate) async fn count_wrap_ups(
    work: &mut Work<'_>,
    tenant: &TenantId,
    before: &Agent,
    after: &Agent,
    day: i64,
    now: Timestamp,
) -> Result<()> {
    let goes_on =
        |item: &WorkItem| after.work.iter().any(|one| one.leg == item.leg && one.phase == item.phase);
    let ended = before.work.iter().filter(|item| item.phase == VoicePhase::WrapUp && !goes_on(item));
    for item in ended {
        let Some(queue) = calls::queue_of_leg(work.conn(), tenant, &item.call, &item.leg).await? else {
            continue;
        };
        if queues::find(work.conn(), tenant, &queue).await?.is_none() {
            continue;
        }
        let mut more = Day::default();
        // The timer may be late; the agent was done in time.
        more.wrapped_up(item.until.map_or(now, |until| until.min(now)).since(item.since));
        work.count(tenant, &queue, day, more);
    }
    Ok(())
}
