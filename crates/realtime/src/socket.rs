//! The seam between the hub and whatever carries WebSocket frames. Knows nothing of events.

use bytes::Bytes;

/// One frame to the client. Cloning shares the bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// One JSON document; the bytes are valid UTF-8.
    Text(Bytes),
    /// An empty ping.
    Ping,
}

/// One thing that came from the client. Whoever implements the stream answers pings, and a close, by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Incoming {
    /// A whole text message.
    Text(Bytes),
    /// A binary message; nothing here takes one.
    Binary,
    /// A ping.
    Ping,
    /// A pong.
    Pong,
    /// The client closes.
    Close,
    /// A message over the size limit.
    TooLarge,
    /// The client broke the protocol: 1002, or 1007 for text that is not UTF-8.
    Violation(u16),
}

/// The other side cannot be reached any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the connection is gone")]
pub struct Gone;

/// A WebSocket after the upgrade.
pub trait Socket: Send {
    /// Writes.
    type Sink: FrameSink;
    /// Reads, also while a write is stuck.
    type Stream: FrameStream;

    /// The two halves, which are used at the same time by one task.
    fn split(self) -> (Self::Sink, Self::Stream);
}

/// The writing half.
pub trait FrameSink: Send {
    /// Writes all the frames and flushes. May be dropped halfway; then only `close` follows.
    fn send(&mut self, frames: &[Frame]) -> impl Future<Output = Result<(), Gone>> + Send;

    /// Writes a close frame and flushes. After a `send` that was dropped halfway it first finishes the frame that it was
    /// in, or writes nothing.
    fn close(&mut self, code: u16, reason: &'static str) -> impl Future<Output = Result<(), Gone>> + Send;
}

/// The reading half.
pub trait FrameStream: Send {
    /// What comes next; `None` when the connection is gone. Dropping the future loses nothing.
    fn recv(&mut self) -> impl Future<Output = Option<Incoming>> + Send;
}
