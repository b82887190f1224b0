//! One event with its frames, each serialised once, when the first listener needs it. Knows nothing of sockets.

use crate::frame;
use bytes::Bytes;
use model::Event;
use model::event::View;
use std::sync::{Arc, OnceLock};

/// What an event costs beside its payload: names, ids, allocations; and each user or queue that its audience names.
const FIXED_COST: usize = 512;
const COST_OF_A_NAME: usize = 96;

/// An event in the form in which listeners share it.
#[derive(Debug)]
pub(crate) struct Entry {
    event: Arc<Event>,
    full: OnceLock<Bytes>,
    team: OnceLock<Bytes>,
}

impl Entry {
    pub(crate) fn new(event: Arc<Event>) -> Self {
        Self { event, full: OnceLock::new(), team: OnceLock::new() }
    }

    pub(crate) fn event(&self) -> &Event {
        &self.event
    }

    pub(crate) fn seq(&self) -> i64 {
        self.event.seq
    }

    /// The frame of that view, shared by all who get it.
    pub(crate) fn frame(&self, view: View) -> Bytes {
        let frame = match view {
            View::Full => &self.full,
            View::Team => &self.team,
        };
        frame.get_or_init(|| frame::event(&self.event, view)).clone()
    }
}

/// The most memory that an event can take: its payload, and a frame of each of the two views.
pub(crate) fn cost(event: &Event) -> usize {
    let named = event.audience.users.len() + event.audience.queues.len();
    FIXED_COST + named * COST_OF_A_NAME + 3 * event.payload.get().len()
}
