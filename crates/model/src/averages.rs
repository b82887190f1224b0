//! Sums of whole milliseconds, and what is made of them.

use std::time::Duration;

pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

pub(crate) fn seconds(ms: u64) -> f64 {
    crate::duration::seconds(Duration::from_millis(ms))
}

/// The part of the whole; none of nothing.
#[expect(clippy::cast_precision_loss, reason = "exact up to 2^53, far beyond any day's milliseconds")]
pub(crate) fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// How many of a hundred; none of nothing.
pub(crate) fn percent(part: u64, whole: u64) -> Option<f64> {
    ratio(part, whole).map(|share| 100.0 * share)
}

/// Seconds of each; none without any.
pub(crate) fn mean_seconds(sum_ms: u64, count: u64) -> Option<f64> {
    ratio(sum_ms, count).map(|ms| ms / 1000.0)
}
