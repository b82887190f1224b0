//! How much work calls were over an interval, for a queue or for an agent, by the definitions of
//! `docs/metrics-definitions.md`.

use crate::averages::{mean_seconds, millis};
use std::ops::AddAssign;
use std::time::Duration;

/// Agents' parts in calls that are over. Only sums, so that a store can add to them in place.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Handling {
    /// How many.
    pub legs: u64,
    /// What those talked.
    pub talk_ms: u64,
    /// What those had somebody on hold.
    pub hold_ms: u64,
    /// What those took for paper work.
    pub wrap_up_ms: u64,
}

impl Handling {
    /// One part that ends.
    #[must_use]
    pub fn of_leg(talk: Duration, hold: Duration) -> Self {
        Self { legs: 1, talk_ms: millis(talk), hold_ms: millis(hold), wrap_up_ms: 0 }
    }

    /// The paper work after a part, when that ends.
    #[must_use]
    pub fn of_wrap_up(lasted: Duration) -> Self {
        Self { wrap_up_ms: millis(lasted), ..Self::default() }
    }

    /// The average handle time; none while nothing was handled.
    #[must_use]
    pub fn aht_seconds(&self) -> Option<f64> {
        mean_seconds(self.talk_ms + self.hold_ms + self.wrap_up_ms, self.legs)
    }
}

impl AddAssign for Handling {
    fn add_assign(&mut self, other: Self) {
        self.legs += other.legs;
        self.talk_ms += other.talk_ms;
        self.hold_ms += other.hold_ms;
        self.wrap_up_ms += other.wrap_up_ms;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn handle_time_is_talk_hold_and_paper_work_of_each_part() {
        let mut all = Handling::default();
        assert_eq!(all.aht_seconds(), None);
        all += Handling::of_leg(Duration::from_millis(60_500), Duration::from_millis(9_500));
        all += Handling::of_leg(Duration::from_secs(20), Duration::ZERO);
        all += Handling::of_wrap_up(Duration::from_secs(30));
        assert_eq!(all, Handling { legs: 2, talk_ms: 80_500, hold_ms: 9_500, wrap_up_ms: 30_000 });
        assert_eq!(all.aht_seconds(), Some(60.0));
    }
}
