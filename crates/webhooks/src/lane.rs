//! One endpoint's lane: what waits for it, what it has in flight, and whether it may have more. Knows no other lane. What
//! waits in order stands in `ordered`; the order is the delivery's, given when it was queued, so a lane may hold both.

pub(crate) mod ordered;

use crate::limits::{
    CLAIM_AHEAD, CLAIM_LEAST, DELIVERY_OVERHEAD, FAILING_AFTER, FAILING_AHEAD, GREATEST_PAYLOAD,
    LANE_IN_FLIGHT, LANE_QUEUE, ORDERED_AHEAD, SHARE, SILENCE,
};
use model::{TenantId, Timestamp};
use ordered::{InLane, Ordered};
use std::collections::VecDeque;
use store::deliveries::Delivery;
use tokio::time::Instant;

/// What is known of how an endpoint answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Nothing was heard from it yet.
    Untried,
    /// It answered last, or refused at once.
    Answers,
    /// It answers, or refuses at once, and has taken nothing for some attempts.
    Failing,
    /// Its last attempt timed out.
    Stalled,
}

/// Where a lane stands in the queue for senders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// Nowhere: nothing to send, or it waits for something of its own.
    Out,
    /// Among those that may send.
    Ready,
    /// Among those that wait for one of the places that its standing shares.
    InLine,
}

/// Whether a lane may start its next delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Start {
    /// Yes.
    Yes,
    /// No, and something of its own will tell when: an answer, a delivery, the end of a pause.
    No,
    /// Yes, if its standing has a place free.
    IfPlace,
}

pub(crate) struct Queued {
    pub(crate) delivery: Delivery,
    pub(crate) bytes: usize,
}

impl From<Delivery> for Queued {
    fn from(delivery: Delivery) -> Self {
        let bytes = delivery.payload.as_ref().map_or(0, |payload| payload.get().len()) + DELIVERY_OVERHEAD;
        Self { delivery, bytes }
    }
}

pub(crate) struct Lane {
    pub(crate) tenant: Option<TenantId>,
    pub(crate) queue: VecDeque<Queued>,
    /// Reserved, queued and in flight.
    pub(crate) bytes: usize,
    /// What a delivery of which nothing is known yet is taken to need: the mean of the last ones.
    expected: usize,
    pub(crate) reserved: usize,
    pub(crate) in_flight: usize,
    /// In flight or waiting to be recorded.
    pub(crate) unrecorded: usize,
    /// What waits in order, once this server has had the lane.
    pub(crate) ordered: Option<Box<Ordered>>,
    /// Whose turn it is when both have something.
    ordered_next: bool,
    /// Whether the database holds due deliveries that came before whatever comes now.
    pub(crate) behind: bool,
    /// From when on those are due that the database holds, as far as is known. The look over all endpoints finds what was
    /// committed late, or was another's, and is due for longer.
    pub(crate) due_from: Timestamp,
    /// Whether some that came before what waits in memory are just being committed. Nothing starts until they were claimed,
    /// which takes milliseconds: without that wait, a lane to which is published all the time would never be seen to have
    /// caught up.
    pub(crate) catching_up: bool,
    /// Whether the endpoint is switched off, so that what waits ends now, due or not.
    pub(crate) closed: bool,
    pub(crate) standing: Standing,
    /// Attempts in a row without success; one less than makes it fail while nothing is known.
    failures: u32,
    pub(crate) place: Place,
    pub(crate) paused_until: Option<Timestamp>,
    /// Whether the database says so too.
    pub(crate) pause_is_stored: bool,
    /// When it was last heard of, or began to have something in flight.
    pub(crate) heard_at: Instant,
    pub(crate) used_at: Instant,
}

impl Lane {
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            tenant: None,
            queue: VecDeque::new(),
            bytes: 0,
            expected: GREATEST_PAYLOAD + DELIVERY_OVERHEAD,
            reserved: 0,
            in_flight: 0,
            unrecorded: 0,
            ordered: None,
            ordered_next: false,
            behind: true,
            due_from: Timestamp(0),
            catching_up: false,
            closed: false,
            standing: Standing::Untried,
            failures: FAILING_AFTER - 1,
            place: Place::Out,
            paused_until: None,
            pause_is_stored: false,
            heard_at: now,
            used_at: now,
        }
    }

    /// Learns how the endpoint stands after an attempt, and whether that brought success; no word on it if the endpoint asked to
    /// be left alone.
    pub(crate) fn learn(&mut self, standing: Standing, success: Option<bool>) {
        self.failures = match success {
            Some(true) => 0,
            Some(false) => self.failures.saturating_add(1),
            None => self.failures,
        };
        let fails = standing == Standing::Answers && self.failures >= FAILING_AFTER;
        self.standing = if fails { Standing::Failing } else { standing };
    }

    fn left_to_fail(&self) -> usize {
        usize::try_from(FAILING_AFTER.saturating_sub(self.failures)).unwrap_or(0)
    }

    /// Whether its next delivery may start while `free` of the places for unrecorded attempts are free.
    pub(crate) fn may_start(&self, free: usize, now: Instant, clock: Timestamp) -> Start {
        let paused = self.paused_until.is_some_and(|until| until > clock);
        if !self.has_next() || (paused && !self.closed) {
            return Start::No;
        }
        if self.in_flight == 0 {
            return if self.standing == Standing::Answers { Start::Yes } else { Start::IfPlace };
        }
        // After a failure no more than are needed to know whether it fails.
        let doubtful = if self.failures == 0 { LANE_IN_FLIGHT } else { self.left_to_fail() };
        let most = doubtful.min(free / SHARE);
        let silent = now.duration_since(self.heard_at) > SILENCE;
        let answers = self.closed || self.standing == Standing::Answers;
        let more = answers && !silent && self.in_flight < most;
        if more { Start::Yes } else { Start::No }
    }

    /// Whether a delivery waits in memory that nothing before it holds back.
    pub(crate) fn has_next(&self) -> bool {
        self.may_pop_queue() || self.ordered.as_ref().is_some_and(|ordered| ordered.has_ready())
    }

    fn may_pop_queue(&self) -> bool {
        !self.queue.is_empty() && !self.catching_up
    }

    /// The next delivery; those in order and the others take turns.
    pub(crate) fn pop(&mut self) -> Option<(Queued, Option<InLane>)> {
        self.ordered_next = !self.ordered_next;
        let in_order = |lane: &mut Self| {
            lane.ordered
                .as_mut()
                .and_then(|ordered| ordered.pop())
                .map(|(queued, place)| (queued, Some(place)))
        };
        let other = |lane: &mut Self| {
            let queued = lane.may_pop_queue().then(|| lane.queue.pop_front()).flatten()?;
            Some((queued, None))
        };
        if self.ordered_next {
            in_order(self).or_else(|| other(self))
        } else {
            other(self).or_else(|| in_order(self))
        }
    }

    /// Whether a new delivery may wait in memory, having `share` bytes.
    pub(crate) fn has_room(&self, bytes: usize, share: usize) -> bool {
        self.queue.len() + self.reserved < LANE_QUEUE && self.bytes + bytes <= share
    }

    /// Counts a delivery that came into memory.
    pub(crate) fn has_come(&mut self, bytes: usize) {
        self.bytes += bytes;
        self.expected = ((self.expected * 7 + bytes) / 8).max(1);
    }

    /// How many deliveries may come into memory without exceeding `share` bytes, if they are like the last ones. A lane that has
    /// nothing there gets one as long as there is a share at all.
    pub(crate) fn room(&self, share: usize) -> usize {
        let least = usize::from(self.bytes == 0 && share > 0);
        (share.saturating_sub(self.bytes) / self.expected).max(least)
    }

    /// How many deliveries to keep in memory of those that the database holds.
    fn claim_ahead(&self) -> usize {
        self.ahead(CLAIM_AHEAD)
    }

    /// The same of those that wait in order.
    pub(crate) fn ordered_ahead(&self) -> usize {
        self.ahead(ORDERED_AHEAD)
    }

    fn ahead(&self, of_one_that_answers: usize) -> usize {
        match self.standing {
            _ if self.closed => of_one_that_answers,
            Standing::Answers => of_one_that_answers,
            Standing::Failing => FAILING_AHEAD,
            Standing::Untried | Standing::Stalled => 1,
        }
    }

    /// How many to claim now, having `share` bytes. None while it still has plenty to send and could take in only a few.
    pub(crate) fn claim_now(&self, share: usize) -> usize {
        // What waits in memory came later than what is claimed to catch up.
        let (ahead, waiting) =
            if self.catching_up { (CLAIM_AHEAD, 0) } else { (self.claim_ahead(), self.queue.len()) };
        let most = ahead.saturating_sub(waiting).min(self.room(share));
        if waiting > self.claim_least() && most < self.claim_least() { 0 } else { most }
    }

    /// What is worth a claim.
    fn claim_least(&self) -> usize {
        CLAIM_LEAST.min(self.claim_ahead().div_ceil(2))
    }

    /// Whether the database should be asked for more now.
    pub(crate) fn wants_more(&self) -> bool {
        self.behind
            && self.queue.len() + self.claim_least() <= self.claim_ahead()
            && self.paused_until.is_none()
    }

    /// The same for what waits in order.
    pub(crate) fn wants_more_in_order(&self) -> bool {
        let wants = self.ordered.as_ref().is_some_and(|ordered| ordered.wants_more(self.ordered_ahead()));
        wants && (self.closed || self.paused_until.is_none())
    }

    /// Adds a delivery, in its event's order among those that wait. Commits that finish out of order, at worst, come by
    /// here out of order.
    pub(crate) fn push_new(&mut self, queued: Queued) {
        let after = |other: &Queued| match (other.delivery.event_seq, queued.delivery.event_seq) {
            (Some(other), Some(new)) => other > new,
            _ => false,
        };
        let at = self.queue.len() - self.queue.iter().rev().take_while(|other| after(other)).count();
        self.queue.insert(at, queued);
    }

    /// Whether nothing would be lost by forgetting it.
    pub(crate) fn is_idle(&self) -> bool {
        let empty = self.queue.is_empty() && self.reserved == 0 && self.unrecorded == 0;
        let held =
            self.ordered.as_ref().is_some_and(|ordered| ordered.fence().is_some() || !ordered.is_idle());
        empty && !held && self.paused_until.is_none() && self.place == Place::Out
    }
}
