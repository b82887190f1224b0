//! Reads a client's frames out of whatever bytes have come. What is whole is read where it lies; only the beginning of a
//! frame whose rest is still to come, and of a message in fragments, is kept: together 64 KiB and a head at most, taken as
//! the bytes come and not as they are announced.

use super::header::Header;
use super::{Fault, MESSAGE_BYTES, Opcode};
use std::borrow::Cow;

/// What a client has sent.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Incoming<'a> {
    /// A whole message; it is UTF-8.
    Text(Cow<'a, [u8]>),
    /// Some of a message.
    Fragment {
        /// Nothing of it, to be exact.
        is_empty: bool,
    },
    Ping(Cow<'a, [u8]>),
    Pong,
    /// With its code, if it has one. Nothing that follows counts.
    Close(Option<u16>),
}

/// The state between two reads; without an allocation when nothing is half there.
#[derive(Debug, Default)]
pub(crate) struct Decoder {
    /// The beginning of a frame.
    kept: Vec<u8>,
    /// The fragments of a message so far.
    message: Option<Vec<u8>>,
    /// How much of the message is known to be UTF-8.
    valid: usize,
}

impl Decoder {
    /// Takes what comes next out of `input`, in which it may be unmasked; `None` when the input is used up.
    pub(crate) fn next<'a>(&mut self, input: &mut &'a mut [u8]) -> Result<Option<Incoming<'a>>, Fault> {
        if !self.kept.is_empty() {
            return self.next_of_kept(input);
        }
        match self.head(input)? {
            Some(head) if head.frame_bytes() <= input.len() => {
                let payload = split_off(input, head.frame_bytes()).split_at_mut(head.bytes).1;
                unmask(payload, head.mask);
                self.understand(&head, Cow::Borrowed(payload)).map(Some)
            }
            head => {
                let most = head.map_or(usize::MAX, |head| head.frame_bytes());
                keep(&mut self.kept, split_off(input, input.len()), most);
                Ok(None)
            }
        }
    }

    /// Whether bytes of a frame or of a message are kept.
    #[cfg(test)]
    pub(super) fn kept_bytes(&self) -> usize {
        self.kept.capacity() + self.message.as_ref().map_or(0, Vec::capacity)
    }

    fn next_of_kept<'a>(&mut self, input: &mut &'a mut [u8]) -> Result<Option<Incoming<'a>>, Fault> {
        loop {
            let head = self.head(&self.kept)?;
            let whole = head.map_or_else(|| Header::expected_bytes(&self.kept), |head| head.frame_bytes());
            let missing = whole - self.kept.len();
            if let Some(head) = head.filter(|_| missing == 0) {
                let mut payload = std::mem::take(&mut self.kept);
                payload.drain(..head.bytes);
                unmask(&mut payload, head.mask);
                return self.understand(&head, Cow::Owned(payload)).map(Some);
            }
            if input.is_empty() {
                return Ok(None);
            }
            let more = split_off(input, missing.min(input.len()));
            keep(&mut self.kept, more, whole);
        }
    }

    /// Reads the head of a frame and refuses what may not come now.
    fn head(&self, input: &[u8]) -> Result<Option<Header>, Fault> {
        let Some(head) = Header::read(input)? else { return Ok(None) };
        match (head.opcode, &self.message) {
            (Opcode::Continuation, None) | (Opcode::Text, Some(_)) => Err(Fault::Protocol),
            (Opcode::Continuation, Some(message)) if message.len() + head.payload > MESSAGE_BYTES => {
                Err(Fault::TooLarge)
            }
            _ => Ok(Some(head)),
        }
    }

    fn understand<'a>(&mut self, head: &Header, payload: Cow<'a, [u8]>) -> Result<Incoming<'a>, Fault> {
        match head.opcode {
            Opcode::Ping => Ok(Incoming::Ping(payload)),
            Opcode::Pong => Ok(Incoming::Pong),
            Opcode::Close => Ok(Incoming::Close(close_code(&payload)?)),
            Opcode::Text if head.is_final => match std::str::from_utf8(&payload) {
                Ok(_) => Ok(Incoming::Text(payload)),
                Err(_) => Err(Fault::NotUtf8),
            },
            Opcode::Text | Opcode::Continuation => self.add(head.is_final, &payload),
        }
    }

    /// Adds a fragment; what is not UTF-8 is refused as soon as it is there.
    fn add<'a>(&mut self, is_final: bool, fragment: &[u8]) -> Result<Incoming<'a>, Fault> {
        let message = self.message.get_or_insert_default();
        keep(message, fragment, MESSAGE_BYTES);
        match std::str::from_utf8(&message[self.valid..]) {
            Ok(_) => self.valid = message.len(),
            Err(error) if is_final || error.error_len().is_some() => return Err(Fault::NotUtf8),
            Err(error) => self.valid += error.valid_up_to(),
        }
        if !is_final {
            return Ok(Incoming::Fragment { is_empty: fragment.is_empty() });
        }
        self.valid = 0;
        Ok(Incoming::Text(Cow::Owned(self.message.take().unwrap_or_default())))
    }
}

/// Adds bytes to what will have `most` in the end, and takes no more memory than twice what is there.
fn keep(kept: &mut Vec<u8>, bytes: &[u8], most: usize) {
    let length = kept.len() + bytes.len();
    if length > kept.capacity() {
        let room = length.next_power_of_two().min(most.max(length));
        kept.reserve_exact(room - kept.len());
    }
    kept.extend_from_slice(bytes);
}

fn split_off<'a>(input: &mut &'a mut [u8], at: usize) -> &'a mut [u8] {
    let (first, rest) = std::mem::take(input).split_at_mut(at);
    *input = rest;
    first
}

fn unmask(payload: &mut [u8], mask: [u8; 4]) {
    for (byte, mask) in payload.iter_mut().zip(mask.iter().cycle()) {
        *byte ^= mask;
    }
}

/// The code of a close frame. A code alone takes two bytes; behind it stands a reason, in UTF-8.
fn close_code(payload: &[u8]) -> Result<Option<u16>, Fault> {
    match payload {
        [] => Ok(None),
        [_] => Err(Fault::Protocol),
        [high, low, reason @ ..] => {
            let code = u16::from_be_bytes([*high, *low]);
            if !may_be_sent(code) {
                return Err(Fault::Protocol);
            }
            std::str::from_utf8(reason).map_err(|_| Fault::NotUtf8)?;
            Ok(Some(code))
        }
    }
}

/// The codes that the registry allows in a frame: 1004 is reserved, 1005, 1006 and 1015 never travel.
fn may_be_sent(code: u16) -> bool {
    matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)
}
