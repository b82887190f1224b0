//! The frames of one write, each with its event's number, so that a write that ends halfway can be taken up again. Knows
//! nothing of where they come from.

use super::cursor::Take;
use crate::feed::Entry;
use bytes::Bytes;
use std::io::IoSlice;

/// A write takes at most 64 frames and ends with the frame that reaches 64 KiB.
const FRAMES: usize = 64;
const BYTES: usize = 64 << 10;

/// Frames to be written together.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    frames: Vec<(i64, Bytes)>,
    bytes: usize,
}

impl Batch {
    pub(crate) fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// Bytes of all frames.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) fn slices(&self) -> Vec<IoSlice<'_>> {
        self.frames.iter().map(|(_, frame)| IoSlice::new(frame)).collect()
    }

    /// Where a write of `written` bytes ended: what is missing of the frame that comes next, all of it perhaps, and the number
    /// of the event behind it. `None` if all was written.
    pub(crate) fn cut(&self, written: usize) -> Option<(Bytes, i64)> {
        let mut left = written;
        for (seq, frame) in &self.frames {
            if left < frame.len() {
                return Some((frame.slice(left..), seq + 1));
            }
            left -= frame.len();
        }
        None
    }
}

impl Take for Batch {
    fn room(&self) -> usize {
        if self.bytes < BYTES { FRAMES.saturating_sub(self.frames.len()) } else { 0 }
    }

    fn take(&mut self, entry: &Entry, frame: Bytes) {
        self.bytes += frame.len();
        self.frames.push((entry.seq(), frame));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(frames: usize, bytes: usize) -> Batch {
        let frame = |n| (i64::try_from(n).unwrap() * 10, Bytes::from(vec![b'x'; bytes]));
        Batch { frames: (0..frames).map(frame).collect(), bytes: frames * bytes }
    }

    #[test]
    fn a_batch_is_full_after_64_frames_or_64_kib() {
        assert_eq!((batch(63, 10).room(), batch(64, 10).room()), (1, 0));
        assert!(batch(1, 40 << 10).room() > 0);
        assert_eq!((batch(2, 40 << 10).room(), batch(1, 66 << 10).room()), (0, 0));
    }

    #[test]
    fn a_write_that_ends_halfway_is_taken_up_with_the_frame_that_comes_next() {
        let batch = batch(3, 100);
        assert_eq!(batch.cut(0), Some((Bytes::from(vec![b'x'; 100]), 1)));
        assert_eq!(batch.cut(100), Some((Bytes::from(vec![b'x'; 100]), 11)));
        assert_eq!(batch.cut(150), Some((Bytes::from(vec![b'x'; 50]), 11)));
        assert_eq!(batch.cut(299), Some((Bytes::from(vec![b'x'; 1]), 21)));
        assert_eq!(batch.cut(300), None);
    }
}
