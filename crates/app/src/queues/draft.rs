//! What a client says about a queue, and the checks that make a queue of it.

use crate::Result;
use crate::fields::Problems;
use model::QueueId;
use model::queues::{Channel, Queue, Settings};
use std::time::Duration;

/// A queue as a client describes it; what is left out stays, or becomes the default.
#[derive(Debug, Clone, Default)]
pub struct Draft {
    /// Its name, for people; unique in the tenant.
    pub name: Option<String>,
    /// voice or chat; fixed once the queue exists.
    pub channel: Option<String>,
    /// What the telephone system calls it, or nothing.
    pub external_name: Option<Option<String>>,
    /// An answer within so many seconds is a good one.
    pub threshold_seconds: Option<i64>,
    /// How many of a hundred should be good.
    pub target_percent: Option<i64>,
    /// Who gives up sooner is left out of every rate; none: the tenant's.
    pub short_abandon_seconds: Option<Option<i64>>,
    /// The time after a call for its paper work.
    pub wrap_up_seconds: Option<i64>,
}

/// The longest of all durations: a day for what callers are promised, an hour for the others.
const DAY: i64 = 86_400;
const HOUR: i64 = 3_600;

impl Draft {
    /// A new queue.
    pub(super) fn complete(&self) -> Result<Queue> {
        let mut problems = Problems::default();
        problems.check(self.name.is_some(), "name", "is required");
        problems.check(self.channel.is_some(), "channel", "is required");
        let blank = Queue {
            id: QueueId::generate(),
            name: String::new(),
            channel: Channel::Voice,
            external_name: None,
            settings: Settings::default(),
        };
        let channel = self.channel(&mut problems);
        let queue = self.filled(Queue { channel: channel.unwrap_or(blank.channel), ..blank }, &mut problems);
        problems.into_result().map(|()| queue)
    }

    /// The queue with what this says.
    pub(super) fn apply(&self, before: Queue) -> Result<Queue> {
        let mut problems = Problems::default();
        if let Some(channel) = self.channel(&mut problems) {
            problems.check(channel == before.channel, "channel", "is fixed once the queue exists");
        }
        let queue = self.filled(before, &mut problems);
        problems.into_result().map(|()| queue)
    }

    fn channel(&self, problems: &mut Problems) -> Option<Channel> {
        let word = self.channel.as_ref()?;
        let channel = Channel::parse(word);
        problems.check(channel.is_some(), "channel", "must be voice or chat");
        channel
    }

    fn filled(&self, mut queue: Queue, problems: &mut Problems) -> Queue {
        if let Some(name) = &self.name {
            check_name(problems, name, "name");
            queue.name.clone_from(name);
        }
        if let Some(name) = &self.external_name {
            if let Some(name) = name {
                check_name(problems, name, "external_name");
            }
            queue.external_name.clone_from(name);
        }
        let settings = &mut queue.settings;
        if let Some(number) = self.threshold_seconds {
            settings.threshold = seconds(problems, "sla.threshold_seconds", number, 1, DAY);
        }
        if let Some(number) = self.target_percent {
            let percent = u8::try_from(number).ok().filter(|percent| (1..=100).contains(percent));
            problems.check(percent.is_some(), "sla.target_percent", "must be 1 to 100");
            settings.target_percent = percent.unwrap_or(settings.target_percent);
        }
        if let Some(number) = self.short_abandon_seconds {
            settings.short_abandon = number.map(|n| seconds(problems, "short_abandon_seconds", n, 0, HOUR));
        }
        if let Some(number) = self.wrap_up_seconds {
            settings.wrap_up = seconds(problems, "wrap_up_seconds", number, 0, HOUR);
        }
        queue
    }
}

/// Databases differ on whether a space at the end tells two names apart: there is none.
fn check_name(problems: &mut Problems, name: &str, field: &str) {
    problems.check_text(name, 1, 100, field);
    problems.check(name.trim() == name, field, "must not begin or end with a space");
}

fn seconds(problems: &mut Problems, field: &str, number: i64, min: i64, max: i64) -> Duration {
    problems.check((min..=max).contains(&number), field, &format!("must be {min} to {max}"));
    Duration::from_secs(u64::try_from(number).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(draft: &Draft) -> Vec<String> {
        match draft.complete() {
            Err(crate::Error::Invalid(problems)) => problems.into_iter().map(|one| one.field).collect(),
            other => panic!("{other:?}"),
        }
    }

    fn sales() -> Draft {
        Draft { name: Some("Sales".into()), channel: Some("voice".into()), ..Draft::default() }
    }

    #[test]
    fn every_problem_is_told_by_its_field() {
        assert_eq!(problems(&Draft::default()), ["name", "channel"]);
        let draft = Draft {
            name: Some("x".repeat(101)),
            channel: Some("fax".into()),
            external_name: Some(Some(" q".into())),
            threshold_seconds: Some(0),
            target_percent: Some(101),
            short_abandon_seconds: Some(Some(-1)),
            wrap_up_seconds: Some(3_601),
        };
        let fields = [
            "channel",
            "name",
            "external_name",
            "sla.threshold_seconds",
            "sla.target_percent",
            "short_abandon_seconds",
            "wrap_up_seconds",
        ];
        assert_eq!(problems(&draft), fields);
    }

    #[test]
    fn a_change_leaves_what_it_does_not_name_and_the_channel() {
        let queue = Draft { wrap_up_seconds: Some(30), ..sales() }.complete().unwrap();
        let change =
            Draft { short_abandon_seconds: Some(Some(0)), channel: Some("voice".into()), ..Draft::default() };
        let after = change.apply(queue.clone()).unwrap();
        assert_eq!(after.settings.short_abandon, Some(Duration::ZERO));
        assert_eq!((after.settings.wrap_up, &after.name), (Duration::from_secs(30), &queue.name));
        let other = Draft { channel: Some("chat".into()), ..Draft::default() };
        assert!(other.apply(queue).is_err());
    }
}
