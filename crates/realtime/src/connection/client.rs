//! One client as the server serves it: what it says is answered, what it may see is written, in order. Neither waits nor
//! does it know what carries the bytes: whoever drives it calls it when the socket can be read or written, and asks the log
//! on its behalf.

mod hearing;
mod writing;

use super::cursor::Cursor;
use super::filter::Filter;
use super::outbox::Outbox;
use super::question::Question;
use super::rate::Rate;
use super::resume::Start;
use super::{Close, Place};
use crate::frame::{self, Ready, Reset};
use crate::wire::{self, Decoder};
use bytes::Bytes;
use std::io::{Read, Write};

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
    /// The end of the log when it began.
    began_at: i64,
    /// A question to the log is under way.
    has_asked: bool,
}

impl Client {
    /// A client with what it sent along with its request for an upgrade. Without a start it is only good for closing.
    pub(super) fn new(place: Place, start: Option<&Start>, early: &[u8]) -> Self {
        let mut client = Self {
            place,
            phase: Phase::Open,
            // Whoever drives it finds out.
            may_read: false,
            is_last: false,
            decoder: Decoder::default(),
            held: early.to_vec(),
            filter: Filter::default(),
            rate: Rate::default(),
            outbox: Outbox::default(),
            cursor: start
                .map_or_else(|| Cursor::new(1, false), |start| Cursor::new(start.next, start.from_oldest)),
            began_at: start.map_or(0, |start| start.seq),
            has_asked: false,
        };
        if let Some(start) = start {
            client.greet(start);
            // Without a subscription everything is wanted.
            client.place.hub.0.newcomers.note(&client.place.member, |_| true);
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
            epoch: &start.epoch,
        }));
        if let Some(oldest_seq) = start.reset {
            self.outbox.push(frame::reset(&Reset { oldest_seq, seq: start.seq, epoch: &start.epoch }));
        }
    }

    fn reset(&self, oldest_seq: i64, seq: i64) -> Bytes {
        frame::reset(&Reset { oldest_seq, seq, epoch: &self.place.hub.epoch() })
    }

    /// Has the answer to its request written before everything else.
    pub(super) fn answer_first(&mut self, answer: Bytes) {
        self.outbox.put_first(answer);
    }

    /// What it wants to see.
    pub(crate) fn filter(&self) -> &Filter {
        &self.filter
    }

    /// The end of the log when it began, as the client was told.
    pub(crate) fn began_at(&self) -> i64 {
        self.began_at
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

    fn close(&mut self, close: Close, phase: Phase) {
        self.outbox.push(wire::close(Some(close.code), close.reason));
        self.phase = phase;
        self.held = Vec::new();
    }
}
