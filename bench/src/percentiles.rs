//! Sums durations up.

use serde::Serialize;
use std::fmt;
use std::time::Duration;

/// Some durations, in milliseconds.
#[derive(Debug, Clone, Serialize)]
pub struct Percentiles {
    /// How many there are.
    pub n: usize,
    /// The median; none of none.
    pub p50_ms: Option<f64>,
    /// Ninety-nine in a hundred are shorter.
    pub p99_ms: Option<f64>,
    /// The longest.
    pub max_ms: Option<f64>,
}

pub(crate) fn percentiles(durations: impl Iterator<Item = Duration>) -> Percentiles {
    let mut sorted: Vec<Duration> = durations.collect();
    sorted.sort();
    let at = |per_mille: usize| {
        let rank = (sorted.len() * per_mille).div_ceil(1000).max(1) - 1;
        sorted.get(rank).map(|duration| (duration.as_secs_f64() * 100_000.0).round() / 100.0)
    };
    Percentiles { n: sorted.len(), p50_ms: at(500), p99_ms: at(990), max_ms: at(1000) }
}

impl fmt::Display for Percentiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| format!("{value} ms"));
        write!(f, "p50 {}, p99 {}, max {}", ms(self.p50_ms), ms(self.p99_ms), ms(self.max_ms))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_are_those_of_the_sorted_durations() {
        let all = percentiles((1..=200).rev().map(Duration::from_millis));
        assert_eq!((all.n, all.p50_ms, all.p99_ms, all.max_ms), (200, Some(100.0), Some(198.0), Some(200.0)));
        assert_eq!(percentiles(std::iter::empty()).p50_ms, None);
    }
}
