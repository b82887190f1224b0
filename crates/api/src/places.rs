//! A place for each request in progress, so that the memory that all of them take has a bound. Knows nothing of requests.

use crate::error::Result;
use tokio::sync::Semaphore;

/// Requests in progress at most: as many as there may be connections, which over HTTP/2 could bring 200 times as many. Each has a
/// head of 32 KiB at most, and a body of 64 KiB that takes no room (`bodies.rs`): 1.5 GiB if somebody fills every place.
const PLACES: usize = 16_384;

/// Places that are free.
pub(crate) struct Places(Semaphore);

impl Default for Places {
    fn default() -> Self {
        Self(Semaphore::new(PLACES))
    }
}

impl Places {
    /// Runs an answer to its end, if there is a place for it.
    pub async fn take<T>(&self, answer: impl Future<Output = T>) -> Result<T> {
        let _place = self.0.try_acquire().map_err(|_| app::Error::Busy)?;
        Ok(answer.await)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;
    use std::future::{pending, ready};

    #[test]
    fn a_request_without_a_place_is_refused_until_one_is_free() {
        let places = Places(Semaphore::new(2));
        let mut first = Box::pin(places.take(pending::<()>()));
        let mut second = Box::pin(places.take(pending::<()>()));
        assert!(first.as_mut().now_or_never().is_none() && second.as_mut().now_or_never().is_none());
        assert!(places.take(ready(())).now_or_never().unwrap().is_err());
        // Its client has gone away.
        drop(first);
        assert!(places.take(ready(())).now_or_never().unwrap().is_ok());
        assert!(places.take(ready(())).now_or_never().unwrap().is_ok(), "an answer leaves its place");
    }
}
