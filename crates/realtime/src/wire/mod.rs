//! RFC 6455 on the wire: frames made and frames read, without any I/O. Knows nothing of what messages say. No extension is
//! spoken, so the reserved bits are never set.

mod decoder;
mod encode;
mod header;
#[cfg(test)]
mod tests;

pub(crate) use decoder::{Decoder, Incoming};
pub(crate) use encode::{PING, close, document, pong, text};

/// The longest message from a client, in one frame or in several.
pub(crate) const MESSAGE_BYTES: usize = 64 << 10;

/// What a client did wrong on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Not as the standard says.
    Protocol,
    /// A text that is not UTF-8.
    NotUtf8,
    /// A binary message.
    Binary,
    /// A message over the limit.
    TooLarge,
}

/// What a frame is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Opcode {
    Continuation,
    Text,
    Close,
    Ping,
    Pong,
}

impl Opcode {
    fn is_control(self) -> bool {
        matches!(self, Self::Close | Self::Ping | Self::Pong)
    }
}
