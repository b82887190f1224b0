//! What is written to the client, as far as its socket takes it: what waits, and events from the feed or the log.

use super::{Client, Io, Need, Phase};
use crate::connection::cursor::Stop;
use crate::connection::{Answer, Batch, Question, Sight};
use std::io::ErrorKind;

/// Batches of one turn.
const BATCHES: usize = 8;

impl Client {
    /// Writes what waits.
    pub(crate) fn flush(&mut self, io: &mut impl Io) {
        if self.phase == Phase::Over {
            return;
        }
        if self.is_full() {
            self.write_out(io);
            // Mail that had to wait for that; what comes from now on rings.
            self.take_letters();
            self.write_out(io);
        }
        if self.phase == Phase::Over {
            return;
        }
        // What is half on its way inside of the carrier goes on when the socket has room again.
        match io.flush() {
            Err(error) if error.kind() != ErrorKind::WouldBlock => self.phase = Phase::Over,
            _ if !self.is_full() => self.part(io),
            _ => {}
        }
    }

    fn write_out(&mut self, io: &mut impl Io) {
        if self.phase == Phase::Over || !self.is_full() {
            return;
        }
        match self.outbox.write_to(io) {
            Ok(written) => self.note_written(written),
            Err(_) => self.phase = Phase::Over,
        }
    }

    /// After the last frame: the client hears that there is no more.
    fn part(&mut self, io: &mut impl Io) {
        match self.phase {
            Phase::Deaf => io.finish(),
            Phase::Parting => {
                io.finish();
                self.phase = Phase::Over;
            }
            Phase::Open | Phase::Closing | Phase::Over => {}
        }
    }

    fn note_written(&self, written: usize) {
        let member = &self.place.member;
        if written > 0 || !self.is_full() {
            member.note_flow();
        }
        if self.is_full() {
            member.note_stuck(self.place.hub.0.now_ms());
        }
    }

    /// Writes events. What the socket does not take is not kept, save the rest of the frame that comes next, which shows that
    /// the socket is full: the cursor stands behind it. Returns whether all was written. Only with nothing waiting.
    pub(crate) fn write(&mut self, io: &mut impl Io, batch: &Batch) -> bool {
        let written = match io.write_vectored(&batch.slices()) {
            Ok(written) if written == batch.bytes() => return true,
            Ok(written) => written,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => 0,
            Err(_) => {
                self.phase = Phase::Over;
                return false;
            }
        };
        if let Some((rest, next)) = batch.cut(written) {
            self.outbox.put_first(rest);
            self.cursor.jump(next);
        }
        self.note_written(written);
        false
    }

    /// Writes events from the feed, to number `until` at most, as long as the socket takes them.
    pub(crate) fn catch_up(&mut self, io: &mut impl Io, until: i64) -> Need {
        for _ in 0..BATCHES {
            self.flush(io);
            if self.is_full() || self.phase != Phase::Open {
                return Need::Room;
            }
            if self.has_asked {
                return Need::Patience;
            }
            let mut batch = Batch::default();
            let viewer = self.place.member.viewer();
            let sight = Sight { viewer: &viewer, filter: &self.filter, copies_after: Some(self.began_at) };
            let stop = self.cursor.follow(&self.place.tenant.feed, until, &sight, &mut batch);
            if !batch.is_empty() && !self.write(io, &batch) {
                continue;
            }
            match stop {
                Stop::Full => {}
                Stop::CaughtUp => return self.flushed(io, Need::Events),
                Stop::Behind => return self.ask(Question::page(&self.place.tenant, &self.cursor)),
                Stop::Lost => return self.ask(Question::Extent),
            }
        }
        Need::Turn
    }

    fn flushed(&mut self, io: &mut impl Io, need: Need) -> Need {
        self.flush(io);
        need
    }

    fn ask(&mut self, question: Question) -> Need {
        self.has_asked = true;
        self.place.member.note_waiting(self.place.hub.0.now_ms());
        Need::Answer(question)
    }

    /// Goes on with what the log said.
    pub(crate) fn take_answer(&mut self, io: &mut impl Io, answer: Answer) -> Need {
        self.has_asked = false;
        self.place.member.note_answered();
        if self.phase != Phase::Open {
            return Need::Room;
        }
        match answer {
            // What it asked for cannot be written, and is not kept either.
            Answer::Page { .. } if self.is_full() => Need::Room,
            Answer::Page { page, head } => {
                let mut batch = Batch::default();
                let viewer = self.place.member.viewer();
                let sight =
                    Sight { viewer: &viewer, filter: &self.filter, copies_after: Some(self.began_at) };
                let stop = self.cursor.absorb(page.events, head, &sight, &mut batch);
                if !batch.is_empty() {
                    self.write(io, &batch);
                }
                if stop == Stop::Lost { self.ask(Question::Extent) } else { Need::Turn }
            }
            Answer::Extent(extent) => {
                let seq = extent.head.max(self.place.tenant.feed.head().unwrap_or(0));
                self.cursor.jump(seq + 1);
                self.outbox.push(self.reset(extent.oldest, seq));
                Need::Turn
            }
        }
    }
}
