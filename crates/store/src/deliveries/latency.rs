//! The histogram of latencies in `webhook_rollups`: a column for each step of 1, 2, 5, 10 … ms, so that the database can
//! add them up.

/// The steps' upper bounds, in milliseconds. No attempt may take more than the last one.
const BOUNDS_MS: [i64; 15] =
    [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 60_000];

/// A column for each step.
pub(super) const COLUMNS: [&str; 15] = [
    "to_1_ms",
    "to_2_ms",
    "to_5_ms",
    "to_10_ms",
    "to_20_ms",
    "to_50_ms",
    "to_100_ms",
    "to_200_ms",
    "to_500_ms",
    "to_1000_ms",
    "to_2000_ms",
    "to_5000_ms",
    "to_10000_ms",
    "to_20000_ms",
    "to_60000_ms",
];

/// Attempts by step.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Histogram(pub [i64; 15]);

impl Histogram {
    /// Counts an attempt.
    pub(super) fn add(&mut self, ms: i64) {
        let step = BOUNDS_MS.partition_point(|bound| *bound < ms).min(BOUNDS_MS.len() - 1);
        self.0[step] += 1;
    }

    /// The latency that `part` (0 to 1) of the attempts did not exceed; none without attempts. It stands in the right
    /// step, and within the step where it would be if they were spread evenly over it.
    #[must_use]
    pub fn percentile(&self, part: f64) -> Option<f64> {
        let total: i64 = self.0.iter().sum();
        if total == 0 {
            return None;
        }
        let rank = (part * total as f64).ceil().max(1.0);
        let (mut below, mut from) = (0, 0);
        for (count, bound) in self.0.iter().zip(BOUNDS_MS) {
            if *count > 0 && rank <= (below + count) as f64 {
                let into = (rank - below as f64) / *count as f64;
                return Some(from as f64 + into * (bound - from) as f64);
            }
            below += count;
            from = bound;
        }
        Some(from as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_stands_within_its_step() {
        let mut histogram = Histogram::default();
        assert_eq!(histogram.percentile(0.5), None);
        for ms in [3, 4, 5, 30, 90_000] {
            histogram.add(ms);
        }
        let at = |part| histogram.percentile(part).unwrap();
        assert!((2.0..=5.0).contains(&at(0.5)), "{}", at(0.5));
        assert!((20.0..=50.0).contains(&at(0.8)), "{}", at(0.8));
        assert!((at(0.99) - 60_000.0).abs() < 1e-6, "{}", at(0.99));
    }

    #[test]
    fn the_columns_are_named_by_their_bounds() {
        for (bound, column) in BOUNDS_MS.iter().zip(COLUMNS) {
            assert_eq!(column, format!("to_{bound}_ms"));
        }
    }
}
