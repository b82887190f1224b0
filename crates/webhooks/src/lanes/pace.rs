//! How often endpoints that fail are tried, all of them together: evenly, and a few at once after a rest.

use crate::limits::{FAILING_BURST, FAILING_PACE};
use tokio::time::Instant;

#[derive(Default)]
pub(super) struct Pace {
    /// The moment of the next turn; none before the first.
    next: Option<Instant>,
}

impl Pace {
    /// Whether a turn has come.
    pub(super) fn has_turn(&self, now: Instant) -> bool {
        self.next.is_none_or(|next| next <= now)
    }

    /// Takes a turn, if one has come.
    pub(super) fn take(&mut self, now: Instant) -> bool {
        if !self.has_turn(now) {
            return false;
        }
        // Turns that nobody took are kept, as many as fit into the burst.
        let rested = now.checked_sub(FAILING_BURST).unwrap_or(now);
        self.next = Some(self.next.map_or(rested, |next| next.max(rested)) + FAILING_PACE);
        true
    }

    /// When the next turn comes.
    pub(super) fn next(&self) -> Option<Instant> {
        self.next
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn turns_come_evenly_and_some_at_once_after_a_rest() {
        let (mut pace, start) = (Pace::default(), Instant::now() + Duration::from_secs(3600));
        let turns = |pace: &mut Pace, at: Instant| {
            std::iter::repeat_with(|| pace.take(at)).take_while(|took| *took).count()
        };
        assert_eq!(turns(&mut pace, start), 11);
        assert_eq!(pace.next(), Some(start + FAILING_PACE));
        assert_eq!(turns(&mut pace, start + FAILING_PACE * 3), 3);
        assert_eq!(turns(&mut pace, start + Duration::from_secs(60)), 11);
    }
}
