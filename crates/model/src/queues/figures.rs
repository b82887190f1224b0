//! A queue's numbers over an interval, by the definitions of `docs/metrics-definitions.md`. Only sums of whole
//! milliseconds and counts (and one maximum), so that a store can add to them in place, and intervals can be added up.

use super::{LeftReason, ServiceLevelCounts};
use crate::Handling;
use crate::averages::{mean_seconds, millis, percent, seconds};
use std::ops::AddAssign;
use std::time::Duration;

/// A stay in a queue that is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EndedEntry {
    /// Why it is over.
    pub reason: LeftReason,
    /// How long it was.
    pub wait: Duration,
    /// Whether any agent was offered it meanwhile.
    pub offered: bool,
}

impl EndedEntry {
    /// Whether it was given up too soon for any rate, where `short_abandon` is in force.
    #[must_use]
    pub fn is_short(&self, short_abandon: Duration) -> bool {
        self.reason == LeftReason::Abandoned && self.wait < short_abandon
    }
}

/// The counters of one queue and one interval. All zero for nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Figures {
    /// Entries that ended, save those taken back before anybody was offered them.
    pub offered: u64,
    /// Entries that an agent took.
    pub answered: u64,
    /// Those of them that waited no longer than the threshold.
    pub answered_in_time: u64,
    /// Entries that were given up, the short ones apart.
    pub abandoned: u64,
    /// Those of them that waited no longer than the threshold.
    pub abandoned_in_time: u64,
    /// Entries that were given up at once.
    pub short_abandoned: u64,
    /// Entries that the queue itself let go.
    pub timed_out: u64,
    /// What the answered waited, in all.
    pub answered_wait_ms: u64,
    /// What the abandoned waited, in all.
    pub abandoned_wait_ms: u64,
    /// The longest wait of any entry. The one that is not a sum: it becomes the greater of both.
    pub max_wait_ms: u64,
    /// Agents' parts in calls of the queue.
    pub handling: Handling,
}

impl Figures {
    /// Counts an entry that ended, where `threshold` and `short_abandon` are in force.
    pub fn count(&mut self, entry: &EndedEntry, threshold: Duration, short_abandon: Duration) {
        let wait = millis(entry.wait);
        self.max_wait_ms = self.max_wait_ms.max(wait);
        self.offered += u64::from(entry.reason != LeftReason::Transferred || entry.offered);
        match entry.reason {
            LeftReason::Answered => {
                self.answered += 1;
                self.answered_in_time += u64::from(entry.wait <= threshold);
                self.answered_wait_ms += wait;
            }
            LeftReason::Abandoned if entry.is_short(short_abandon) => self.short_abandoned += 1,
            LeftReason::Abandoned => {
                self.abandoned += 1;
                self.abandoned_in_time += u64::from(entry.wait <= threshold);
                self.abandoned_wait_ms += wait;
            }
            LeftReason::Timeout | LeftReason::ExitKey | LeftReason::Empty => self.timed_out += 1,
            LeftReason::Transferred | LeftReason::Removed | LeftReason::Unknown => {}
        }
    }

    /// What all rates refer to: entries that an agent took, that were given up, or that the queue let go.
    fn rated(&self) -> u64 {
        self.answered + self.abandoned + self.timed_out
    }

    /// How many of a hundred were good ones by `counts`; none without any.
    #[must_use]
    pub fn service_level_percent(&self, counts: ServiceLevelCounts) -> Option<f64> {
        let good = match counts {
            ServiceLevelCounts::Answered => self.answered_in_time,
            ServiceLevelCounts::AnsweredOrAbandoned => self.answered_in_time + self.abandoned_in_time,
        };
        percent(good, self.rated())
    }

    /// How many of a hundred were given up; none without any.
    #[must_use]
    pub fn abandonment_percent(&self) -> Option<f64> {
        percent(self.abandoned, self.rated())
    }

    /// The average speed of answer; none without an answer.
    #[must_use]
    pub fn asa_seconds(&self) -> Option<f64> {
        mean_seconds(self.answered_wait_ms, self.answered)
    }

    /// The average time until the abandoned gave up; none without any.
    #[must_use]
    pub fn average_abandon_seconds(&self) -> Option<f64> {
        mean_seconds(self.abandoned_wait_ms, self.abandoned)
    }

    /// The longest wait of any entry.
    #[must_use]
    pub fn max_wait_seconds(&self) -> f64 {
        seconds(self.max_wait_ms)
    }
}

impl AddAssign for Figures {
    fn add_assign(&mut self, other: Self) {
        self.offered += other.offered;
        self.answered += other.answered;
        self.answered_in_time += other.answered_in_time;
        self.abandoned += other.abandoned;
        self.abandoned_in_time += other.abandoned_in_time;
        self.short_abandoned += other.short_abandoned;
        self.timed_out += other.timed_out;
        self.answered_wait_ms += other.answered_wait_ms;
        self.abandoned_wait_ms += other.abandoned_wait_ms;
        self.max_wait_ms = self.max_wait_ms.max(other.max_wait_ms);
        self.handling += other.handling;
    }
}

#[cfg(test)]
mod tests {
    use super::LeftReason::{Abandoned, Answered, Empty, ExitKey, Removed, Timeout, Transferred, Unknown};
    use super::ServiceLevelCounts::{Answered as Answering, AnsweredOrAbandoned};
    use super::*;
    use proptest::prelude::*;

    const THRESHOLD: Duration = Duration::from_secs(20);
    const SHORT: Duration = Duration::from_secs(5);

    fn figures(entries: &[(LeftReason, u64, bool)]) -> Figures {
        let mut figures = Figures::default();
        for &(reason, wait_ms, offered) in entries {
            let entry = EndedEntry { reason, wait: Duration::from_millis(wait_ms), offered };
            figures.count(&entry, THRESHOLD, SHORT);
        }
        figures
    }

    #[test]
    fn each_reason_counts_where_its_definition_says() {
        let table = [
            // reason, wait, somebody offered; offered, answered, in time, abandoned, short, timed out
            (Answered, 20_000, true, [1, 1, 1, 0, 0, 0]),
            (Answered, 20_001, true, [1, 1, 0, 0, 0, 0]),
            (Abandoned, 4_999, false, [1, 0, 0, 0, 1, 0]),
            (Abandoned, 5_000, false, [1, 0, 0, 1, 0, 0]),
            (Timeout, 60_000, true, [1, 0, 0, 0, 0, 1]),
            (ExitKey, 60_000, false, [1, 0, 0, 0, 0, 1]),
            (Empty, 0, false, [1, 0, 0, 0, 0, 1]),
            (Transferred, 9_000, false, [0, 0, 0, 0, 0, 0]),
            (Transferred, 9_000, true, [1, 0, 0, 0, 0, 0]),
            (Removed, 9_000, false, [1, 0, 0, 0, 0, 0]),
            (Unknown, 9_000, false, [1, 0, 0, 0, 0, 0]),
        ];
        for (reason, wait, offered, expected) in table {
            let d = figures(&[(reason, wait, offered)]);
            let counted =
                [d.offered, d.answered, d.answered_in_time, d.abandoned, d.short_abandoned, d.timed_out];
            assert_eq!((counted, d.max_wait_ms), (expected, wait), "{reason:?} after {wait} ms");
        }
    }

    #[test]
    fn rates_leave_out_who_gave_up_at_once_and_are_none_without_anything_to_rate() {
        let none = figures(&[(Abandoned, 100, false), (Removed, 100, false)]);
        assert_eq!(
            (none.service_level_percent(Answering), none.asa_seconds(), none.abandonment_percent()),
            (None, None, None)
        );
        let four = figures(&[
            (Answered, 10_000, true),
            (Answered, 30_000, true),
            (Abandoned, 50_000, true),
            (Timeout, 90_000, true),
            (Abandoned, 100, false),
        ]);
        assert_eq!(four.service_level_percent(Answering), Some(25.0));
        assert_eq!(four.abandonment_percent(), Some(25.0));
        assert_eq!((four.asa_seconds(), four.average_abandon_seconds()), (Some(20.0), Some(50.0)));
        assert_eq!(four.max_wait_seconds(), 90.0);
    }

    #[test]
    fn who_gave_up_within_the_threshold_is_good_where_the_tenant_has_it_so() {
        let all = figures(&[
            (Answered, 20_000, true),
            (Answered, 20_001, true),
            (Abandoned, 4_999, false),
            (Abandoned, 20_000, true),
            (Abandoned, 20_001, true),
            (Timeout, 10_000, true),
        ]);
        assert_eq!((all.answered_in_time, all.abandoned_in_time), (1, 1));
        assert_eq!(all.service_level_percent(Answering), Some(20.0));
        assert_eq!(all.service_level_percent(AnsweredOrAbandoned), Some(40.0));
        assert_eq!(Figures::default().service_level_percent(AnsweredOrAbandoned), None);
    }

    proptest! {
        #[test]
        fn two_intervals_added_are_the_interval_of_both(
            entries in prop::collection::vec((0..8usize, 0..100_000u64, any::<bool>()), 0..40), at in 0..40usize
        ) {
            let entries: Vec<_> = entries.into_iter().map(|(r, w, o)| (LeftReason::ALL[r], w, o)).collect();
            let (first, second) = entries.split_at(at.min(entries.len()));
            let mut sum = figures(first);
            sum += figures(second);
            prop_assert_eq!(sum, figures(&entries));
            prop_assert!(sum.rated() + sum.short_abandoned <= sum.offered);
        }
    }
}
