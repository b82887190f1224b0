//! Lanes that are this server's: takes them, loses them, and takes in what was read for them.

use super::Lanes;
use crate::lane::ordered::{Ordered, Outcome};
use crate::lane::{Lane, Queued};
use crate::limits::LANE_REST;
use model::{LogId, TenantId, Timestamp, WebhookId};
use std::collections::{HashMap, HashSet};
use store::deliveries::Delivery;
use store::lanes::queue::Part;
use tokio::time::Instant;

impl Lanes {
    /// The lane is this server's, with that fence.
    pub(crate) fn hold(&mut self, tenant: &TenantId, webhook: WebhookId, fence: i64, now: Instant) {
        let lane = self.lane(webhook, now);
        lane.tenant.get_or_insert_with(|| tenant.clone());
        match &mut lane.ordered {
            Some(ordered) => ordered.hold(fence),
            None => lane.ordered = Some(Box::new(Ordered::new(fence))),
        }
        self.want_in_order(webhook);
    }

    pub(crate) fn holds(&self, webhook: WebhookId) -> bool {
        let ordered = self.lanes.get(&webhook).and_then(|lane| lane.ordered.as_ref());
        ordered.is_some_and(|ordered| ordered.fence().is_some())
    }

    /// The lane may be another server's: forgets what waits in it.
    pub(super) fn lose(&mut self, webhook: WebhookId) {
        let Some(lane) = self.lanes.get_mut(&webhook) else { return };
        let Some(ordered) = &mut lane.ordered else { return };
        let queued = ordered.queued;
        let bytes = ordered.lose();
        lane.bytes = lane.bytes.saturating_sub(bytes);
        self.bytes = self.bytes.saturating_sub(bytes);
        self.queued -= queued;
    }

    /// Notes what a look saw in a lane of this server's.
    pub(crate) fn look(&mut self, webhook: WebhookId, newest: LogId, edits: i64, clock: Timestamp) {
        let Some(ordered) = self.lanes.get_mut(&webhook).and_then(|lane| lane.ordered.as_mut()) else {
            return;
        };
        ordered.look(newest, edits, clock);
        self.want_in_order(webhook);
    }

    /// Something was queued in the lane, or all of it is to be looked at anew. Gives whether the lane is this server's.
    pub(crate) fn wake_in_order(&mut self, webhook: WebhookId) -> bool {
        if let Some(ordered) = self.lanes.get_mut(&webhook).and_then(|lane| lane.ordered.as_mut()) {
            ordered.wake();
            self.want_in_order(webhook);
        }
        self.holds(webhook)
    }

    /// Has the database asked for more of a lane that wants it.
    pub(crate) fn want_in_order(&mut self, webhook: WebhookId) {
        if self.lanes.get(&webhook).is_some_and(Lane::wants_more_in_order) {
            self.wanted_in_order.insert(webhook);
            self.wake_claimer = true;
        }
    }

    /// Takes in a part of a queue.
    pub(crate) fn take_in(
        &mut self,
        webhook: WebhookId,
        part: Part,
        found: Option<(Timestamp, Vec<Delivery>)>,
        due_at: Timestamp,
    ) {
        let Some(lane) = self.lanes.get_mut(&webhook) else { return };
        let Some(ordered) = &mut lane.ordered else { return };
        let (due, rows) = found.unwrap_or((due_at, Vec::new()));
        let queued: Vec<Queued> = rows.into_iter().map(Queued::from).collect();
        let sizes: Vec<usize> = queued.iter().map(|queued| queued.bytes).collect();
        if ordered.take_in(part, due, due_at, queued).is_empty() {
            self.queued += sizes.len();
            self.bytes += sizes.iter().sum::<usize>();
            sizes.into_iter().for_each(|bytes| lane.has_come(bytes));
        }
        self.make_ready(webhook);
    }

    /// What became of a delivery in a lane is written down.
    pub(super) fn recorded_in_order(&mut self, webhook: WebhookId, queue: i64, log: LogId, outcome: Outcome) {
        let Some(lane) = self.lanes.get_mut(&webhook) else { return };
        let Some(ordered) = &mut lane.ordered else { return };
        let dropped = ordered.recorded(queue, log, outcome);
        let bytes: usize = dropped.iter().map(|queued| queued.bytes).sum();
        lane.bytes = lane.bytes.saturating_sub(bytes);
        self.bytes = self.bytes.saturating_sub(bytes);
        self.queued -= dropped.len();
        if outcome == Outcome::Lost {
            self.lose(webhook);
        }
        self.make_ready(webhook);
        self.want_in_order(webhook);
    }

    /// When the next delivery is due that waits for its retry in a lane of this server's.
    pub(crate) fn next_due_in_order(&self, clock: Timestamp) -> Option<Timestamp> {
        let due = self.lanes.values().filter_map(|lane| lane.ordered.as_ref()?.next_due());
        due.filter(|due| *due > clock).min()
    }

    /// Lanes of this server's that have had nothing to do for long, with their fences; they are lost. `waiting` are those
    /// in which something waits in the database.
    pub(crate) fn rested(&mut self, waiting: &HashSet<WebhookId>, now: Instant) -> Vec<(WebhookId, i64)> {
        let mut rested = HashMap::new();
        for (webhook, lane) in &mut self.lanes {
            let Some(ordered) = &mut lane.ordered else { continue };
            let Some(fence) = ordered.fence().filter(|_| ordered.is_idle() && !waiting.contains(webhook))
            else {
                ordered.idle_since = None;
                continue;
            };
            if now.duration_since(*ordered.idle_since.get_or_insert(now)) >= LANE_REST {
                rested.insert(*webhook, fence);
            }
        }
        rested.keys().for_each(|webhook| self.lose(*webhook));
        rested.into_iter().collect()
    }
}
