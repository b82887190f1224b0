//! Bodies that a request's answer did not wait for. HTTP/1 has no other way past a body than to read it: a short one is
//! read, and with a longer one the connection ends, which the answer says, so that nobody sends the next request into it.
//! Knows nothing of what a body holds.

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::{HeaderValue, Version, header};
use axum::response::Response;
use http_body_util::{BodyExt as _, Limited};
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::timeout;

/// The longest body that is read for nothing, twice the largest that is taken: whoever still sends when the connection ends may
/// never see the answer.
const SHORT: usize = 8 << 20;
/// How long its rest may take: it was sent together with the head.
const WITHIN: Duration = Duration::from_millis(500);

/// Where a body is left by whoever drops it before its end.
type Shelf = Arc<Mutex<Option<Body>>>;

/// A request's body, as far as it is not read.
pub(crate) struct Unread(Option<Watch>);

struct Watch {
    shelf: Shelf,
    /// A client that waits for a word to go on has not sent anything yet.
    is_sent: bool,
}

impl Unread {
    /// Keeps an eye on the request's body, where there is one.
    pub fn watch(request: Request) -> (Request, Self) {
        if request.body().is_end_stream() || request.version() > Version::HTTP_11 {
            return (request, Self(None));
        }
        let watch =
            Watch { shelf: Shelf::default(), is_sent: !request.headers().contains_key(header::EXPECT) };
        let shelf = Arc::clone(&watch.shelf);
        (request.map(|body| Body::new(Watched { body: Some(body), shelf })), Self(Some(watch)))
    }

    /// Reads a short rest, or says that the connection ends.
    pub async fn end(self, response: &mut Response) {
        let Some(Watch { shelf, is_sent }) = self.0 else { return };
        let rest = shelf.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(rest) = rest
            && !(is_sent && is_short(rest).await)
        {
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
    }
}

/// Reads what is left, keeping nothing of it, and says whether that was possible.
async fn is_short(rest: Body) -> bool {
    rest.size_hint().lower() <= SHORT as u64
        && timeout(WITHIN, ends(Limited::new(rest, SHORT))).await == Ok(true)
}

async fn ends(mut rest: Limited<Body>) -> bool {
    while let Some(frame) = rest.frame().await {
        if frame.is_err() {
            return false;
        }
    }
    true
}

/// A body that is left on the shelf if it is dropped before its end.
struct Watched {
    body: Option<Body>,
    shelf: Shelf,
}

impl HttpBody for Watched {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let Some(body) = &mut self.body else { return Poll::Ready(None) };
        let frame = ready!(Pin::new(body).poll_frame(context));
        if matches!(frame, None | Some(Err(_))) {
            self.body = None;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map(HttpBody::size_hint).unwrap_or_default()
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        if let Some(rest) = self.body.take().filter(|body| !body.is_end_stream()) {
            *self.shelf.lock().unwrap_or_else(PoisonError::into_inner) = Some(rest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::stream;
    use std::convert::Infallible;

    /// What the answer says of the connection after a handler that reads nothing, or all.
    async fn said(body: Body, expects: bool, reads: bool) -> Option<HeaderValue> {
        let mut request = Request::new(body);
        if expects {
            request.headers_mut().insert(header::EXPECT, HeaderValue::from_static("100-continue"));
        }
        let (request, unread) = Unread::watch(request);
        if reads {
            request.into_body().collect().await.unwrap();
        } else {
            drop(request);
        }
        let mut response = Response::new(Body::empty());
        unread.end(&mut response).await;
        response.headers_mut().remove(header::CONNECTION)
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_goes_on_behind_a_body_that_was_read_or_is_short() {
        let never = || Body::from_stream(stream::pending::<Result<Bytes, Infallible>>());
        let long = || Body::from(vec![b'x'; SHORT + 1]);
        let close = Some(HeaderValue::from_static("close"));
        assert_eq!(said(Body::empty(), false, false).await, None);
        assert_eq!(said(Body::from("short"), false, false).await, None);
        assert_eq!(said(long(), false, true).await, None);
        assert_eq!(said(long(), false, false).await, close);
        assert_eq!(said(never(), false, false).await, close);
        assert_eq!(said(Body::from("short"), true, false).await, close);
        assert_eq!(said(Body::from("short"), true, true).await, None);
    }
}
