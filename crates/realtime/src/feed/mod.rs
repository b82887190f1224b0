//! One tenant's events as its listeners read them: a gate that orders them and a tail that keeps the last ones. Knows
//! nothing of connections.

mod entry;
mod gate;
mod tail;
#[cfg(test)]
mod tests;

pub(crate) use entry::Entry;
pub(crate) use tail::Budget;

use crate::connection::Bell;
use crate::sync::lock;
use gate::Gate;
use model::{Event, Timestamp};
use std::sync::{Arc, Mutex};
use tail::Tail;
use tokio::sync::watch;

/// One tenant's stream of events.
#[derive(Debug)]
pub(crate) struct Feed {
    stretch: Mutex<Stretch>,
    head: watch::Sender<i64>,
    /// Rung at every event let through; one for each loop at most.
    bells: Mutex<Vec<Arc<dyn Bell>>>,
}

#[derive(Debug)]
struct Stretch {
    gate: Gate,
    tail: Tail,
}

/// What a reader finds at its place.
#[derive(Debug)]
pub(crate) enum Found {
    /// Events from that place on; none if the reader has them all.
    Events(Vec<Arc<Entry>>),
    /// The place lies before the tail: only the log has it.
    Behind,
}

impl Feed {
    pub(crate) fn new(budget: Arc<Budget>) -> Self {
        let stretch = Stretch { gate: Gate::default(), tail: Tail::new(budget) };
        Self { stretch: Mutex::new(stretch), head: watch::Sender::new(0), bells: Mutex::default() }
    }

    /// The number of the last event let through; `None` before `open`.
    pub(crate) fn head(&self) -> Option<i64> {
        lock(&self.stretch).gate.head()
    }

    /// Wakes when further events have been let through.
    pub(crate) fn watch(&self) -> watch::Receiver<i64> {
        self.head.subscribe()
    }

    /// Has this bell rung when further events have been let through.
    pub(crate) fn listen(&self, bell: Arc<dyn Bell>) {
        lock(&self.bells).push(bell);
    }

    /// Forgets a bell.
    pub(crate) fn unlisten(&self, bell: &Arc<dyn Bell>) {
        lock(&self.bells).retain(|own| !std::ptr::addr_eq(Arc::as_ptr(own), Arc::as_ptr(bell)));
    }

    fn ring(&self) {
        lock(&self.bells).iter().for_each(|bell| bell.ring());
    }

    /// Begins behind `head`, the end of the log at some moment after the feed was made, with the log's last events up to there,
    /// in order. Does nothing when open.
    pub(crate) fn open(&self, head: i64, last: Vec<Event>) {
        self.change(|stretch, passed| {
            if stretch.gate.head().is_none() {
                stretch.gate.open(last.first().map_or(head, |first| first.seq - 1), passed);
                last.into_iter().for_each(|event| stretch.gate.offer(Arc::new(event), passed));
            }
        });
    }

    /// Takes events in any order. Returns whether one is missing now.
    pub(crate) fn offer(&self, events: impl IntoIterator<Item = Arc<Event>>) -> bool {
        self.change(|stretch, passed| {
            for event in events {
                stretch.gate.offer(event, passed);
            }
        })
    }

    /// Hears that the log reaches to `head`. Returns whether an event is missing now.
    pub(crate) fn note_head(&self, head: i64) -> bool {
        self.change(|stretch, _| stretch.gate.note_head(head))
    }

    /// Goes on behind `head`, because the log does not hold what comes before.
    pub(crate) fn skip_to(&self, head: i64) {
        self.change(|stretch, passed| {
            if stretch.gate.head().is_some_and(|own| own < head) {
                stretch.tail.trim_to(0);
                stretch.gate.open(head, passed);
            }
        });
    }

    /// Begins anew behind `head`, because the log itself has gone back.
    pub(crate) fn reopen(&self, head: i64) {
        let mut stretch = lock(&self.stretch);
        stretch.tail.trim_to(0);
        stretch.gate.reopen(head);
        drop(stretch);
        self.head.send_replace(head);
        self.ring();
    }

    fn change(&self, change: impl FnOnce(&mut Stretch, &mut Vec<Arc<Event>>)) -> bool {
        let mut passed = Vec::new();
        let mut stretch = lock(&self.stretch);
        change(&mut stretch, &mut passed);
        for event in passed {
            stretch.tail.push(event);
        }
        let (head, is_missing) = (stretch.gate.head(), stretch.gate.hole().is_some());
        drop(stretch);
        if let Some(head) = head {
            let is_news = self.head.send_if_modified(|known| {
                let is_news = *known < head;
                *known = head.max(*known);
                is_news
            });
            if is_news {
                self.ring();
            }
        }
        is_missing
    }

    /// If an event is missing: the number behind which to read the log, and the highest number heard of.
    pub(crate) fn hole(&self) -> Option<(i64, i64)> {
        let stretch = lock(&self.stretch);
        stretch.gate.hole().map(|after| (after, stretch.gate.known()))
    }

    /// Whether a reader can go on behind `seq` without the log.
    pub(crate) fn holds_after(&self, seq: i64) -> bool {
        let stretch = lock(&self.stretch);
        let Some(head) = stretch.gate.head() else { return false };
        seq == head || (seq < head && stretch.tail.first().is_some_and(|first| first <= seq + 1))
    }

    /// At most `limit` events from number `next` on.
    pub(crate) fn read(&self, next: i64, limit: usize) -> Found {
        let stretch = lock(&self.stretch);
        if stretch.gate.head().is_none_or(|head| head < next) {
            return Found::Events(Vec::new());
        }
        stretch.tail.from(next, limit).map_or(Found::Behind, Found::Events)
    }

    /// Gives up what goes beyond `bytes`, oldest first.
    pub(crate) fn trim_to(&self, bytes: usize) {
        lock(&self.stretch).tail.trim_to(bytes);
    }

    /// Gives up what was written before `moment`.
    pub(crate) fn trim_older(&self, moment: Timestamp) {
        lock(&self.stretch).tail.trim_older(moment);
    }
}
