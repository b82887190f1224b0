//! Reads bodies into memory, each and all together within bounds. Knows nothing of what they hold.

use crate::error::{ApiError, Result};
use axum::body::{Body, Bytes};
use axum::http::StatusCode;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::Body as _;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// How long a body may take to arrive: 4 MiB need 70 KB/s. Without a limit, a client that sends nothing keeps its place among
/// the server's connections for ever.
const WITHIN: Duration = Duration::from_secs(60);
/// A body of this size needs no room: nearly every call's is smaller, and is taken whatever the large ones do. There are as many of
/// them as requests in progress (`places.rs`): 1 GiB if somebody fills all of those.
const SMALL: usize = 64 << 10;
/// Bytes of all larger bodies: 64 of the largest. As long as the body is there, so are the events that were read from it, which are
/// no larger.
const ROOM: usize = 256 << 20;

/// Where bodies are kept as long as somebody needs them.
pub(crate) struct Bodies {
    room: Arc<Semaphore>,
}

impl Default for Bodies {
    fn default() -> Self {
        Self { room: Arc::new(Semaphore::new(ROOM)) }
    }
}

impl Bodies {
    /// Reads a body of at most `most` bytes. It gives its room back when the last one lets go of it.
    pub async fn read(&self, body: Body, most: usize) -> Result<Bytes> {
        let message = "the body did not arrive in time: send it again, at once";
        let read = timeout(WITHIN, self.collect(body, most)).await;
        read.unwrap_or_else(|_| Err(ApiError::new(StatusCode::REQUEST_TIMEOUT, "body_too_slow", message)))
    }

    /// What came in one piece stays in the connection's buffer. Pieces are copied, not listed: a body may come byte by byte, and
    /// each piece keeps 32 bytes and the buffer that it came in.
    async fn collect(&self, body: Body, most: usize) -> Result<Bytes> {
        let size = |bytes: u64| usize::try_from(bytes).map_or(most, |bytes| bytes.min(most));
        let hint = body.size_hint();
        let (least, longest) = (size(hint.lower()), hint.upper().map_or(most, size));
        let mut body = Limited::new(body, most);
        let Some(first) = next(&mut body).await? else { return Ok(Bytes::new()) };
        let Some(second) = next(&mut body).await? else { return Ok(first) };
        let mut kept = Kept { bytes: Vec::with_capacity(least.min(SMALL)), most: longest, room: None };
        kept.push(&first, &self.room)?;
        drop(first);
        kept.push(&second, &self.room)?;
        while let Some(piece) = next(&mut body).await? {
            kept.push(&piece, &self.room)?;
        }
        Ok(kept.into())
    }
}

async fn next(body: &mut Limited<Body>) -> Result<Option<Bytes>> {
    while let Some(frame) = body.frame().await {
        // Anything but data is trailers, which nobody asks for.
        if let Ok(data) = frame.map_err(|error| unreadable(&*error))?.into_data() {
            return Ok(Some(data));
        }
    }
    Ok(None)
}

fn unreadable(error: &(dyn std::error::Error + Send + Sync + 'static)) -> ApiError {
    if error.is::<LengthLimitError>() {
        return ApiError::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "body_too_large",
            "the body is larger than this call takes: 1 MiB, or 4 MiB for events",
        );
    }
    ApiError::new(StatusCode::BAD_REQUEST, "unreadable_body", "the body broke off before its end")
}

/// A body as far as it has arrived, and the room that it takes.
struct Kept {
    bytes: Vec<u8>,
    /// It becomes no longer.
    most: usize,
    room: Option<OwnedSemaphorePermit>,
}

impl Kept {
    /// Takes room for what has arrived, not for what a client says that it will send.
    fn push(&mut self, piece: &[u8], room: &Arc<Semaphore>) -> Result<()> {
        let needed = self.bytes.len() + piece.len();
        if needed > self.bytes.capacity() {
            let most = if needed > SMALL { self.most } else { self.most.min(SMALL) };
            let capacity = needed.max((2 * self.bytes.capacity()).min(most));
            self.take_room(capacity, room)?;
            self.bytes.reserve_exact(capacity - self.bytes.len());
        }
        self.bytes.extend_from_slice(piece);
        Ok(())
    }

    fn take_room(&mut self, capacity: usize, room: &Arc<Semaphore>) -> Result<()> {
        if capacity <= SMALL {
            return Ok(());
        }
        let taken = self.room.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let more = u32::try_from(capacity - taken).map_err(|_| app::Error::Busy)?;
        let more = room.clone().try_acquire_many_owned(more).map_err(|_| app::Error::Busy)?;
        match &mut self.room {
            Some(room) => room.merge(more),
            none => *none = Some(more),
        }
        Ok(())
    }
}

impl AsRef<[u8]> for Kept {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl From<Kept> for Bytes {
    fn from(kept: Kept) -> Self {
        if kept.room.is_some() { Self::from_owner(kept) } else { Self::from(kept.bytes) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::response::IntoResponse as _;
    use futures_util::{StreamExt as _, stream};
    use std::convert::Infallible;
    use std::future::pending;

    const MIB: usize = 1 << 20;

    fn with_room(bytes: usize) -> Bodies {
        Bodies { room: Arc::new(Semaphore::new(bytes)) }
    }

    /// A body that comes in pieces of so many bytes.
    fn body(length: usize, piece: usize) -> Body {
        let bytes = Bytes::from_iter((b'a'..=b'w').cycle().take(length));
        let pieces = (0..length).step_by(piece);
        let pieces: Vec<Bytes> = pieces.map(|at| bytes.slice(at..length.min(at + piece))).collect();
        Body::from_stream(stream::iter(pieces.into_iter().map(Ok::<_, Infallible>)))
    }

    #[tokio::test]
    async fn a_body_is_read_however_it_comes_and_gives_its_room_back() {
        let bodies = with_room(2 * MIB);
        for (length, piece) in [(0, 1), (1, 1), (1000, 1), (SMALL, SMALL), (SMALL + 1, 1000), (MIB, 16 << 10)]
        {
            let read = bodies.read(body(length, piece), MIB).await.unwrap();
            let whole = body(length, length.max(1)).collect().await.unwrap().to_bytes();
            assert!(read == whole, "{length} bytes in pieces of {piece}");
            let taken = 2 * MIB - bodies.room.available_permits();
            assert!(if length > SMALL { taken >= length } else { taken == 0 }, "{taken} for {length}");
            drop(read);
            assert_eq!(bodies.room.available_permits(), 2 * MIB);
        }
        let larger = bodies.read(body(MIB + 1, 16 << 10), MIB).await.unwrap_err();
        assert_eq!(larger.into_response().status(), 413);
        assert_eq!(bodies.room.available_permits(), 2 * MIB);
    }

    #[tokio::test]
    async fn without_room_large_bodies_are_refused_and_small_ones_taken() {
        let bodies = with_room(MIB);
        let large = bodies.read(body(MIB, 16 << 10), MIB).await.unwrap();
        let refused = bodies.read(body(SMALL + 1, 1000), MIB).await.unwrap_err().into_response();
        assert_eq!(
            (refused.status().as_u16(), &refused.headers()["retry-after"]),
            (503, &"2".parse().unwrap())
        );
        assert_eq!(bodies.read(body(SMALL, 1000), MIB).await.unwrap().len(), SMALL);
        drop(large);
        assert_eq!(bodies.read(body(MIB, 1000), MIB).await.unwrap().len(), MIB);
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_does_not_come_to_its_end_gives_its_room_back_too() {
        let bodies = with_room(MIB);
        let never = body(SMALL * 2, 1000).into_data_stream().chain(stream::once(pending()));
        let slow = bodies.read(Body::from_stream(never), MIB).await.unwrap_err();
        assert_eq!(slow.into_response().status(), 408);
        assert_eq!(bodies.room.available_permits(), MIB);
    }
}
