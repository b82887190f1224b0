//! A tenant's numbers as this server knows them, and what is to be said of them. Asks nobody.

use super::dirty::Dirty;
use crate::queues::stats::{Frame, Stats};
use model::queues::Queue;
use model::{QueueId, Timestamp};
use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

/// While something waits, the numbers are said at least every ten seconds: a tick less, because that is when it is looked at.
const WHILE_WAITING: Duration = Duration::from_secs(9);

/// What is known of a tenant.
#[derive(Default)]
pub(super) struct Known {
    /// The log position up to which it is.
    pub seq: i64,
    /// What was now for them; none before the first.
    pub frame: Option<Frame>,
    queues: BTreeMap<QueueId, One>,
}

struct One {
    stats: Stats,
    /// Listeners have not heard of it.
    is_news: bool,
    /// When they last heard of the queue.
    said_at: Timestamp,
}

impl Known {
    /// Whether nothing was ever read.
    pub(super) fn is_new(&self) -> bool {
        self.frame.is_none()
    }

    /// Takes in what was read of the queues that were in question, for `frame`; those that are missing are gone.
    pub(super) fn take_in(&mut self, dirty: &Dirty, all: Vec<Stats>, frame: Frame, now: Timestamp) {
        // What was known at the beginning is no news: whoever listens is told everything on coming.
        let was_new = self.is_new();
        self.frame = Some(frame);
        let mut before = match dirty {
            Dirty::All => std::mem::take(&mut self.queues),
            Dirty::These { queues, .. } => {
                queues.iter().filter_map(|id| self.queues.remove_entry(id)).collect()
            }
        };
        for stats in all {
            let id = stats.queue.id.clone();
            let one = match before.remove(&id) {
                Some(one) => One { is_news: one.is_news || one.stats != stats, stats, ..one },
                None => One { stats, is_news: !was_new, said_at: now },
            };
            self.queues.insert(id, one);
        }
    }

    /// These queues; none if one of them is not known.
    pub(super) fn queues(&self, ids: &HashSet<QueueId>) -> Option<Vec<Queue>> {
        ids.iter().map(|id| Some(self.queues.get(id)?.stats.queue.clone())).collect()
    }

    /// All numbers.
    pub(super) fn all(&self) -> impl Iterator<Item = &Stats> {
        self.queues.values().map(|one| &one.stats)
    }

    /// What listeners are to hear now.
    pub(super) fn take_due(&mut self, now: Timestamp) -> Vec<&Stats> {
        let mut due = Vec::new();
        for one in self.queues.values_mut() {
            let is_old = one.stats.waiting > 0 && now.since(one.said_at) >= WHILE_WAITING;
            if one.is_news || is_old {
                (one.is_news, one.said_at) = (false, now);
                due.push(&one.stats);
            }
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queues::stats::AgentCounts;
    use model::queues::{Channel, Figures, ServiceLevelCounts, Settings};

    const BEGINNING: Timestamp = Timestamp(1_000_000);
    const FRAME: Frame = Frame { day: 0, minute: 16, service_level_counts: ServiceLevelCounts::Answered };

    fn stats(id: &str, waiting: u64) -> Stats {
        let queue = Queue {
            id: QueueId::parse(id).unwrap(),
            name: id.into(),
            channel: Channel::Voice,
            external_name: None,
            settings: Settings::default(),
        };
        let oldest_joined_at = (waiting > 0).then_some(BEGINNING);
        Stats {
            queue,
            waiting,
            oldest_joined_at,
            agents: AgentCounts::default(),
            today: Figures::default(),
            last_30_minutes: Figures::default(),
            service_level_counts: FRAME.service_level_counts,
        }
    }

    fn these(ids: &[&str]) -> Dirty {
        let queues = ids.iter().map(|id| QueueId::parse(id).unwrap()).collect();
        Dirty::These { queues, edited: false }
    }

    fn due(known: &mut Known, seconds: u64) -> Vec<String> {
        let now = BEGINNING.plus(Duration::from_secs(seconds));
        let mut names: Vec<String> = known.take_due(now).iter().map(|one| one.queue.name.clone()).collect();
        names.sort();
        names
    }

    fn begun() -> Known {
        let mut known = Known::default();
        let all = vec![stats("a", 0), stats("b", 0)];
        known.take_in(&Dirty::All, all, FRAME, BEGINNING);
        known
    }

    fn take_in(known: &mut Known, dirty: &Dirty, all: Vec<Stats>) {
        known.take_in(dirty, all, FRAME, BEGINNING);
    }

    #[test]
    fn only_what_has_changed_is_said_and_said_once() {
        let mut known = begun();
        assert!(due(&mut known, 0).is_empty());
        take_in(&mut known, &these(&["a", "b"]), vec![stats("a", 1), stats("b", 0)]);
        take_in(&mut known, &these(&["b"]), vec![stats("b", 0)]);
        assert_eq!(due(&mut known, 1), ["a"]);
        assert!(due(&mut known, 2).is_empty());
    }

    #[test]
    fn while_something_waits_it_is_said_at_least_every_ten_seconds() {
        let mut known = begun();
        take_in(&mut known, &these(&["a"]), vec![stats("a", 1)]);
        assert_eq!(due(&mut known, 1), ["a"]);
        assert!(due(&mut known, 9).is_empty());
        assert_eq!(due(&mut known, 10), ["a"]);
        take_in(&mut known, &these(&["a"]), vec![stats("a", 0)]);
        assert_eq!(due(&mut known, 11), ["a"]);
        assert!(due(&mut known, 60).is_empty());
    }

    #[test]
    fn queues_that_are_gone_are_forgotten_and_new_ones_are_news() {
        let mut known = begun();
        take_in(&mut known, &these(&["a", "c"]), vec![stats("c", 0)]);
        assert_eq!(due(&mut known, 1), ["c"]);
        let mut names: Vec<&str> = known.all().map(|one| one.queue.name.as_str()).collect();
        names.sort_unstable();
        assert_eq!(names, ["b", "c"]);
    }
}
