//! Lets a tenant's events through in the order of their numbers, each once, whatever order they come in. Knows nothing
//! of where a missing one is to be had.

use super::entry::cost;
use model::Event;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What may wait for a missing event: 256 events and 1 MiB a tenant, some milliseconds of a busy one. What does not fit is
/// dropped, and read from the log once the hole is found.
const EARLY_EVENTS: usize = 256;
const EARLY_BYTES: usize = 1 << 20;

/// The order of one tenant's events. Closed until the head of the log is known; what comes before waits.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    /// The number that is let through next.
    next: Option<i64>,
    /// Events that came before their turn.
    early: BTreeMap<i64, Arc<Event>>,
    early_bytes: usize,
    /// The highest number heard of.
    known: i64,
}

impl Gate {
    /// The last number let through; `None` while closed.
    pub(crate) fn head(&self) -> Option<i64> {
        self.next.map(|next| next - 1)
    }

    /// Goes on behind `head`, whatever came before. What waits and has its turn now is pushed to `passed`.
    pub(crate) fn open(&mut self, head: i64, passed: &mut Vec<Arc<Event>>) {
        self.next = Some(head + 1);
        self.known = self.known.max(head);
        let later = self.early.split_off(&(head + 1));
        self.early = later;
        self.early_bytes = self.early.values().map(|event| cost(event)).sum();
        self.pass_early(passed);
    }

    /// Forgets everything and goes on behind `head`, which lies before what was let through.
    pub(crate) fn reopen(&mut self, head: i64) {
        *self = Self { next: Some(head + 1), known: head, ..Self::default() };
    }

    /// Takes an event; what has its turn now is pushed to `passed`.
    pub(crate) fn offer(&mut self, event: Arc<Event>, passed: &mut Vec<Arc<Event>>) {
        self.known = self.known.max(event.seq);
        match self.next {
            Some(next) if event.seq < next => {}
            Some(next) if event.seq == next => {
                self.next = Some(next + 1);
                passed.push(event);
                self.pass_early(passed);
            }
            _ => self.keep(event),
        }
    }

    fn keep(&mut self, event: Arc<Event>) {
        let bytes = cost(&event);
        if self.early.insert(event.seq, event).is_none() {
            self.early_bytes += bytes;
        }
        while self.early.len() > EARLY_EVENTS || self.early_bytes > EARLY_BYTES {
            let Some((_, furthest)) = self.early.pop_last() else { return };
            self.early_bytes -= cost(&furthest);
        }
    }

    fn pass_early(&mut self, passed: &mut Vec<Arc<Event>>) {
        while let Some(next) = self.next {
            let Some(event) = self.early.remove(&next) else { return };
            self.early_bytes -= cost(&event);
            self.next = Some(next + 1);
            passed.push(event);
        }
    }

    /// Hears that the log reaches to `head`.
    pub(crate) fn note_head(&mut self, head: i64) {
        self.known = self.known.max(head);
    }

    /// If something is missing: the number behind which to read the log.
    pub(crate) fn hole(&self) -> Option<i64> {
        self.next.filter(|next| *next <= self.known).map(|next| next - 1)
    }

    /// The highest number heard of.
    pub(crate) fn known(&self) -> i64 {
        self.known
    }
}
