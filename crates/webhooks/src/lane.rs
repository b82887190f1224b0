//! One endpoint's lane: what waits for it, what it has in flight, and whether it may have more. Knows no other lane.

use crate::limits::{CLAIM_AHEAD, CLAIM_AHEAD_ORDERED, LANE_IN_FLIGHT, LANE_QUEUE, SHARE, SILENCE};
use model::webhook::Ordering;
use model::{TenantId, Timestamp};
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

pub(crate) struct Lane {
    pub(crate) tenant: Option<TenantId>,
    pub(crate) queue: VecDeque<Queued>,
    /// Reserved, queued and in flight.
    pub(crate) bytes: usize,
    pub(crate) reserved: usize,
    pub(crate) in_flight: usize,
    /// In flight or waiting to be recorded.
    pub(crate) unrecorded: usize,
    /// The endpoint's order, once its row was read.
    pub(crate) ordering: Option<Ordering>,
    /// Whether the database holds due deliveries that came before whatever comes now.
    pub(crate) behind: bool,
    /// Whether the endpoint is switched off, so that what waits ends now, due or not.
    pub(crate) closed: bool,
    pub(crate) standing: Standing,
    pub(crate) place: Place,
    pub(crate) paused_until: Option<Timestamp>,
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
            reserved: 0,
            in_flight: 0,
            unrecorded: 0,
            ordering: None,
            behind: true,
            closed: false,
            standing: Standing::Untried,
            place: Place::Out,
            paused_until: None,
            heard_at: now,
            used_at: now,
        }
    }

    /// Whether its next delivery may start while `free` of the places for unrecorded attempts are free.
    pub(crate) fn may_start(&self, free: usize, now: Instant, clock: Timestamp) -> Start {
        let paused = self.paused_until.is_some_and(|until| until > clock);
        if self.queue.is_empty() || (paused && !self.closed) {
            return Start::No;
        }
        if self.in_flight == 0 {
            return if self.standing == Standing::Answers { Start::Yes } else { Start::IfPlace };
        }
        let most = LANE_IN_FLIGHT.min(free / SHARE);
        let silent = now.duration_since(self.heard_at) > SILENCE;
        let more = self.in_parallel() && !silent && self.in_flight < most;
        if more { Start::Yes } else { Start::No }
    }

    /// Whether several deliveries may be in flight.
    pub(crate) fn in_parallel(&self) -> bool {
        self.closed || (self.standing == Standing::Answers && self.ordering == Some(Ordering::None))
    }

    /// Whether a new delivery may wait in memory, having `share` bytes.
    pub(crate) fn has_room(&self, bytes: usize, share: usize) -> bool {
        self.queue.len() + self.reserved < LANE_QUEUE && self.bytes + bytes <= share
    }

    /// How many deliveries to keep in memory of those that the database holds.
    pub(crate) fn claim_ahead(&self) -> usize {
        match (self.standing, self.ordering) {
            _ if self.closed => CLAIM_AHEAD,
            (Standing::Answers, Some(Ordering::None)) => CLAIM_AHEAD,
            (Standing::Answers, _) => CLAIM_AHEAD_ORDERED,
            _ => 1,
        }
    }

    /// Whether the database should be asked for more now.
    pub(crate) fn wants_more(&self) -> bool {
        self.behind && self.queue.len() <= self.claim_ahead() / 2 && self.paused_until.is_none()
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
        empty && self.paused_until.is_none() && self.place == Place::Out
    }
}
