//! A reader within the process, such as an event stream over HTTP: it pulls events one by one. Knows nothing of how they
//! are carried further.

use super::Place;
use super::cursor::{Cursor, Stop, Take};
use super::filter::Filter;
use super::resume::Start;
use super::sight::Sight;
use crate::feed::Entry;
use crate::wire;
use bytes::Bytes;
use model::webhook::EventPattern;
use model::{EventName, Role};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// Events ready at a time: with payloads of up to 64 KiB, and their bytes bounded by 64 KiB before the last one, less than
/// 160 KiB for each follower.
const READY: usize = 64;
const READY_BYTES: usize = 64 << 10;

/// How long a reader that ends waits for what the log says.
const LAST_WORD: Duration = Duration::from_secs(1);

/// What a follower gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Followed {
    /// An event, as the JSON document that a WebSocket gets; the bytes are shared.
    Event {
        /// Its number.
        seq: i64,
        /// Its name.
        name: EventName,
        /// The document, one line of UTF-8.
        document: Bytes,
    },
    /// What it wished to begin with, or what it has not read in time, is no longer in the log. It goes on with what comes
    /// after `seq`.
    Reset {
        /// The log's oldest event.
        oldest_seq: i64,
        /// The log's end.
        seq: i64,
        /// The log's epoch.
        epoch: Arc<str>,
    },
}

/// Reads its tenant's events for one viewer, in order, without a gap; what it does not read costs nothing. Dropping it
/// frees its place.
pub struct Follower {
    place: Place,
    filter: Filter,
    start: Start,
    cursor: Cursor,
    head: watch::Receiver<i64>,
    ready: Ready,
}

impl Follower {
    pub(crate) async fn begin(place: Place, events: Vec<EventPattern>) -> Self {
        let head = place.tenant.feed.watch();
        let start = place.begin().await;
        let mut ready = Ready::default();
        if let Some(oldest_seq) = start.reset {
            ready.push(Followed::Reset { oldest_seq, seq: start.seq, epoch: Arc::clone(&start.epoch) });
        }
        let cursor = Cursor::new(start.next, start.from_oldest);
        let filter = if events.is_empty() { Filter::Everything } else { Filter::Only(events) };
        Self { place, filter, start, cursor, head, ready }
    }

    /// Where the log ended when the reader began.
    #[must_use]
    pub fn seq(&self) -> i64 {
        self.start.seq
    }

    /// The number up to which everything was given that the viewer sees.
    #[must_use]
    pub fn passed(&self) -> i64 {
        self.cursor.passed()
    }

    /// The present role of the viewer.
    #[must_use]
    pub fn role(&self) -> Role {
        self.place.member.viewer().role
    }

    /// The next event, once there is one; `None` when the reader must end: its session is over, its token has expired, an
    /// admin closed it, the server is stopping, or the log has become another one, which is told before. May be dropped and
    /// called again; nothing is lost.
    pub async fn next(&mut self) -> Option<Followed> {
        loop {
            if self.place.member.close_asked().is_some() {
                return self.last_word().await;
            }
            if let Some(next) = self.ready.pop() {
                return Some(next);
            }
            self.head.borrow_and_update();
            let viewer = self.place.member.viewer();
            let sight = Sight { viewer: &viewer, filter: &self.filter, copies_after: None };
            let stop = self.cursor.follow(&self.place.tenant.feed, i64::MAX, &sight, &mut self.ready);
            if self.ready.is_empty() {
                self.wait(stop).await;
            }
        }
    }

    /// A reset, once, if the log is another one than the reader began in: it may never have heard of an epoch.
    async fn last_word(&mut self) -> Option<Followed> {
        let epoch = self.place.hub.epoch();
        if self.start.epoch == epoch {
            return None;
        }
        self.ready = Ready::default();
        self.start.epoch = epoch;
        tokio::time::timeout(LAST_WORD, self.reset()).await.ok()?;
        self.ready.pop()
    }

    /// Waits for what the cursor lacks, or for the end.
    async fn wait(&mut self, stop: Stop) {
        let member = Arc::clone(&self.place.member);
        tokio::select! {
            biased;
            () = member.closed() => {}
            () = self.fetch(stop) => {}
        }
    }

    async fn fetch(&mut self, stop: Stop) {
        if matches!(stop, Stop::Behind | Stop::Lost) {
            self.place.member.note_waiting(self.place.hub.0.now_ms());
        }
        match stop {
            Stop::Full => {}
            Stop::Behind => self.read_page().await,
            Stop::Lost => self.reset().await,
            // Fails only without a sender, which the tenant holds.
            Stop::CaughtUp => drop(self.head.changed().await),
        }
    }

    async fn read_page(&mut self) {
        let (log, feed) = (&self.place.hub.0.log, &self.place.tenant.feed);
        let head = feed.head();
        let page = log.page(&self.place.tenant.id, self.cursor.passed(), self.cursor.rows()).await.events;
        self.place.member.note_answered();
        let viewer = self.place.member.viewer();
        let sight = Sight { viewer: &viewer, filter: &self.filter, copies_after: None };
        if self.cursor.absorb(page, head, &sight, &mut self.ready) == Stop::Lost {
            self.reset().await;
        }
    }

    async fn reset(&mut self) {
        let extent = self.place.hub.0.log.extent(&self.place.tenant.id).await;
        self.place.member.note_answered();
        let seq = extent.head.max(self.place.tenant.feed.head().unwrap_or(0));
        self.cursor.jump(seq + 1);
        let epoch = self.place.hub.epoch();
        self.ready.push(Followed::Reset { oldest_seq: extent.oldest, seq, epoch });
    }
}

/// What was found and not yet asked for.
#[derive(Debug, Default)]
struct Ready {
    items: VecDeque<Followed>,
    bytes: usize,
}

impl Ready {
    fn push(&mut self, item: Followed) {
        self.items.push_back(item);
    }

    fn pop(&mut self) -> Option<Followed> {
        let item = self.items.pop_front()?;
        if let Followed::Event { document, .. } = &item {
            self.bytes -= document.len();
        }
        Some(item)
    }

    fn is_empty(&self) -> bool {
        self.items.is_empty()
    }
}

impl Take for Ready {
    fn room(&self) -> usize {
        if self.bytes < READY_BYTES { READY.saturating_sub(self.items.len()) } else { 0 }
    }

    fn take(&mut self, entry: &Entry, frame: Bytes) {
        let document = wire::document(&frame);
        self.bytes += document.len();
        self.push(Followed::Event { seq: entry.seq(), name: entry.event().name.clone(), document });
    }
}
