//! Where a connection stands in its tenant's events. Knows nothing of sockets; reading the log is the caller's affair.

use super::sight::Sight;
use crate::feed::{Entry, Feed, Found};
use crate::log::PAGE_ROWS;
use bytes::Bytes;
use model::Event;
use std::sync::Arc;

/// Bytes that a page should bring, so that little of it has to be read again: what does not fit into the batch is
/// dropped and not kept, because the client may take hours to read it.
const PAGE_BYTES: usize = 64 << 10;

/// A place in the stream of events.
#[derive(Debug)]
pub(crate) struct Cursor {
    /// The number of the next event.
    next: i64,
    /// The next event is whatever is the oldest one in the log.
    from_oldest: bool,
    /// Rows of the next page.
    rows: i64,
}

/// Takes what the cursor passes and the client is to get.
pub(crate) trait Take {
    /// How many more events to look at.
    fn room(&self) -> usize;

    /// What the client gets of one event, as frames.
    fn take(&mut self, entry: &Entry, frame: Bytes);
}

/// Why the cursor stopped.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// There is no further event.
    CaughtUp,
    /// The next event stands only in the log.
    Behind,
    /// The batch is full.
    Full,
    /// The log does not hold the next event any more.
    Lost,
}

impl Cursor {
    pub(super) fn new(next: i64, from_oldest: bool) -> Self {
        Self { next, from_oldest, rows: PAGE_ROWS / 4 }
    }

    /// The number of the next event.
    pub(super) fn next(&self) -> i64 {
        self.next
    }

    /// The number of the last event passed.
    pub(super) fn passed(&self) -> i64 {
        self.next - 1
    }

    /// How many rows to read from the log now.
    pub(super) fn rows(&self) -> i64 {
        self.rows
    }

    /// Goes on from number `next`, whatever lies before.
    pub(super) fn jump(&mut self, next: i64) {
        self.next = next;
        self.from_oldest = false;
    }

    /// Moves through the feed as far as the batch has room, to number `until` at most, which it does not pass.
    pub(super) fn follow(
        &mut self,
        feed: &Feed,
        until: i64,
        sight: &Sight<'_>,
        batch: &mut impl Take,
    ) -> Stop {
        loop {
            if self.next >= until {
                return Stop::CaughtUp;
            }
            if batch.room() == 0 {
                return Stop::Full;
            }
            let left = usize::try_from(until.saturating_sub(self.next)).unwrap_or(0);
            match feed.read(self.next, batch.room().min(left)) {
                Found::Behind => return Stop::Behind,
                Found::Events(events) if events.is_empty() => return Stop::CaughtUp,
                Found::Events(events) => {
                    self.take(events.iter().map(Arc::as_ref), sight, batch);
                }
            }
        }
    }

    /// Moves through a page of the log, which was read behind `passed`, as far as the batch has room. `head` is where the
    /// feed ended when the page was asked for: what came since stands in the feed, whether or not in the page.
    pub(super) fn absorb(
        &mut self,
        page: Vec<Event>,
        head: Option<i64>,
        sight: &Sight<'_>,
        batch: &mut impl Take,
    ) -> Stop {
        self.learn_size(&page);
        let first = page.first().map(|event| event.seq);
        match first {
            Some(first) if first == self.next || self.from_oldest => self.jump(first),
            None if self.from_oldest => self.jump(head.map_or(self.next, |head| head + 1)),
            _ => return Stop::Lost,
        }
        let entries: Vec<Entry> = page.into_iter().map(|event| Entry::new(Arc::new(event))).collect();
        self.take(entries.iter(), sight, batch);
        Stop::Behind
    }

    /// Passes events until the batch is full or a number is missing.
    fn take<'a>(
        &mut self,
        entries: impl Iterator<Item = &'a Entry>,
        sight: &Sight<'_>,
        batch: &mut impl Take,
    ) {
        for entry in entries {
            if entry.seq() != self.next || batch.room() == 0 {
                return;
            }
            self.next += 1;
            self.from_oldest = false;
            sight.show(entry, batch);
        }
    }

    fn learn_size(&mut self, page: &[Event]) {
        let bytes: usize = page.iter().map(|event| event.payload.get().len() + 200).sum();
        let Some(fitting) = (PAGE_BYTES * page.len()).checked_div(bytes) else { return };
        self.rows = i64::try_from(fitting).unwrap_or(PAGE_ROWS).clamp(1, PAGE_ROWS);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::HubConfig;
    use crate::connection::batch::Batch;
    use crate::connection::filter::Filter;
    use crate::feed::Budget;
    use model::{Audience, EventId, EventName, Role, TenantId, Timestamp, Viewer};
    use serde_json::value::RawValue;

    fn event(seq: i64) -> Arc<Event> {
        Arc::new(Event {
            tenant: TenantId::parse("t").unwrap(),
            seq,
            id: EventId::generate(),
            name: EventName::parse("order.paid").unwrap(),
            subject: None,
            audience: Audience::default(),
            payload: RawValue::from_string("{}".into()).unwrap().into(),
            created_at: Timestamp(0),
        })
    }

    #[test]
    fn an_empty_page_does_not_skip_what_was_published_since_it_was_asked_for() {
        let feed = Feed::new(Budget::new(&HubConfig::default()));
        feed.open(100, Vec::new());
        let asked_at = feed.head();
        feed.offer([event(101)]);
        let viewer = Viewer::new(None, Role::Service);
        let sight = Sight { viewer: &viewer, filter: &Filter::Everything, copies_after: None };
        let (mut cursor, mut batch) = (Cursor::new(1, true), Batch::default());
        assert_eq!(cursor.absorb(Vec::new(), asked_at, &sight, &mut batch), Stop::Behind);
        assert_eq!(cursor.follow(&feed, i64::MAX, &sight, &mut batch), Stop::CaughtUp);
        assert_eq!((cursor.passed(), batch.slices().len()), (101, 1));
    }
}
