//! Hands a TCP connection on from HTTP to a WebSocket. The answer that opens it is held back, for the WebSocket to write it
//! together with its first frame. Knows nothing of how either speaks.

use api::Takeover;
use hyper::body::Incoming;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper::server::conn::http1::Parts;
use hyper_util::rt::TokioIo;
use realtime::{Connection, Opening};
use std::io::{IoSlice, Result};
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

/// What takes over after the answer, as the one who serves HTTP finds out. Clones are the same.
#[derive(Clone, Default)]
pub(super) struct Successor(Arc<OnceLock<Takeover>>);

impl Successor {
    /// Looks for it in an answer.
    pub(super) fn look_at<B>(&self, response: &mut hyper::Response<B>) {
        if let Some(takeover) = response.extensions_mut().remove::<Takeover>() {
            // Set once: HTTP ends with such an answer.
            let _ = self.0.set(takeover);
        }
    }

    /// The WebSocket, after HTTP has ended: with its stream, and with what is still to be written and was read already.
    pub(super) fn take<S, T>(&self, http: Parts<Held<S>, T>) -> Option<(Connection, S, Opening)>
    where
        T: hyper::service::HttpService<Incoming>,
    {
        let connection = self.0.get()?.take()?;
        let Held { stream, held, .. } = http.io;
        Some((connection, stream.into_inner(), Opening { answer: held.into(), early: http.read_buf }))
    }
}

/// A stream that HTTP is served over. What HTTP writes once there is a successor is held: one head, and what may be left of
/// answers before it, which hyper bounds.
pub(super) struct Held<S> {
    stream: TokioIo<S>,
    successor: Successor,
    held: Vec<u8>,
}

impl<S> Held<S> {
    pub(super) fn new(stream: S, successor: Successor) -> Self {
        Self { stream: TokioIo::new(stream), successor, held: Vec::new() }
    }

    fn is_holding(&self) -> bool {
        self.successor.0.get().is_some()
    }
}

impl<S: Unpin> Read for Held<S>
where
    TokioIo<S>: Read,
{
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: Unpin> Write for Held<S>
where
    TokioIo<S>: Write,
{
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize>> {
        if !self.is_holding() {
            return Pin::new(&mut self.stream).poll_write(context, bytes);
        }
        self.held.extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        if !self.is_holding() {
            return Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        }
        slices.iter().for_each(|slice| self.held.extend_from_slice(slice));
        Poll::Ready(Ok(slices.iter().map(|slice| slice.len()).sum()))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
