//! Axum's WebSocket behind the hub's seam. Knows nothing of events.

use axum::Error;
use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket};
use bytes::Bytes;
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use realtime::{Frame, FrameSink, FrameStream, Gone, Incoming, Socket};
use tungstenite::Error as Protocol;

/// Larger messages from clients close the connection with 1009.
pub(super) const MAX_MESSAGE: usize = 64 << 10;
/// The library's default of 128 KiB, allocated at once, would be nearly all that an idle connection costs.
pub(super) const READ_BUFFER: usize = 1024;

pub(super) struct PlainSocket(pub WebSocket);

impl Socket for PlainSocket {
    type Sink = PlainSink;
    type Stream = PlainStream;

    fn split(self) -> (PlainSink, PlainStream) {
        let (sink, stream) = self.0.split();
        (PlainSink(sink), PlainStream(stream))
    }
}

pub(super) struct PlainSink(SplitSink<WebSocket, Message>);

impl FrameSink for PlainSink {
    async fn send(&mut self, frames: &[Frame]) -> Result<(), Gone> {
        for frame in frames {
            self.0.feed(message(frame)?).await.map_err(|_| Gone)?;
        }
        self.0.flush().await.map_err(|_| Gone)
    }

    async fn close(&mut self, code: u16, reason: &'static str) -> Result<(), Gone> {
        let frame = CloseFrame { code, reason: Utf8Bytes::from_static(reason) };
        self.0.send(Message::Close(Some(frame))).await.map_err(|_| Gone)
    }
}

fn message(frame: &Frame) -> Result<Message, Gone> {
    Ok(match frame {
        Frame::Text(bytes) => Message::Text(Utf8Bytes::try_from(bytes.clone()).map_err(|_| Gone)?),
        Frame::Ping => Message::Ping(Bytes::new()),
    })
}

pub(super) struct PlainStream(SplitStream<WebSocket>);

impl FrameStream for PlainStream {
    async fn recv(&mut self) -> Option<Incoming> {
        Some(match self.0.next().await? {
            Ok(Message::Text(text)) => Incoming::Text(text.into()),
            Ok(Message::Binary(_)) => Incoming::Binary,
            Ok(Message::Ping(_)) => Incoming::Ping,
            Ok(Message::Pong(_)) => Incoming::Pong,
            Ok(Message::Close(_)) => Incoming::Close,
            Err(error) => violation(error)?,
        })
    }
}

/// What a client did wrong; `None` if the connection just broke.
fn violation(error: Error) -> Option<Incoming> {
    match error.into_inner().downcast_ref::<Protocol>()? {
        Protocol::Capacity(_) => Some(Incoming::TooLarge),
        Protocol::Utf8(_) => Some(Incoming::Violation(1007)),
        Protocol::Protocol(_) => Some(Incoming::Violation(1002)),
        _ => None,
    }
}
