//! Counts a client's messages. Knows nothing of what they say.

/// The seconds looked back on, and how many messages a second are too many all that time.
const SECONDS: usize = 5;
const MOST: u16 = 20 * 5;

/// The messages of the last five seconds, by second.
#[derive(Debug, Default)]
pub(super) struct Rate {
    second: u64,
    counts: [u16; SECONDS],
}

impl Rate {
    /// Counts one message; true if they are too many.
    pub(super) fn is_exceeded(&mut self, now_ms: u64) -> bool {
        let second = now_ms / 1000;
        let passed = second.saturating_sub(self.second);
        self.second = self.second.max(second);
        for older in 0..passed.min(SECONDS as u64) {
            *self.count_of(second - older) = 0;
        }
        let count = self.count_of(second);
        *count = count.saturating_add(1);
        self.counts.iter().copied().fold(0, u16::saturating_add) > MOST
    }

    fn count_of(&mut self, second: u64) -> &mut u16 {
        let at = usize::try_from(second % SECONDS as u64).unwrap_or(0);
        &mut self.counts[at]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn closes_at(per_second: u64) -> Option<u64> {
        let mut rate = Rate::default();
        (0..per_second * 60).map(|n| 7_000 + n * 1000 / per_second).find(|now| rate.is_exceeded(*now))
    }

    #[test]
    fn twenty_a_second_is_fine_for_ever_and_more_is_not() {
        assert_eq!(closes_at(20), None);
        assert!(closes_at(25).is_some_and(|at| at < 12_000));
        assert!(closes_at(1000).is_some());
    }

    #[test]
    fn a_burst_is_forgotten_after_five_seconds() {
        let mut rate = Rate::default();
        for burst in 0..10 {
            assert!((0..100).all(|_| !rate.is_exceeded(burst * 6_000)));
        }
    }
}
