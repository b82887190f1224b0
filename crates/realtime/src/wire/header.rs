//! The head of a client's frame, read as soon as its bytes are there: what is wrong is found before anything is kept.

use super::{Fault, MESSAGE_BYTES, Opcode};

const FIN: u8 = 0x80;
const RESERVED: u8 = 0x70;
const MASKED: u8 = 0x80;
/// The longest payload of a control frame.
const CONTROL_BYTES: usize = 125;

/// A client's frame without its payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub is_final: bool,
    pub opcode: Opcode,
    pub mask: [u8; 4],
    /// Bytes of the head itself.
    pub bytes: usize,
    /// Bytes of the payload; not over the limit of a message.
    pub payload: usize,
}

impl Header {
    /// Reads the head; `None` while some of it is missing.
    pub(super) fn read(input: &[u8]) -> Result<Option<Self>, Fault> {
        let Some(&first) = input.first() else { return Ok(None) };
        let (is_final, opcode) = (first & FIN != 0, opcode(first)?);
        if opcode.is_control() && !is_final {
            return Err(Fault::Protocol);
        }
        let Some(&second) = input.get(1) else { return Ok(None) };
        if second & MASKED == 0 {
            return Err(Fault::Protocol);
        }
        let Some((payload, at)) = length(second & !MASKED, input)? else { return Ok(None) };
        if opcode.is_control() && payload > CONTROL_BYTES {
            return Err(Fault::Protocol);
        }
        if payload > MESSAGE_BYTES {
            return Err(Fault::TooLarge);
        }
        let Some(&mask) = input.get(at..).and_then(|rest| rest.first_chunk()) else { return Ok(None) };
        Ok(Some(Self { is_final, opcode, mask, bytes: at + mask.len(), payload }))
    }

    /// Bytes that a head which begins like this has, as far as one can tell.
    pub(super) fn expected_bytes(input: &[u8]) -> usize {
        match input.get(1).map(|second| second & !MASKED) {
            None => 2,
            Some(126) => 8,
            Some(127) => 14,
            Some(_) => 6,
        }
    }

    /// Bytes of the whole frame.
    pub(super) fn frame_bytes(&self) -> usize {
        self.bytes + self.payload
    }
}

fn opcode(first: u8) -> Result<Opcode, Fault> {
    match (first & RESERVED, first & 0x0f) {
        (0, 0x0) => Ok(Opcode::Continuation),
        (0, 0x1) => Ok(Opcode::Text),
        (0, 0x2) => Err(Fault::Binary),
        (0, 0x8) => Ok(Opcode::Close),
        (0, 0x9) => Ok(Opcode::Ping),
        (0, 0xa) => Ok(Opcode::Pong),
        _ => Err(Fault::Protocol),
    }
}

/// The length of the payload, and where the mask begins. The shortest of the three forms is the only one allowed.
fn length(short: u8, input: &[u8]) -> Result<Option<(usize, usize)>, Fault> {
    let (length, least, at) = match short {
        126 => match input.get(2..).and_then(|rest| rest.first_chunk()) {
            Some(bytes) => (u64::from(u16::from_be_bytes(*bytes)), 126, 4),
            None => return Ok(None),
        },
        127 => match input.get(2..).and_then(|rest| rest.first_chunk()) {
            Some(bytes) => (u64::from_be_bytes(*bytes), 1 << 16, 10),
            None => return Ok(None),
        },
        short => return Ok(Some((usize::from(short), 2))),
    };
    if length < least || length > i64::MAX as u64 {
        return Err(Fault::Protocol);
    }
    // What does not fit is too large anyway.
    Ok(Some((usize::try_from(length).unwrap_or(usize::MAX), at)))
}
