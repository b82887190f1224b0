//! What the client says, and the answers to it.

use super::{Client, Io, Phase};
use crate::connection::{Close, client_message};
use crate::wire::{self, Fault, Incoming};
use std::io::ErrorKind;

impl Client {
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
                if let Some(answer) =
                    client_message::answer(text, self.cursor.passed(), &mut self.filter, &self.place)
                {
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
