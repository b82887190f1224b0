//! All lanes and the room in memory that they share. Plain state behind one lock; knows no database, no socket and no
//! clock but the moments it is given.

mod pace;
mod queue;
mod tenure;
#[cfg(test)]
mod tests;
mod turns;
mod wanted;

use crate::lane::{Lane, Queued};
use crate::limits::{CLAIM_AHEAD, LANE_IDLE, LATE_COMMITS, MEMORY, REFUSED, SHARE};
use model::{TenantId, Timestamp, WebhookId};
use pace::Pace;
use queue::Queue;
use std::collections::{BTreeSet, HashMap, HashSet};
use store::deliveries::{Delivery, Key};
use tokio::time::Instant;
pub(crate) use turns::{Job, Lesson};
use wanted::Wanted;

/// A tenant's attempts in flight, and which of them hold shared places.
#[derive(Debug, Default)]
struct OfTenant {
    in_flight: usize,
    shared: [usize; 3],
}

#[derive(Default)]
pub(crate) struct Lanes {
    pub(crate) lanes: HashMap<WebhookId, Lane>,
    ready: Queue,
    waiting: [Queue; 3],
    shared: [usize; 3],
    /// Attempts in flight of each tenant that has some.
    of_tenants: HashMap<TenantId, OfTenant>,
    pace: Pace,
    /// Unrecorded attempts; never more than [`UNRECORDED`].
    slots: Vec<Option<Key>>,
    free_slots: Vec<usize>,
    pub(crate) in_flight: usize,
    pub(crate) queued: usize,
    pub(crate) bytes: usize,
    /// Counts the tenures of the lease.
    pub(crate) generation: u64,
    /// The tenure in which all endpoints were looked at: those with due deliveries have a lane since.
    pub(crate) looked_around: Option<u64>,
    /// Lanes that refused a delivery whose commit was not yet heard of, and since when.
    refused: HashMap<WebhookId, Instant>,
    /// Lanes that the database should be asked about now.
    pub(crate) wanted: Wanted,
    /// The same for what waits in order.
    pub(crate) wanted_in_order: Wanted,
    paused: BTreeSet<(Timestamp, WebhookId)>,
    /// Whether senders, or the claimer, have something to do since they were last woken.
    pub(crate) wake_senders: bool,
    pub(crate) wake_claimer: bool,
}

impl Lanes {
    pub(crate) fn unrecorded(&self) -> usize {
        self.slots.len() - self.free_slots.len()
    }

    /// What one lane may hold in memory now.
    pub(crate) fn share(&self) -> usize {
        MEMORY.saturating_sub(self.bytes) / SHARE
    }

    pub(crate) fn lane(&mut self, webhook: WebhookId, now: Instant) -> &mut Lane {
        let lane = self.lanes.entry(webhook).or_insert_with(|| Lane::new(now));
        lane.used_at = now;
        lane
    }

    /// Makes room for one delivery that is about to be written. Without room the lane goes by the database until it has
    /// caught up there.
    pub(crate) fn reserve(&mut self, webhook: WebhookId, bytes: usize, now: Instant) -> Option<u64> {
        let share = self.share();
        if !self.lanes.contains_key(&webhook) && self.looked_around == Some(self.generation) {
            self.open(webhook, now);
        }
        let lane = self.lane(webhook, now);
        if !lane.behind && !lane.closed && lane.has_room(bytes, share) {
            lane.reserved += 1;
            lane.bytes += bytes;
            self.bytes += bytes;
            return Some(self.generation);
        }
        self.refuse(webhook, now);
        None
    }

    /// A delivery that is about to be written goes by the database, and with it what comes behind it.
    pub(crate) fn refuse(&mut self, webhook: WebhookId, now: Instant) {
        self.lane(webhook, now);
        self.fall_behind(webhook);
        self.refused.entry(webhook).or_insert(now);
    }

    /// A lane for an endpoint for which nothing was waiting a moment ago: what comes may wait in memory at once, until the
    /// database has been asked. If it were refused, it would have to be claimed, and the lane would have to catch up.
    fn open(&mut self, webhook: WebhookId, now: Instant) {
        let lane = self.lane(webhook, now);
        (lane.behind, lane.catching_up) = (false, true);
        self.wanted.insert(webhook);
        self.wake_claimer = true;
    }

    /// From now on the lane goes by the database.
    pub(crate) fn fall_behind(&mut self, webhook: WebhookId) {
        let Some(lane) = self.lanes.get_mut(&webhook) else { return };
        lane.behind = true;
        if std::mem::take(&mut lane.catching_up) {
            self.make_ready(webhook);
        }
    }

    /// What was due in the database is in memory now, or with `rows_left` a part of it. If it is all of it, what is published
    /// from now on may wait in memory, behind what was refused before and is just being committed. A lane in whose memory something
    /// waits behind those that are left has them claimed first, as many as it would claim ahead.
    pub(crate) fn claimed(&mut self, webhook: WebhookId, rows_left: bool, now: Instant) {
        let refused = self.refused.contains_key(&webhook) || self.wanted.contains(webhook);
        let lane = self.lane(webhook, now);
        let goes_on = rows_left && lane.catching_up && lane.queue.len() < CLAIM_AHEAD;
        lane.behind = rows_left && !goes_on;
        lane.catching_up = goes_on || (refused && !rows_left);
        if goes_on || (rows_left && lane.wants_more()) {
            self.wanted.insert(webhook);
        }
        self.make_ready(webhook);
    }

    /// The database has a delivery that is due since then, and none that is due for longer.
    pub(crate) fn is_due(&mut self, webhook: WebhookId, since: Timestamp, now: Instant) {
        let lane = self.lane(webhook, now);
        lane.due_from = lane.due_from.min(since);
        self.wanted.insert(webhook);
    }

    /// What was claimed last was due then: the next claim looks from there on, less what commits take. One that was refused is due
    /// later than it was refused.
    pub(crate) fn claimed_until(
        &mut self,
        webhook: WebhookId,
        due: Timestamp,
        clock: Timestamp,
        now: Instant,
    ) {
        let refused = self.refused.get(&webhook).map(|since| clock.minus(now.duration_since(*since)));
        let until = refused.into_iter().fold(due.min(clock), Timestamp::min);
        self.lane(webhook, now).due_from = until.minus(LATE_COMMITS);
    }

    /// What was refused was committed, so that the database has it; gives whether anything was refused.
    pub(crate) fn refused_is_committed(&mut self, webhook: WebhookId) -> bool {
        let was_refused = self.refused.remove(&webhook).is_some();
        if was_refused {
            self.wanted.insert(webhook);
        }
        was_refused
    }

    /// Lanes that wait for a claim get one, whatever became of the one that was asked for.
    pub(crate) fn want_all_that_catch_up(&mut self) {
        let waiting = self.lanes.iter().filter(|(_, lane)| lane.catching_up).map(|(webhook, _)| *webhook);
        self.wanted.extend(waiting);
    }

    /// What was refused long ago is committed, or never will be.
    pub(crate) fn end_old_refusals(&mut self, now: Instant) {
        let old = |_: &WebhookId, since: &mut Instant| now.duration_since(*since) > REFUSED;
        self.wanted.extend(self.refused.extract_if(old).map(|(webhook, _)| webhook));
    }

    /// Gives a reservation's room back.
    pub(crate) fn unreserve(&mut self, webhook: WebhookId, bytes: usize) {
        self.bytes = self.bytes.saturating_sub(bytes);
        if let Some(lane) = self.lanes.get_mut(&webhook) {
            lane.reserved = lane.reserved.saturating_sub(1);
            lane.bytes = lane.bytes.saturating_sub(bytes);
        }
    }

    /// Queues a delivery.
    pub(crate) fn push(&mut self, delivery: Delivery, bytes: usize, now: Instant) {
        let webhook = delivery.webhook;
        self.bytes += bytes;
        self.queued += 1;
        let lane = self.lane(webhook, now);
        lane.has_come(bytes);
        lane.tenant.get_or_insert_with(|| delivery.tenant.clone());
        if delivery.attempts == 0 {
            lane.push_new(Queued { delivery, bytes });
        } else {
            lane.queue.push_back(Queued { delivery, bytes });
        }
        self.make_ready(webhook);
    }

    /// The keys of the unrecorded attempts.
    pub(crate) fn unrecorded_keys(&self) -> Vec<Key> {
        self.slots.iter().flatten().cloned().collect()
    }

    /// The keys of those endpoints' deliveries in memory, and of all unrecorded ones.
    pub(crate) fn keys(&self, webhooks: impl Iterator<Item = WebhookId>) -> HashSet<Key> {
        let waiting = webhooks.filter_map(|webhook| self.lanes.get(&webhook)).flat_map(|lane| &lane.queue);
        let waiting = waiting.map(|queued| (queued.delivery.tenant.clone(), queued.delivery.id));
        waiting.chain(self.slots.iter().flatten().cloned()).collect()
    }

    /// When the next pause ends.
    pub(crate) fn next_pause_end(&self) -> Option<Timestamp> {
        self.paused.first().map(|(until, _)| *until)
    }

    /// Forgets what waits in memory for one endpoint.
    pub(crate) fn clear(&mut self, webhook: WebhookId) {
        let Some(lane) = self.lanes.get_mut(&webhook) else { return };
        let bytes: usize = lane.queue.iter().map(|queued| queued.bytes).sum();
        self.queued -= lane.queue.len();
        self.bytes = self.bytes.saturating_sub(bytes);
        lane.bytes = lane.bytes.saturating_sub(bytes);
        lane.queue.clear();
        self.lose(webhook);
    }

    /// The lease is lost: forgets all that waits. What is in flight goes on.
    pub(crate) fn forget(&mut self) {
        self.generation += 1;
        for webhook in self.lanes.keys().copied().collect::<Vec<_>>() {
            self.clear(webhook);
        }
        for lane in self.lanes.values_mut() {
            (lane.behind, lane.catching_up) = (true, false);
            lane.due_from = Timestamp(0);
        }
    }

    /// Leaves an endpoint alone until then, or longer where it is paused for longer.
    pub(crate) fn pause(&mut self, webhook: WebhookId, until: Timestamp) {
        let Some(lane) = self.lanes.get_mut(&webhook) else { return };
        if lane.paused_until.is_some_and(|before| before >= until) {
            return;
        }
        if let Some(before) = lane.paused_until.replace(until) {
            self.paused.remove(&(before, webhook));
        }
        lane.pause_is_stored = false;
        self.paused.insert((until, webhook));
        self.wake_claimer = true;
    }

    /// The pauses that the database has, as far as is known.
    pub(crate) fn stored_pauses(&self) -> Vec<(Timestamp, WebhookId)> {
        let is_stored = |webhook| self.lanes.get(webhook).is_some_and(|lane| lane.pause_is_stored);
        self.paused.iter().filter(|(_, webhook)| is_stored(webhook)).copied().collect()
    }

    /// A pause is in the database.
    pub(crate) fn pause_is_stored(&mut self, webhook: WebhookId, until: Timestamp) {
        if let Some(lane) = self.lanes.get_mut(&webhook) {
            lane.pause_is_stored |= lane.paused_until == Some(until);
        }
    }

    /// Takes over which endpoints asked to be left alone, as the database has it: they may have told another server, or
    /// somebody may have ended what was stored `before` the database was asked.
    pub(crate) fn learn_pauses(
        &mut self,
        stored: &HashMap<WebhookId, Timestamp>,
        before: &[(Timestamp, WebhookId)],
        now: Instant,
    ) {
        for (webhook, until) in stored {
            self.lane(*webhook, now);
            self.pause(*webhook, *until);
            self.pause_is_stored(*webhook, *until);
        }
        for pause in before.iter().filter(|(_, webhook)| !stored.contains_key(webhook)) {
            if self.paused.contains(pause) {
                self.end_pause(*pause);
            }
        }
    }

    fn end_pause(&mut self, pause: (Timestamp, WebhookId)) {
        self.paused.remove(&pause);
        let webhook = pause.1;
        if let Some(lane) = self.lanes.get_mut(&webhook) {
            lane.paused_until = None;
            self.wanted.insert(webhook);
            self.wanted_in_order.insert(webhook);
            self.wake_claimer = true;
        }
        self.make_ready(webhook);
    }

    /// Ends pauses whose time has come.
    pub(crate) fn unpause(&mut self, clock: Timestamp) {
        while let Some(&(until, webhook)) = self.paused.first() {
            if until > clock {
                break;
            }
            self.end_pause((until, webhook));
        }
    }

    /// Forgets lanes that had nothing to do for long.
    pub(crate) fn sweep(&mut self, now: Instant) {
        self.lanes.retain(|_, lane| !lane.is_idle() || now.duration_since(lane.used_at) < LANE_IDLE);
    }
}
