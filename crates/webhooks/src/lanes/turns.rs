//! Whose turn it is: lanes take turns, within the bounds on attempts in flight and not yet recorded.

use super::{Lanes, OfTenant};
use crate::lane::ordered::{InLane, Outcome};
use crate::lane::{Place, Queued, Standing, Start};
use crate::limits::{FAILING_TOGETHER, STALLED_TOGETHER, TENANT_SHARE, UNRECORDED, UNTRIED_TOGETHER};
use model::{TenantId, Timestamp, WebhookId};
use store::deliveries::Delivery;
use tokio::time::Instant;

/// A delivery on its way through a sender.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) delivery: Delivery,
    pub(crate) bytes: usize,
    /// Its place among the unrecorded.
    pub(crate) slot: usize,
    /// The standing whose shared place it holds.
    shared: Option<Standing>,
    /// Which tenure of the lease it belongs to.
    pub(crate) generation: u64,
    /// Its place in the lane, if it goes in order.
    pub(crate) place: Option<InLane>,
}

/// What an attempt told about its endpoint.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Lesson {
    /// How the endpoint stands now; unchanged if the attempt told nothing.
    pub(crate) standing: Option<Standing>,
    /// Whether it took the delivery; nothing is said of that by a pause.
    pub(crate) success: Option<bool>,
    /// It asked for a pause until then.
    pub(crate) pause: Option<Timestamp>,
    /// It is switched off.
    pub(crate) closed: Option<bool>,
    /// Nothing is left to decide: this delivery is over.
    pub(crate) ended: bool,
}

impl Lanes {
    /// Enters a lane with something to send among those whose turn comes.
    pub(super) fn make_ready(&mut self, webhook: WebhookId) {
        let Some(lane) = self.lanes.get_mut(&webhook) else { return };
        if let (Place::Out, true, Some(tenant)) = (lane.place, lane.has_next(), &lane.tenant) {
            lane.place = Place::Ready;
            self.ready.push(tenant, webhook);
            self.wake_senders = true;
        }
    }

    /// The next delivery to send, if there is one that may be sent now. Tenants take turns, and the lanes of each.
    pub(crate) fn take(&mut self, now: Instant, clock: Timestamp) -> Option<Job> {
        self.admit_waiting(now);
        for _ in 0..self.ready.len() {
            let free = UNRECORDED - self.unrecorded();
            if free == 0 {
                return None;
            }
            let (own, places) = (&self.of_tenants, UNRECORDED - self.in_flight);
            let left = |tenant: &TenantId| left(own.get(tenant).map(|own| own.in_flight), places);
            let (webhook, left) = self.ready.pop(left)?;
            let Some(lane) = self.lanes.get_mut(&webhook) else { continue };
            lane.place = Place::Out;
            match lane.may_start(free.min(left), now, clock) {
                Start::No => {}
                Start::Yes => return self.start(webhook, None, now),
                Start::IfPlace => {
                    let standing = lane.standing;
                    let (at, together) = shared_places(standing);
                    let Some(tenant) = lane.tenant.clone() else { continue };
                    let places = self.free_places(at, together);
                    let own = self.of_tenants.get(&tenant);
                    let may_share = places.is_some_and(|places| left_to_share(own, at, places) > 0);
                    if may_share && (standing != Standing::Failing || self.pace.take(now)) {
                        return self.start(webhook, Some(standing), now);
                    }
                    if let Some(lane) = self.lanes.get_mut(&webhook) {
                        lane.place = Place::InLine;
                    }
                    self.waiting[at].push(&tenant, webhook);
                }
            }
        }
        None
    }

    /// What is free of a kind of shared places, and of all; nothing if one of them is used up, or results fill them.
    fn free_places(&self, at: usize, together: usize) -> Option<(usize, usize)> {
        let (shared, all) = (together - self.shared[at], UNRECORDED - self.in_flight);
        (shared > 0 && self.unrecorded() < UNRECORDED).then_some((shared, all))
    }

    fn start(&mut self, webhook: WebhookId, shared: Option<Standing>, now: Instant) -> Option<Job> {
        let lane = self.lanes.get_mut(&webhook)?;
        let (Queued { delivery, bytes }, place) = lane.pop()?;
        if lane.in_flight == 0 {
            lane.heard_at = now;
        }
        lane.in_flight += 1;
        lane.unrecorded += 1;
        lane.used_at = now;
        if lane.wants_more() {
            self.wanted.insert(webhook);
            self.wake_claimer = true;
        }
        self.want_in_order(webhook);
        self.queued -= 1;
        self.in_flight += 1;
        let own = self.of_tenants.entry(delivery.tenant.clone()).or_default();
        own.in_flight += 1;
        if let Some(standing) = shared {
            own.shared[shared_places(standing).0] += 1;
            self.shared[shared_places(standing).0] += 1;
        }
        let slot = self.free_slots.pop().unwrap_or_else(|| {
            self.slots.push(None);
            self.slots.len() - 1
        });
        self.slots[slot] = Some((delivery.tenant.clone(), delivery.id));
        self.make_ready(webhook);
        Some(Job { delivery, bytes, slot, shared, generation: self.generation, place })
    }

    /// Notes that an attempt is over; it keeps its place among the unrecorded.
    pub(crate) fn answered(&mut self, job: &Job, lesson: Lesson, now: Instant) {
        self.in_flight -= 1;
        self.bytes = self.bytes.saturating_sub(job.bytes);
        let webhook = job.delivery.webhook;
        let tenant = &job.delivery.tenant;
        let own = self.of_tenants.entry(tenant.clone()).or_default();
        own.in_flight -= 1;
        if let Some(standing) = job.shared {
            own.shared[shared_places(standing).0] -= 1;
            self.shared[shared_places(standing).0] -= 1;
        }
        if own.in_flight == 0 {
            self.of_tenants.remove(tenant);
        }
        let Some(lane) = self.lanes.get_mut(&webhook) else { return };
        lane.in_flight -= 1;
        lane.bytes = lane.bytes.saturating_sub(job.bytes);
        lane.heard_at = now;
        if let Some(standing) = lesson.standing {
            lane.learn(standing, lesson.success);
        }
        lane.closed = lesson.closed.unwrap_or(lane.closed);
        if let (Some(place), Some(ordered), true) = (job.place, &mut lane.ordered, lesson.ended) {
            ordered.ended(place.queue, job.delivery.id);
        }
        if let Some(until) = lesson.pause {
            self.pause(webhook, until);
        }
        let Some(lane) = self.lanes.get(&webhook) else { return };
        if lane.wants_more() {
            self.wanted.insert(webhook);
            self.wake_claimer = true;
        }
        self.want_in_order(webhook);
        self.make_ready(webhook);
        self.wake_senders |= self.has_candidates();
    }

    /// Readies one lane for each kind of shared place of which one is free.
    fn admit_waiting(&mut self, now: Instant) {
        for (at, together) in [Standing::Untried, Standing::Stalled, Standing::Failing].map(shared_places) {
            let paced = at == shared_places(Standing::Failing).0;
            let Some(places) = self.free_places(at, together) else { continue };
            while !paced || self.pace.has_turn(now) {
                let own = &self.of_tenants;
                let left = |tenant: &TenantId| left_to_share(own.get(tenant), at, places);
                let Some((next, _)) = self.waiting[at].pop(left) else { break };
                let before = self.ready.len();
                if let Some(lane) = self.lanes.get_mut(&next) {
                    lane.place = Place::Out;
                }
                self.make_ready(next);
                if self.ready.len() > before {
                    break;
                }
            }
        }
    }

    /// Notes that an attempt's result is in the database, and what it means for the lane in which it went.
    pub(crate) fn recorded(&mut self, webhook: WebhookId, slot: usize, in_lane: Option<(i64, Outcome)>) {
        let key = self.slots[slot].take();
        if let (Some((queue, outcome)), Some((_, log))) = (in_lane, key) {
            self.recorded_in_order(webhook, queue, log, outcome);
        }
        self.free_slots.push(slot);
        if let Some(lane) = self.lanes.get_mut(&webhook) {
            lane.unrecorded -= 1;
        }
        self.wake_senders |= self.has_candidates();
    }

    /// When a lane that fails has its next turn, if one waits for it.
    pub(crate) fn next_turn(&self) -> Option<Instant> {
        let (at, together) = shared_places(Standing::Failing);
        let places = self.free_places(at, together)?;
        let may = |tenant: &TenantId| left_to_share(self.of_tenants.get(tenant), at, places) > 0;
        self.pace.next().filter(|_| self.waiting[at].any(may))
    }

    /// Whether some lane may be able to send.
    pub(crate) fn has_candidates(&self) -> bool {
        !self.ready.is_empty() || self.waiting.iter().any(|waiting| !waiting.is_empty())
    }
}

/// How many more a tenant may have that has so many, while so many are free: as many as leave it below its share of the rest.
fn left(own: Option<usize>, free: usize) -> usize {
    (TENANT_SHARE * free).saturating_sub(own.unwrap_or(0)).div_ceil(TENANT_SHARE + 1)
}

/// How many more of a kind of shared places a tenant may have, while so many of them and of all places are free.
fn left_to_share(own: Option<&OfTenant>, at: usize, (shared, all): (usize, usize)) -> usize {
    let of_all = left(own.map(|own| own.in_flight), all);
    left(own.map(|own| own.shared[at]), shared).min(of_all)
}

/// Which shared places lanes of that standing take, and how many of them there are.
fn shared_places(standing: Standing) -> (usize, usize) {
    match standing {
        Standing::Untried | Standing::Answers => (0, UNTRIED_TOGETHER),
        Standing::Stalled => (1, STALLED_TOGETHER),
        Standing::Failing => (2, FAILING_TOGETHER),
    }
}
