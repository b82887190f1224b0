//! What goes out before any further event: the rest of a frame that a write has cut, then answers, pings, pongs and the
//! close. Knows nothing of what they say.

use bytes::{Buf, Bytes};
use std::collections::VecDeque;
use std::io::{ErrorKind, IoSlice, Result, Write};

/// Answers that may wait. The longest names 64 subscriptions of 102 characters, so that a client that asks and does not
/// read holds about 110 KiB, and the rest of one event of 64 KiB; then it is not read from either.
/// Mail comes on top, a box of it, but only into an empty outbox; what is announced, all connections share.
const ANSWERS: usize = 16;
/// Frames that one write takes.
const AT_A_TIME: usize = 64;

/// The frames of one connection that wait; without an allocation when there are none.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    rest: Bytes,
    frames: VecDeque<Bytes>,
}

impl Outbox {
    pub(super) fn is_empty(&self) -> bool {
        self.rest.is_empty() && self.frames.is_empty()
    }

    /// Whether no more questions should be taken.
    pub(super) fn is_crowded(&self) -> bool {
        self.frames.len() >= ANSWERS
    }

    pub(super) fn push(&mut self, frame: Bytes) {
        self.frames.push_back(frame);
    }

    /// What goes out before all frames: what is missing of an event's frame, or the answer to the client's request. Only
    /// while there is nothing of the kind.
    pub(super) fn put_first(&mut self, rest: Bytes) {
        self.rest = rest;
    }

    /// Writes until everything is written, or the socket is full. Returns how much was written.
    pub(super) fn write_to(&mut self, io: &mut impl Write) -> Result<usize> {
        let mut all = 0;
        while !self.is_empty() {
            let rest = Some(&self.rest).filter(|rest| !rest.is_empty());
            let slices: Vec<IoSlice<'_>> = rest
                .into_iter()
                .chain(&self.frames)
                .take(AT_A_TIME)
                .map(|frame| IoSlice::new(frame))
                .collect();
            match io.write_vectored(&slices) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(written) => {
                    all += written;
                    self.advance(written);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(all),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        // An idle connection keeps no buffer.
        *self = Self::default();
        Ok(all)
    }

    fn advance(&mut self, written: usize) {
        let mut left = written;
        loop {
            let step = left.min(self.rest.len());
            self.rest.advance(step);
            left -= step;
            if !self.rest.is_empty() {
                return;
            }
            match self.frames.pop_front() {
                Some(frame) if left > 0 => self.rest = frame,
                Some(frame) => return self.frames.push_front(frame),
                None => return,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes so many bytes, then none.
    struct Narrow(Vec<u8>, usize);

    impl Write for Narrow {
        fn write(&mut self, bytes: &[u8]) -> Result<usize> {
            let taken = bytes.len().min(self.1 - self.0.len());
            self.0.extend_from_slice(&bytes[..taken]);
            if taken == 0 { Err(ErrorKind::WouldBlock.into()) } else { Ok(taken) }
        }

        fn flush(&mut self) -> Result<()> {
            Ok(())
        }
    }

    #[test]
    fn whatever_a_socket_takes_the_bytes_come_whole_and_in_order() {
        let mut outbox = Outbox::default();
        outbox.put_first("rest".into());
        for frame in ["one", "two", "three"] {
            outbox.push(frame.into());
        }
        let mut narrow = Narrow(Vec::new(), 0);
        for room in 1..=15 {
            assert!(!outbox.is_empty());
            narrow.1 = room;
            assert_eq!(outbox.write_to(&mut narrow).unwrap(), 1);
        }
        assert!(outbox.is_empty());
        assert_eq!(narrow.0, b"restonetwothree");
    }

    #[test]
    fn with_16_answers_it_is_crowded() {
        let mut outbox = Outbox::default();
        (0..ANSWERS - 1).for_each(|_| outbox.push("{}".into()));
        assert!(!outbox.is_crowded());
        outbox.push("{}".into());
        assert!(outbox.is_crowded());
    }
}
