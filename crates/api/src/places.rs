//! A place for each request in progress, so that the memory that all of them take has a bound. Knows nothing of requests.

use crate::error::Result;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Requests in progress at most: as many as there may be connections, which over HTTP/2 could bring 200 times as many. Each has a
/// head of 32 KiB at most, and a body of 64 KiB that takes no room (`bodies.rs`): 1.5 GiB if somebody fills every place.
const PLACES: usize = 16_384;

/// Places that are free.
pub(crate) struct Places(Arc<Semaphore>);

/// A place that is taken, until the last one lets go of it: what goes on when a client has gone keeps it.
pub(crate) type Place = Arc<OwnedSemaphorePermit>;

impl Default for Places {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(PLACES)))
    }
}

impl Places {
    /// A place, if there is one.
    pub fn take(&self) -> Result<Place> {
        let place = Arc::clone(&self.0).try_acquire_owned().map_err(|_| app::Error::Busy)?;
        Ok(Arc::new(place))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_without_a_place_is_refused_until_one_is_free() {
        let places = Places(Arc::new(Semaphore::new(2)));
        let (first, _second) = (places.take().unwrap(), places.take().unwrap());
        let goes_on = Arc::clone(&first);
        drop(first);
        assert!(places.take().is_err(), "somebody goes on with it");
        drop(goes_on);
        assert!(places.take().is_ok());
    }
}
