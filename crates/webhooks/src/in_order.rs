//! The claimer's part for ordered endpoints: takes free lanes, and reads what comes next in those that are this server's.
//! Knows nothing of what order means.

use crate::claimer::EVER;
use crate::engine::Shared;
use crate::limits::QUEUES_TOGETHER;
use model::{TenantId, Timestamp, WebhookId};
use std::collections::HashSet;
use store::Result;
use store::lanes::queue::{self, Found, Part};
use store::lanes::{self, Owned, Seen};
use tokio::time::Instant;

/// Looks over all lanes in which something waits: takes the free ones, frees those that rest. `known`: those of the last time,
/// and then of this one.
pub(crate) async fn look(shared: &Shared, now: Timestamp, known: &mut Vec<WebhookId>) -> Result<()> {
    let mut reader = shared.store.read().await?;
    let seen = lanes::look(reader.conn(), &shared.server, known).await?;
    drop(reader);
    *known = seen.iter().map(|lane| lane.webhook).collect();
    let missing: Vec<&Seen> = shared.lanes(|lanes| {
        let is_missing = |lane: &&Seen| match lane.owned {
            Owned::Here => !lanes.holds(lane.webhook),
            Owned::Free => true,
            Owned::Elsewhere => false,
        };
        seen.iter().filter(is_missing).collect()
    });
    for lane in missing {
        acquire(shared, lane).await?;
    }
    let waiting: HashSet<WebhookId> = seen.iter().map(|lane| lane.webhook).collect();
    let (rested, next_due) = shared.lanes(|lanes| {
        for lane in seen.iter().filter(|lane| lane.owned == Owned::Here) {
            lanes.look(lane.webhook, lane.newest, lane.edits, now);
        }
        (lanes.rested(&waiting, Instant::now()), lanes.next_due_in_order(now))
    });
    if let Some(next) = next_due {
        shared.upkeep.due_at(next);
    }
    for (webhook, fence) in rested {
        let mut tx = shared.store.begin().await?;
        lanes::release(tx.conn(), webhook, &shared.server, fence).await?;
        tx.commit().await?;
    }
    Ok(())
}

async fn acquire(shared: &Shared, lane: &Seen) -> Result<()> {
    let generation = shared.lanes(|lanes| lanes.generation);
    let mut tx = shared.store.begin().await?;
    let fence = lanes::acquire(tx.conn(), &lane.tenant, lane.webhook, &shared.server).await?;
    tx.commit().await?;
    let Some(fence) = fence else { return Ok(()) };
    shared.lanes(|lanes| {
        // After a lapse of the lease it may be another's again; if not, the next look finds it.
        if lanes.generation == generation {
            lanes.hold(&lane.tenant, lane.webhook, fence, Instant::now());
        }
    });
    Ok(())
}

/// What to read of a lane.
struct Reading {
    tenant: TenantId,
    webhook: WebhookId,
    fence: i64,
    /// Behind which queue to look for queues.
    round: Option<i64>,
    limit: usize,
    due_at: Timestamp,
}

/// Reads on in a lane that wants it: one each time, so that the claimer's other work never waits for long.
pub(crate) async fn read(shared: &Shared) -> Result<()> {
    let now = shared.clock.now();
    let Some(reading) = shared.lanes(|lanes| next(lanes, now)) else { return Ok(()) };
    match read_lane(shared, &reading).await {
        Err(error) if !error.is_unavailable() => {
            tracing::error!(webhook_id = %reading.webhook, %error, "Webhook deliveries cannot be read; tried again later");
            let later = now.plus(crate::claimer::UNREADABLE_PAUSE);
            shared.lanes(|lanes| lanes.pause(reading.webhook, later));
            Ok(())
        }
        result => result,
    }
}

fn next(lanes: &mut crate::lanes::Lanes, now: Timestamp) -> Option<Reading> {
    let share = lanes.share();
    while let Some(webhook) = lanes.wanted_in_order.pop() {
        let Some(lane) = lanes.lanes.get(&webhook).filter(|lane| lane.wants_more_in_order()) else {
            continue;
        };
        let Some(ordered) = &lane.ordered else { continue };
        let limit = lane.ordered_ahead().saturating_sub(ordered.queued).min(lane.room(share));
        let (Some(tenant), Some(fence), true) = (lane.tenant.clone(), ordered.fence(), limit > 0) else {
            continue;
        };
        let due_at = if lane.closed { EVER } else { now };
        return Some(Reading { tenant, webhook, fence, round: ordered.round(), limit, due_at });
    }
    None
}

async fn read_lane(shared: &Shared, reading: &Reading) -> Result<()> {
    let Reading { tenant, webhook, .. } = reading;
    let mut reader = shared.store.read().await?;
    let listed = match reading.round {
        Some(after) => queue::queues(reader.conn(), tenant, *webhook, after, QUEUES_TOGETHER).await?,
        None => Vec::new(),
    };
    let parts = shared.lanes(|lanes| {
        let ordered = lanes.lanes.get_mut(webhook).and_then(|lane| lane.ordered.as_mut());
        let ordered = ordered.filter(|ordered| ordered.fence() == Some(reading.fence));
        ordered.map(|ordered| ordered.choose(&listed, reading.due_at, reading.limit)).unwrap_or_default()
    });
    let found = queue::read(reader.conn(), tenant, *webhook, &parts).await;
    drop(reader);
    let found = match found {
        Ok(found) => found,
        Err(error) => {
            shared.lanes(|lanes| {
                if let Some(ordered) = lanes.lanes.get_mut(webhook).and_then(|lane| lane.ordered.as_mut()) {
                    ordered.not_read(&parts);
                }
            });
            return Err(error);
        }
    };
    if !found.empty.is_empty() {
        tracing::warn!(webhook_id = %webhook, places = found.empty.len(), "Places without a delivery are removed");
        let mut tx = shared.store.begin().await?;
        queue::remove(tx.conn(), &found.empty).await?;
        tx.commit().await?;
    }
    shared.lanes(|lanes| take_in(lanes, reading, &parts, found));
    Ok(())
}

fn take_in(lanes: &mut crate::lanes::Lanes, reading: &Reading, parts: &[Part], mut found: Found) {
    let webhook = reading.webhook;
    let fence = lanes.lanes.get(&webhook).and_then(|lane| lane.ordered.as_ref()?.fence());
    // Whoever took it meanwhile reads for himself.
    if fence != Some(reading.fence) {
        return;
    }
    for part in parts {
        lanes.take_in(webhook, *part, found.deliveries.remove(&part.queue), reading.due_at);
    }
    lanes.want_in_order(webhook);
}
