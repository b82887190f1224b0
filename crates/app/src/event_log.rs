//! Reading a tenant's event log, as much of it as the reader may see. Knows nothing of who is connected.

use crate::Result;
use async_recursion::async_recursion as boxed;
use model::event::View;
use model::webhook::EventPattern;
use model::{Event, TenantId, Viewer};
use realtime::Hub;
use std::sync::Arc;
use store::{Store, journal};

/// Rows read at once: with payloads of 64 KiB, 4 MiB.
const ROWS: i64 = 64;
/// Rows looked at for one page: a reader who may see next to nothing gets an empty page soon and where it goes on.
const ROWS_LOOKED_AT: i64 = 2048;
/// A page ends early with the event whose payload makes it this large.
const PAGE_BYTES: usize = 4 << 20;

/// Which part of the log is wanted.
#[derive(Debug)]
pub struct Wanted {
    /// Events behind this number.
    pub after: i64,
    /// Those that any of these covers; all if there is none.
    pub types: Vec<EventPattern>,
    /// How many events at most.
    pub limit: usize,
}

impl Wanted {
    fn covers(&self, event: &Event) -> bool {
        self.types.is_empty() || self.types.iter().any(|pattern| pattern.matches(&event.name))
    }
}

/// A part of the log, as it was at one moment.
#[derive(Debug)]
pub struct Part {
    /// The events, each with the view that the reader gets of it.
    pub events: Vec<(Event, View)>,
    /// The number of the log's last event.
    pub seq: i64,
    /// The number of its oldest; one more than `seq` if it is empty.
    pub oldest_seq: i64,
    /// The number behind which it goes on; none at the end.
    pub next: Option<i64>,
}

/// Reads event logs.
pub struct EventLog {
    store: Store,
    hub: Hub,
}

impl EventLog {
    pub(crate) fn new(store: Store, hub: Hub) -> Self {
        Self { store, hub }
    }

    /// Which log it is: another one after a restored backup.
    #[must_use]
    pub fn epoch(&self) -> Arc<str> {
        self.hub.epoch()
    }

    /// Reads a part of the tenant's log.
    #[boxed]
    pub async fn read(&self, tenant: &TenantId, viewer: &Viewer, wanted: &Wanted) -> Result<Part> {
        let mut snapshot = self.store.begin_snapshot().await?;
        let seq = journal::head(snapshot.conn(), tenant).await?.map_or(0, |head| head.seq);
        let oldest = journal::oldest_seq(snapshot.conn(), tenant).await?;
        let next = Some(wanted.after).filter(|after| *after < seq);
        let mut part = Part { events: Vec::new(), seq, oldest_seq: oldest.unwrap_or(seq + 1), next };
        let (mut bytes, mut rows) = (0, 0);
        while let Some(after) = part.next
            && rows < ROWS_LOOKED_AT
        {
            let page = journal::page(snapshot.conn(), tenant, after, ROWS).await?;
            rows += ROWS;
            if !part.take(page, viewer, wanted, &mut bytes) {
                break;
            }
        }
        Ok(part)
    }
}

impl Part {
    /// Takes what is wanted of a page; gives whether there is room for more.
    fn take(&mut self, page: Vec<Event>, viewer: &Viewer, wanted: &Wanted, bytes: &mut usize) -> bool {
        if page.is_empty() {
            self.next = None;
        }
        for event in page {
            if self.events.len() >= wanted.limit || *bytes >= PAGE_BYTES {
                return false;
            }
            self.next = Some(event.seq).filter(|seq| *seq < self.seq);
            if let Some(view) = event.view_for(viewer).filter(|_| wanted.covers(&event)) {
                *bytes += event.payload.get().len();
                self.events.push((event, view));
            }
        }
        true
    }
}
