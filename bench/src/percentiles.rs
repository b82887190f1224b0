//! Sums durations up.

use serde_json::{Value, json};
use std::time::Duration;

/// Count, median, 99th percentile and maximum, in milliseconds.
pub fn summary(durations: impl Iterator<Item = Duration>) -> Value {
    let mut sorted: Vec<Duration> = durations.collect();
    sorted.sort();
    let at = |per_mille: usize| {
        let rank = (sorted.len() * per_mille).div_ceil(1000).max(1) - 1;
        sorted.get(rank).map(|duration| (duration.as_secs_f64() * 100_000.0).round() / 100.0)
    };
    json!({ "n": sorted.len(), "p50_ms": at(500), "p99_ms": at(990), "max_ms": at(1000) })
}
