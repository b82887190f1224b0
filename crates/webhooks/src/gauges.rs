//! Counts what the engine does, as plain numbers for whoever shows them. Knows no metrics library.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// Upper bounds of the latency histogram's buckets, in milliseconds; what is slower stands in one more bucket.
pub const LATENCY_BUCKETS_MS: [u64; 12] = [5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000];

/// The engine's state at one moment, and its counters since the start.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Gauges {
    /// Deliveries in memory that wait to be sent.
    pub queued: usize,
    /// Requests on their way.
    pub in_flight: usize,
    /// Attempts sent and not yet recorded; those in flight among them.
    pub unrecorded: usize,
    /// Bytes in memory: queued, in flight and reserved.
    pub bytes: usize,
    /// Endpoints known to the engine.
    pub lanes: usize,
    /// Whether this server holds its lease and may send.
    pub lease_held: bool,
    /// Deliveries that succeeded.
    pub delivered: u64,
    /// Deliveries that were given up.
    pub failed: u64,
    /// Attempts that are to be repeated.
    pub retried: u64,
    /// Deliveries that were claimed, having had no room in memory or having had to wait.
    pub claimed: u64,
    /// Attempts by latency, one count for each bound of [`LATENCY_BUCKETS_MS`] and one for the rest; not cumulative.
    pub latency_counts: [u64; 13],
    /// All latencies added up, in milliseconds.
    pub latency_sum_ms: u64,
}

/// The counters behind [`Gauges`].
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) delivered: AtomicU64,
    pub(crate) failed: AtomicU64,
    pub(crate) retried: AtomicU64,
    pub(crate) claimed: AtomicU64,
    latency_counts: [AtomicU64; 13],
    latency_sum_ms: AtomicU64,
}

impl Counters {
    /// Notes how long an attempt took.
    pub(crate) fn took(&self, duration: Duration) {
        let ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        let bucket = LATENCY_BUCKETS_MS.partition_point(|bound| *bound < ms);
        self.latency_counts[bucket].fetch_add(1, Relaxed);
        self.latency_sum_ms.fetch_add(ms, Relaxed);
    }

    /// Fills in the counters.
    pub(crate) fn read_into(&self, gauges: &mut Gauges) {
        gauges.delivered = self.delivered.load(Relaxed);
        gauges.failed = self.failed.load(Relaxed);
        gauges.retried = self.retried.load(Relaxed);
        gauges.claimed = self.claimed.load(Relaxed);
        gauges.latency_counts = self.latency_counts.each_ref().map(|count| count.load(Relaxed));
        gauges.latency_sum_ms = self.latency_sum_ms.load(Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attempt_is_counted_in_the_bucket_that_its_latency_does_not_exceed() {
        let counters = Counters::default();
        for ms in [0, 5, 6, 30_000, 30_001] {
            counters.took(Duration::from_millis(ms));
        }
        let mut gauges = Gauges::default();
        counters.read_into(&mut gauges);
        assert_eq!((gauges.latency_counts[0], gauges.latency_counts[1]), (2, 1));
        assert_eq!((gauges.latency_counts[11], gauges.latency_counts[12]), (1, 1));
        assert_eq!(gauges.latency_sum_ms, 60_012);
    }
}
