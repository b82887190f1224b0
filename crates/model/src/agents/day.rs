//! An agent's numbers of a day, by the definitions of `docs/metrics-definitions.md`.

use super::State;
use crate::Handling;
use crate::averages::{percent, seconds};
use std::ops::AddAssign;

/// What an agent has done on a day. Only sums, so that a store can add to them in place.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Day {
    /// The agent's parts in calls.
    pub handling: Handling,
    /// Offers that the agent let pass or declined.
    pub missed_offers: u64,
}

impl AddAssign for Day {
    fn add_assign(&mut self, other: Self) {
        self.handling += other.handling;
        self.missed_offers += other.missed_offers;
    }
}

/// How long an agent was in each state, over an interval.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Times([u64; State::ALL.len()]);

impl Times {
    /// Adds time in a state.
    pub fn add(&mut self, state: State, ms: u64) {
        if let Some(sum) = self.0.get_mut(state as usize) {
            *sum += ms;
        }
    }

    fn ms(&self, state: State) -> u64 {
        self.0.get(state as usize).copied().unwrap_or_default()
    }

    fn sum(&self, states: &[State]) -> u64 {
        states.iter().map(|state| self.ms(*state)).sum()
    }

    /// Seconds in a state.
    #[must_use]
    pub fn seconds(&self, state: State) -> f64 {
        seconds(self.ms(state))
    }

    /// Seconds on duty.
    #[must_use]
    pub fn duty_seconds(&self) -> f64 {
        seconds(self.0.iter().sum::<u64>() - self.ms(State::Offline))
    }

    /// How many of a hundred the agent worked, of the time in which there could be work; none without such time.
    #[must_use]
    pub fn occupancy_percent(&self) -> Option<f64> {
        let worked = self.sum(&[State::OnCall, State::WrapUp]);
        percent(worked, worked + self.sum(&[State::Ringing, State::Available]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn occupancy_is_the_part_worked_of_the_time_for_work() {
        let mut times = Times::default();
        assert_eq!((times.occupancy_percent(), times.duty_seconds()), (None, 0.0));
        for (i, state) in (0..).zip(State::ALL) {
            times.add(*state, 1_000 << i);
        }
        let of = |state| times.seconds(state);
        let worked = of(State::OnCall) + of(State::WrapUp);
        let whole = worked + of(State::Ringing) + of(State::Available);
        assert_eq!(times.occupancy_percent(), Some(100.0 * worked / whole));
        assert_eq!(times.duty_seconds(), 255.0 - of(State::Offline));
    }
}
