//! The frames of one write. Knows nothing of where they come from.

use super::cursor::Take;
use crate::feed::Entry;
use crate::socket::Frame;
use bytes::Bytes;
use model::event::View;

/// A write takes at most 64 frames and ends with the frame that reaches 64 KiB: with payloads of up to 64 KiB, a socket
/// that does not read holds less than 160 KiB.
const FRAMES: usize = 64;
const BYTES: usize = 64 << 10;

/// Frames to be written together.
#[derive(Debug, Default)]
pub(super) struct Batch {
    frames: Vec<Frame>,
    bytes: usize,
}

impl Batch {
    pub(super) fn text(&mut self, text: Bytes) {
        self.bytes += text.len();
        self.frames.push(Frame::Text(text));
    }

    pub(super) fn ping(&mut self) {
        self.frames.push(Frame::Ping);
    }

    pub(super) fn frames(&self) -> &[Frame] {
        &self.frames
    }
}

impl Take for Batch {
    fn room(&self) -> usize {
        if self.bytes < BYTES { FRAMES.saturating_sub(self.frames.len()) } else { 0 }
    }

    fn take(&mut self, entry: &Entry, view: View) {
        self.text(entry.frame(view));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled_with(bytes: usize) -> Batch {
        let mut batch = Batch::default();
        while batch.room() > 0 {
            batch.text(vec![b'x'; bytes].into());
        }
        batch
    }

    #[test]
    fn a_batch_is_full_after_64_frames_or_64_kib() {
        assert_eq!(filled_with(10).frames().len(), 64);
        assert_eq!(filled_with(40 << 10).frames().len(), 2);
        assert_eq!(filled_with(66 << 10).frames().len(), 1);
    }
}
