//! The ordered part of an endpoint's lane: queues of which each has one delivery under way at most. Holds the beginnings
//! of some queues; the database holds them all, and is read round by round. Plain state that knows neither database nor
//! clock.

#[cfg(test)]
mod tests;

use super::Queued;
use crate::limits::{QUEUE_AHEAD, QUEUES_TOGETHER, STRICT_AHEAD};
use model::webhook::STRICT_QUEUE;
use model::{LogId, Timestamp};
use std::collections::{HashMap, VecDeque};
use store::lanes::queue::Part;
use tokio::time::Instant;

/// Where a round begins: before every queue.
const BEGINNING: i64 = -1;

/// A delivery's place, and the tenure of the lane in which it was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct InLane {
    pub(crate) queue: i64,
    pub(crate) fence: i64,
}

/// What became of a delivery, as it is written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It is over: the next one may go.
    Ended,
    /// It is tried again then; its queue waits.
    Until(Timestamp),
    /// The lane was another's by then: nothing was written.
    Lost,
}

/// The beginning of a queue. At most as many as there are deliveries queued or unrecorded.
#[derive(Default)]
struct Queue {
    waiting: VecDeque<Queued>,
    sending: Option<LogId>,
    /// Sent and not yet written down. Until it is, the database still shows them.
    unrecorded: usize,
    /// The last delivery that was read.
    last: i64,
    /// Whether the database holds more behind it.
    more: bool,
    /// Whether more is to be read, or being read.
    hungry: bool,
    /// Whether nothing more is to be sent from memory: it is read anew once all is written down.
    stale: bool,
    /// Whether a round has passed it by meanwhile.
    passed_by: bool,
}

impl Queue {
    fn has_next(&self) -> bool {
        !self.stale && self.sending.is_none() && !self.waiting.is_empty()
    }
}

/// How many deliveries of a queue are read at once. One queue alone must not fill a lane that others share.
fn ahead(queue: i64) -> usize {
    if queue == STRICT_QUEUE { STRICT_AHEAD } else { QUEUE_AHEAD }
}

pub(crate) struct Ordered {
    /// Of this server's tenure; none while the lane is not known to be this server's.
    fence: Option<i64>,
    queues: HashMap<i64, Queue>,
    /// Queues whose next delivery may go, in turn.
    ready: VecDeque<i64>,
    /// Queues of which more is to be read.
    hungry: VecDeque<i64>,
    pub(crate) queued: usize,
    /// Whether a round through the database's queues is not over, and behind which queue it goes on.
    behind: bool,
    cursor: i64,
    /// Whether another round must follow, as something changed behind this one's back.
    again: bool,
    /// When the first of the waiting queues is due that the last round has seen.
    next_due: Option<Timestamp>,
    /// What the last look saw: the newest delivery, and the count of edits.
    seen: Option<(LogId, i64)>,
    /// Since when nothing waits.
    pub(crate) idle_since: Option<Instant>,
}

impl Ordered {
    pub(crate) fn new(fence: i64) -> Self {
        Self {
            fence: Some(fence),
            queues: HashMap::new(),
            ready: VecDeque::new(),
            hungry: VecDeque::new(),
            queued: 0,
            behind: true,
            cursor: BEGINNING,
            again: false,
            next_due: None,
            seen: None,
            idle_since: None,
        }
    }

    pub(crate) fn fence(&self) -> Option<i64> {
        self.fence
    }

    /// The lane is this server's, from now on or still.
    pub(crate) fn hold(&mut self, fence: i64) {
        self.fence = Some(fence);
        self.wake();
    }

    /// The lane may be another's, or its memory is needed: forgets what waits and gives the bytes that it took. What was
    /// sent is still waited for.
    pub(crate) fn lose(&mut self) -> usize {
        let mut bytes = 0;
        self.queues.retain(|_, queue| {
            bytes += queue.waiting.drain(..).map(|queued| queued.bytes).sum::<usize>();
            queue.stale = true;
            queue.unrecorded > 0
        });
        let queues = std::mem::take(&mut self.queues);
        *self = Self { fence: None, queues, ..Self::new(0) };
        bytes
    }

    /// Something in the database may have changed: it is read through once more.
    pub(crate) fn wake(&mut self) {
        self.again |= self.behind;
        self.behind = true;
        self.idle_since = None;
    }

    /// Notes what a look saw.
    pub(crate) fn look(&mut self, newest: LogId, edits: i64, now: Timestamp) {
        let due = self.next_due.is_some_and(|due| due <= now);
        if self.seen.replace((newest, edits)) != Some((newest, edits)) || due {
            self.wake();
        }
    }

    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        self.next_due
    }

    pub(crate) fn has_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// Whether nothing is held in memory and nothing is under way.
    pub(crate) fn is_idle(&self) -> bool {
        self.queues.is_empty()
    }

    /// Whether the database should be read now, to have `ahead` deliveries in memory.
    pub(crate) fn wants_more(&self, ahead: usize) -> bool {
        self.fence.is_some() && self.queued <= ahead / 2 && (self.behind || !self.hungry.is_empty())
    }

    /// Behind which queue the database is to be asked for queues; `None` if the round is over.
    pub(crate) fn round(&self) -> Option<i64> {
        self.behind.then_some(self.cursor)
    }

    /// What to read now, `limit` deliveries at most: of queues that run out, and of those of `listed`, with the moments at
    /// which they are due, that are due by `due_at`.
    pub(crate) fn choose(
        &mut self,
        listed: &[(i64, Timestamp)],
        due_at: Timestamp,
        limit: usize,
    ) -> Vec<Part> {
        let (mut parts, mut left) = (Vec::new(), limit);
        while left > 0 {
            let Some(queue) = self.hungry.pop_front() else { break };
            if let Some(held) = self.queues.get(&queue) {
                let limit = ahead(queue).min(left);
                left -= limit;
                parts.push(Part { queue, after: LogId(held.last), limit });
            }
        }
        if self.behind {
            self.step(listed, due_at, left, &mut parts);
        }
        parts
    }

    fn step(
        &mut self,
        listed: &[(i64, Timestamp)],
        due_at: Timestamp,
        mut left: usize,
        parts: &mut Vec<Part>,
    ) {
        if self.cursor == BEGINNING {
            self.next_due = None;
        }
        for &(queue, due) in listed {
            match self.queues.get_mut(&queue) {
                Some(held) if held.stale => held.passed_by = true,
                Some(held) => {
                    held.more = true;
                    self.feed(queue);
                }
                None if due > due_at => self.due(due),
                // The round goes on here when there is room.
                None if left == 0 => return,
                None => {
                    let limit = ahead(queue).min(left);
                    left -= limit;
                    parts.push(Part { queue, after: LogId(0), limit });
                }
            }
            self.cursor = queue;
        }
        if listed.len() < QUEUES_TOGETHER {
            self.cursor = BEGINNING;
            self.behind = std::mem::take(&mut self.again);
        }
    }

    fn due(&mut self, at: Timestamp) {
        self.next_due = Some(self.next_due.map_or(at, |due| due.min(at)));
    }

    /// Takes in a part that was read, its first delivery being due at `due`. Gives back what it has no use for.
    pub(crate) fn take_in(
        &mut self,
        part: Part,
        due: Timestamp,
        due_at: Timestamp,
        rows: Vec<Queued>,
    ) -> Vec<Queued> {
        let is_new = part.after == LogId(0);
        // It was put off between the two looks at it.
        if is_new && due > due_at && !rows.is_empty() {
            self.due(due);
            return rows;
        }
        if (is_new && rows.is_empty()) || (!is_new && !self.queues.contains_key(&part.queue)) {
            return rows;
        }
        let held = self.queues.entry(part.queue).or_default();
        held.hungry = false;
        if held.stale {
            self.forget_if_done(part.queue);
            return rows;
        }
        let had_next = held.has_next();
        held.more = rows.len() >= part.limit;
        held.last = rows.last().map_or(held.last, |queued| queued.delivery.id.0);
        self.queued += rows.len();
        held.waiting.extend(rows);
        if !had_next && held.has_next() {
            self.ready.push_back(part.queue);
        }
        self.feed(part.queue);
        self.forget_if_done(part.queue);
        Vec::new()
    }

    /// Reading failed: all is read anew.
    pub(crate) fn not_read(&mut self, parts: &[Part]) {
        for part in parts {
            if let Some(held) = self.queues.get_mut(&part.queue) {
                (held.more, held.hungry) = (true, false);
                self.feed(part.queue);
                self.forget_if_done(part.queue);
            }
        }
        self.cursor = BEGINNING;
        self.wake();
    }

    /// Enters a queue among the hungry when it runs out and there is more of it.
    fn feed(&mut self, queue: i64) {
        let Some(held) = self.queues.get_mut(&queue) else { return };
        if held.more && !held.hungry && !held.stale && held.waiting.len() <= ahead(queue) / 2 {
            (held.more, held.hungry) = (false, true);
            self.hungry.push_back(queue);
        }
    }

    /// The next delivery to send: the queues take turns.
    pub(crate) fn pop(&mut self) -> Option<(Queued, InLane)> {
        let fence = self.fence?;
        let queue = self.ready.pop_front()?;
        let held = self.queues.get_mut(&queue)?;
        let next = held.waiting.pop_front()?;
        held.sending = Some(next.delivery.id);
        held.unrecorded += 1;
        self.queued -= 1;
        self.feed(queue);
        Some((next, InLane { queue, fence }))
    }

    /// A delivery is over, whether written down or not: the next one of its queue may go.
    pub(crate) fn ended(&mut self, queue: i64, log: LogId) {
        let Some(held) = self.queues.get_mut(&queue) else { return };
        if held.sending == Some(log) {
            held.sending = None;
            if held.has_next() {
                self.ready.push_back(queue);
            }
        }
    }

    /// A delivery's outcome is written down. Gives the deliveries that are dropped from memory, which are read again.
    pub(crate) fn recorded(&mut self, queue: i64, log: LogId, outcome: Outcome) -> VecDeque<Queued> {
        let Some(held) = self.queues.get_mut(&queue) else { return VecDeque::new() };
        held.unrecorded = held.unrecorded.saturating_sub(1);
        let mut dropped = VecDeque::new();
        match outcome {
            Outcome::Ended => self.ended(queue, log),
            Outcome::Until(_) | Outcome::Lost => {
                held.sending = None;
                held.stale = true;
                held.passed_by |= outcome == Outcome::Lost;
                dropped = std::mem::take(&mut held.waiting);
                self.ready.retain(|ready| *ready != queue);
                self.queued -= dropped.len();
            }
        }
        if let Outcome::Until(due) = outcome {
            self.due(due);
        }
        self.forget_if_done(queue);
        dropped
    }

    fn forget_if_done(&mut self, queue: i64) {
        let Some(held) = self.queues.get(&queue) else { return };
        let done = held.waiting.is_empty() && held.sending.is_none() && held.unrecorded == 0;
        if !done || (held.hungry && !held.stale) {
            return;
        }
        let passed_by = held.stale && held.passed_by;
        self.queues.remove(&queue);
        if passed_by {
            self.wake();
        }
    }
}
