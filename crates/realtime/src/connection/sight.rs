//! What of the log a listener gets: what it may and wants to see, and right before a call that it is offered the copy of the
//! call's arrival. Knows nothing of sockets, and nothing of where the listener stands.

use super::cursor::Take;
use super::filter::Filter;
use crate::feed::Entry;
use crate::frame;
use bytes::Bytes;
use model::catalogue::CALL_INCOMING;
use model::event::View;
use model::{Event, Viewer};

/// What the client may and wants to see.
pub(crate) struct Sight<'a> {
    pub viewer: &'a Viewer,
    pub filter: &'a Filter,
    /// Offers behind that number come with the copy: they were made while the client listened. `None` for who gets no copies.
    pub copies_after: Option<i64>,
}

impl Sight<'_> {
    /// Has `batch` take what is to be seen of an event.
    pub(crate) fn show(&self, entry: &Entry, batch: &mut impl Take) {
        let event = entry.event();
        let view = self.filter.wants(&event.name).then(|| event.view_for(self.viewer)).flatten();
        let frame = view.map(|view| entry.frame(view));
        let both = match (self.copy(event), frame) {
            // As one, so that a write that ends between them repeats and leaves out neither.
            (Some(copy), Some(frame)) => Some([copy, frame].concat().into()),
            (copy, frame) => copy.or(frame),
        };
        if let Some(frame) = both {
            batch.take(entry, frame);
        }
    }

    fn copy(&self, event: &Event) -> Option<Bytes> {
        let user =
            self.viewer.user.as_ref().filter(|_| self.copies_after.is_some_and(|after| event.seq > after))?;
        let is_wanted = self.filter.wants(&CALL_INCOMING);
        let copy = is_wanted.then(|| model::copy_of_arrival(event, user)).flatten()?;
        Some(frame::ephemeral(&copy, View::Full))
    }
}
