//! One client as the server serves it: what it says is answered, what it may see is written, in order. Neither waits nor
//! does it know what carries the bytes: whoever drives it calls it when the socket can be read or written, and asks the log
//! on its behalf.

use super::batch::Batch;
use super::cursor::{Cursor, Sight, Stop};
use super::filter::Filter;
use super::outbox::Outbox;
use super::question::{Answer, Question};
use super::rate::Rate;
use super::resume::Start;
use super::{Close, Place, client_message};
use crate::frame::{self, Ready, Reset};
use crate::wire::{self, Decoder, Fault, Incoming};
use bytes::Bytes;
use std::io::{ErrorKind, Read, Write};

/// What carries the bytes. Reading and writing never wait: they fail with `WouldBlock`.
pub(crate) trait Io: Read + Write {
    /// A read that does not fill its buffer has emptied the socket, so that the next one can wait until it is said to be
    /// readable again.
    const SHORT_READ_EMPTIES: bool;

    /// Says that nothing more will be written.
    fn finish(&mut self);
}

/// How far the connection has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    Open,
    /// The close frame is written or waits to be; only the client's own is still of interest.
    Closing,
    /// The same after a violation: whatever comes means nothing any more.
    Deaf,
    /// Both have closed; what waits is still written.
    Parting,
    /// The connection is of no more use.
    Over,
}

/// What the client needs in order to get on.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// Room in the socket.
    Room,
    /// The log's answer.
    Answer(Question),
    /// The log's answer, which is under way.
    Patience,
    /// Another turn, after others had theirs.
    Turn,
    /// New events.
    Events,
}

/// Batches of one turn.
const BATCHES: usize = 8;

/// One client.
pub(crate) struct Client {
    pub place: Place,
    pub phase: Phase,
    /// The socket may have something to read.
    pub may_read: bool,
    /// The client has sent its last byte: what is there must be read to the end.
    pub is_last: bool,
    decoder: Decoder,
    /// What was read and not yet looked at, because answers wait for room.
    held: Vec<u8>,
    filter: Filter,
    rate: Rate,
    outbox: Outbox,
    cursor: Cursor,
    /// A question to the log is under way.
    has_asked: bool,
}

impl Client {
    /// A client with what it sent along with its request for an upgrade. Without a start it is only good for closing.
    pub(super) fn new(place: Place, start: Option<&Start>, early: &[u8]) -> Self {
        let mut client = Self {
            place,
            phase: Phase::Open,
            may_read: true,
            is_last: false,
            decoder: Decoder::default(),
            held: early.to_vec(),
            filter: Filter::default(),
            rate: Rate::default(),
            outbox: Outbox::default(),
            cursor: start
                .map_or_else(|| Cursor::new(1, false), |start| Cursor::new(start.next, start.from_oldest)),
            has_asked: false,
        };
        if let Some(start) = start {
            client.greet(start);
        }
        client
    }

    fn greet(&mut self, start: &Start) {
        let place = &self.place;
        self.outbox.push(frame::ready(&Ready {
            connection_id: &place.member.id,
            user_id: place.member.user.as_ref(),
            tenant_id: &place.tenant.id,
            role: place.member.viewer().role,
            seq: start.seq,
            epoch: &place.hub.0.config.epoch,
        }));
        if let Some(oldest_seq) = start.reset {
            self.outbox.push(self.reset(oldest_seq, start.seq));
        }
    }

    fn reset(&self, oldest_seq: i64, seq: i64) -> Bytes {
        frame::reset(&Reset { oldest_seq, seq, epoch: &self.place.hub.0.config.epoch })
    }

    /// What it wants to see.
    pub(crate) fn filter(&self) -> &Filter {
        &self.filter
    }

    /// The number of the next event, unless a room passes events on to it.
    pub(crate) fn next(&self) -> i64 {
        self.cursor.next()
    }

    /// Goes on from number `next`, to which a room has passed events on to it.
    pub(crate) fn jump(&mut self, next: i64) {
        self.cursor.jump(next);
    }

    /// Whether something waits to be written.
    pub(crate) fn is_full(&self) -> bool {
        !self.outbox.is_empty()
    }

    /// Whether there is something to read and room for answers.
    pub(crate) fn can_read(&self) -> bool {
        let has_input = self.may_read || !self.held.is_empty();
        has_input && self.phase != Phase::Over && !self.outbox.is_crowded()
    }

    /// Does what the hub asks for: a ping, a word about the token's end, mail, the end.
    pub(crate) fn attend(&mut self) {
        if self.phase != Phase::Open {
            return;
        }
        let member = &self.place.member;
        if member.take_ping() {
            self.outbox.push(wire::PING);
        }
        if member.take_expiry() {
            self.outbox.push(frame::expiring(member.expires_at()));
        }
        let close = member.close_asked();
        self.take_letters();
        if let Some(close) = close {
            self.close(close, Phase::Closing);
        }
    }

    /// Takes in what came by mail, when nothing else waits: a client that does not read leaves it in its box, which has a
    /// bound.
    fn take_letters(&mut self) {
        if self.phase == Phase::Open && !self.is_full() {
            let letters = self.place.member.take_letters(&self.filter);
            letters.into_iter().for_each(|letter| self.outbox.push(letter));
        }
    }

    /// Reads once and answers. `buffer` is only borrowed for the moment.
    pub(crate) fn read<I: Io>(&mut self, io: &mut I, buffer: &mut [u8]) {
        if !self.held.is_empty() {
            let mut held = std::mem::take(&mut self.held);
            return self.hear(&mut held);
        }
        match read(io, buffer) {
            Ok(0) => self.phase = Phase::Over,
            Ok(length) => {
                self.may_read = self.is_last || length == buffer.len() || !I::SHORT_READ_EMPTIES;
                self.hear(&mut buffer[..length]);
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => self.may_read = false,
            Err(_) => self.phase = Phase::Over,
        }
    }

    fn hear(&mut self, mut input: &mut [u8]) {
        while matches!(self.phase, Phase::Open | Phase::Closing) {
            if self.outbox.is_crowded() {
                return self.held.extend_from_slice(input);
            }
            match self.decoder.next(&mut input) {
                Ok(Some(incoming)) => self.understand(&incoming),
                Ok(None) => return,
                Err(fault) => self.close(close_for(fault), Phase::Deaf),
            }
        }
    }

    fn understand(&mut self, incoming: &Incoming<'_>) {
        let now_ms = self.place.hub.0.now_ms();
        self.place.member.hear(now_ms);
        if self.phase == Phase::Closing {
            if let Incoming::Close(_) = incoming {
                self.phase = Phase::Parting;
            }
            return;
        }
        let counts = match incoming {
            Incoming::Text(_) | Incoming::Ping(_) => true,
            // A message of nothing but empty fragments must not go on for ever.
            Incoming::Fragment { is_empty } => *is_empty,
            Incoming::Pong | Incoming::Close(_) => false,
        };
        if counts && self.rate.is_exceeded(now_ms) {
            return self.close(Close::TOO_MANY_MESSAGES, Phase::Deaf);
        }
        match incoming {
            Incoming::Text(text) => {
                if let Some(answer) = client_message::answer(text, &mut self.filter, &self.place) {
                    self.outbox.push(answer);
                }
            }
            Incoming::Ping(payload) => self.outbox.push(wire::pong(payload)),
            Incoming::Close(code) => {
                self.outbox.push(wire::close(*code, ""));
                self.phase = Phase::Parting;
            }
            Incoming::Fragment { .. } | Incoming::Pong => {}
        }
    }

    fn close(&mut self, close: Close, phase: Phase) {
        self.outbox.push(wire::close(Some(close.code), close.reason));
        self.phase = phase;
        self.held = Vec::new();
    }

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

    /// Writes events. What the socket does not take is not kept, save the rest of the frame that it cut: the cursor stands
    /// where to go on. Returns whether all was written. Only with nothing waiting.
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
            self.outbox.finish_first(rest);
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
            let sight = Sight { viewer: &viewer, filter: &self.filter };
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
        Need::Answer(question)
    }

    /// Goes on with what the log said.
    pub(crate) fn take_answer(&mut self, io: &mut impl Io, answer: Answer) -> Need {
        self.has_asked = false;
        if self.phase != Phase::Open {
            return Need::Room;
        }
        match answer {
            // What it asked for cannot be written, and is not kept either.
            Answer::Page { .. } if self.is_full() => Need::Room,
            Answer::Page { events, head } => {
                let mut batch = Batch::default();
                let viewer = self.place.member.viewer();
                let sight = Sight { viewer: &viewer, filter: &self.filter };
                let stop = self.cursor.absorb(events, head, &sight, &mut batch);
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

/// Reads, once more after an interruption.
fn read(io: &mut impl Io, buffer: &mut [u8]) -> std::io::Result<usize> {
    loop {
        match io.read(buffer) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            done => return done,
        }
    }
}

fn close_for(fault: Fault) -> Close {
    match fault {
        Fault::Protocol => Close::VIOLATION,
        Fault::NotUtf8 => Close::NOT_UTF8,
        Fault::Binary => Close::BINARY,
        Fault::TooLarge => Close::TOO_LARGE,
    }
}
