//! When to write and when to wait for more. Writing at once is right while there is little to write; above a measured rate
//! of writes a loop collects for up to two milliseconds, since a write costs nearly the same whatever it carries. Knows
//! nothing of what is written.

use std::time::Duration;
use tokio::time::Instant;

/// The longest time that an event waits for others.
const WINDOW: Duration = Duration::from_millis(2);
/// Writes within a window that are made at once: 32,000 a second, some 200 ms of a core.
const WRITES: usize = 64;

/// What a loop has written since the present window began.
#[derive(Debug)]
pub(super) struct Pace {
    began: Instant,
    writes: usize,
}

impl Pace {
    pub(super) fn new(now: Instant) -> Self {
        Self { began: now, writes: 0 }
    }

    /// Counts writes.
    pub(super) fn note(&mut self, writes: usize) {
        self.writes += writes;
    }

    /// How long to collect; `None` if events are to be written now. A loop that is behind never collects: the window of its
    /// last writes has passed while it was writing, and what has come meanwhile goes out together anyway.
    pub(super) fn wait(&mut self, now: Instant) -> Option<Duration> {
        let left =
            WINDOW.checked_sub(now.saturating_duration_since(self.began)).filter(|left| !left.is_zero());
        match left {
            Some(left) if self.writes >= WRITES => Some(left),
            Some(_) => None,
            None => {
                *self = Self::new(now);
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_writes_are_made_at_once_and_many_are_collected_for_two_milliseconds() {
        let start = Instant::now();
        let at = |micros| start + Duration::from_micros(micros);
        let mut pace = Pace::new(start);
        pace.note(WRITES - 1);
        assert_eq!(pace.wait(at(500)), None);
        pace.note(1);
        assert_eq!(pace.wait(at(500)), Some(Duration::from_micros(1500)));
        assert_eq!(pace.wait(at(2000)), None);
        pace.note(WRITES);
        assert_eq!(pace.wait(at(2100)), Some(Duration::from_micros(1900)));
    }

    #[test]
    fn a_loop_that_is_behind_does_not_wait() {
        let start = Instant::now();
        let mut pace = Pace::new(start);
        pace.note(5000);
        assert_eq!(pace.wait(start + Duration::from_millis(6)), None);
    }
}
