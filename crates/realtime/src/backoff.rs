//! Waiting times between tries: doubling up to a limit, and random so that many do not come back at once. Knows nothing
//! of what is tried.

use rand::RngExt;
use std::time::Duration;

/// The waiting times of one series of tries.
#[derive(Debug)]
pub(crate) struct Backoff {
    next: Duration,
    longest: Duration,
}

impl Backoff {
    pub(crate) fn new(first: Duration, longest: Duration) -> Self {
        Self { next: first, longest }
    }

    /// How long to wait before the next try: half to all of the doubling time.
    pub(crate) fn wait(&mut self) -> Duration {
        let wait = self.next.mul_f64(rand::rng().random_range(0.5..1.0));
        self.next = (self.next * 2).min(self.longest);
        wait
    }
}
