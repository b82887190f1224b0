//! What comes to a connection beside the log: answers that took time, and events that stand in no log. Best effort: it has
//! a bound, and nothing waits for it. Knows nothing of sockets.

use super::filter::Filter;
use crate::frame;
use bytes::Bytes;
use model::event::View;
use model::{Event, Viewer};
use std::collections::VecDeque;
use std::sync::{Arc, OnceLock};

/// Letters that may wait: of announcements, which all connections share, a pointer each.
const LETTERS: usize = 64;

/// An event that stands in no log, with its frames, each serialised once.
#[derive(Debug)]
pub(crate) struct Announcement {
    event: Arc<Event>,
    full: OnceLock<Bytes>,
    team: OnceLock<Bytes>,
}

impl Announcement {
    pub(crate) fn new(event: Arc<Event>) -> Self {
        Self { event, full: OnceLock::new(), team: OnceLock::new() }
    }

    fn frame(&self, viewer: &Viewer, filter: &Filter) -> Option<Bytes> {
        let view = self.event.view_for(viewer).filter(|_| filter.wants(&self.event.name))?;
        let frame = match view {
            View::Full => &self.full,
            View::Team => &self.team,
        };
        Some(frame.get_or_init(|| frame::ephemeral(&self.event, view)).clone())
    }
}

/// One letter.
#[derive(Debug, Clone)]
pub(crate) enum Mail {
    /// A frame for this client only.
    Answer(Bytes),
    /// Events for all who may see them.
    Announcements(Arc<[Announcement]>),
}

/// The letters of one connection; without an allocation when there are none.
#[derive(Debug, Default)]
pub(super) struct Letters(VecDeque<Mail>);

impl Letters {
    /// Adds a letter; the oldest goes when there are too many.
    pub(super) fn add(&mut self, mail: Mail) {
        if self.0.len() >= LETTERS {
            self.0.pop_front();
        }
        self.0.push_back(mail);
    }

    /// Takes all letters as frames.
    pub(super) fn open(&mut self, viewer: &Viewer, filter: &Filter) -> Vec<Bytes> {
        let mut frames = Vec::new();
        for mail in std::mem::take(&mut self.0) {
            match mail {
                Mail::Answer(frame) => frames.push(frame),
                Mail::Announcements(all) => {
                    frames.extend(all.iter().filter_map(|one| one.frame(viewer, filter)));
                }
            }
        }
        frames
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_letters_go_when_there_are_too_many() {
        let mut letters = Letters::default();
        (0..=LETTERS).for_each(|n| letters.add(Mail::Answer(n.to_string().into())));
        let viewer = Viewer::new(None, model::Role::Service);
        let frames = letters.open(&viewer, &Filter::Everything);
        assert_eq!((frames.len(), &frames[0][..]), (LETTERS, &b"1"[..]));
        assert!(letters.open(&viewer, &Filter::Everything).is_empty());
    }
}
