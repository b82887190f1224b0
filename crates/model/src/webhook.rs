//! What a webhook endpoint is set up with, each part checked once here.

use crate::LogId;
use crate::catalogue::{self, Reserved};
use crate::event::{EventName, NAME_BYTES};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// One entry of a subscription: a name, a prefix such as `call.*`, or `*`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum EventPattern {
    /// Every event.
    Any,
    /// Every event whose name begins with this text, which ends in a dot.
    Prefix(String),
    /// The event of this name.
    Name(EventName),
}

/// What is wrong with a text that should have been an entry of a subscription.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPattern {
    /// Neither a name nor a prefix.
    #[error("must be an event name such as call.ended, a prefix such as call.*, or *")]
    Malformed,
    /// Looks like an event of the catalogue, and is none.
    #[error(
        "is no event of the catalogue; custom names may not begin with its prefixes (agent., call., queue., chat., user., webhook., connector.)"
    )]
    Unknown,
    /// A frame of the WebSocket, which is no event.
    #[error("is a control frame of the WebSocket and no event")]
    ControlFrame,
}

impl EventPattern {
    /// Takes one entry.
    pub fn parse(text: &str) -> Result<Self, InvalidPattern> {
        if text == "*" {
            return Ok(Self::Any);
        }
        if let Some(prefix) = text.strip_suffix(".*") {
            let name = EventName::parse(prefix).map_err(|_| InvalidPattern::Malformed)?;
            return Ok(Self::Prefix(format!("{name}.")));
        }
        let name = EventName::parse(text).map_err(|_| InvalidPattern::Malformed)?;
        match catalogue::check_custom(text) {
            Err(Reserved::ControlFrame) => Err(InvalidPattern::ControlFrame),
            Err(Reserved::Catalogue) if catalogue::find(text).is_none() => Err(InvalidPattern::Unknown),
            _ => Ok(Self::Name(name)),
        }
    }

    /// Whether there can ever be an event that it covers. Prefixes that cover none, such as `call.nonsense.*`, are taken all
    /// the same: later versions may have such events.
    #[must_use]
    pub fn can_match(&self) -> bool {
        let is_catalogued = |prefix: &str| catalogue::all().any(|event| event.name.starts_with(prefix));
        match self {
            Self::Any => true,
            Self::Prefix(prefix) => {
                // A word must fit behind it.
                let is_free = prefix.len() < NAME_BYTES && catalogue::check_prefix(prefix).is_ok();
                is_free || is_catalogued(prefix)
            }
            Self::Name(name) => {
                catalogue::find(name.as_str()).is_some() || catalogue::check_custom(name.as_str()).is_ok()
            }
        }
    }

    /// Whether it covers the event of that name.
    #[must_use]
    pub fn matches(&self, name: &EventName) -> bool {
        match self {
            Self::Any => true,
            Self::Prefix(prefix) => name.as_str().starts_with(prefix),
            Self::Name(own) => own == name,
        }
    }

    /// The entry as it was written.
    #[must_use]
    pub fn to_text(&self) -> String {
        match self {
            Self::Any => "*".into(),
            Self::Prefix(prefix) => format!("{prefix}*"),
            Self::Name(name) => name.to_string(),
        }
    }
}

/// In which order an endpoint gets its deliveries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ordering {
    /// Side by side; first attempts start in event order per publishing server.
    #[default]
    None,
    /// One at a time for each subject.
    Subject,
    /// One at a time.
    Strict,
}

impl Ordering {
    /// The word in the API and the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Subject => "subject",
            Self::Strict => "strict",
        }
    }

    /// The ordering of that word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::None, Self::Subject, Self::Strict].into_iter().find(|ordering| ordering.as_str() == word)
    }
}

/// The queue of an endpoint that gets everything in order.
pub const STRICT_QUEUE: i64 = 0;

impl Ordering {
    /// The queue that an event's delivery goes by, so that it waits for what came before it there; `None` if it waits for
    /// nothing. Events without a subject are about nothing that others are about: each has a queue of its own.
    #[must_use]
    pub fn queue(self, subject: Option<&str>, log: LogId) -> Option<i64> {
        match self {
            Self::None => None,
            Self::Strict => Some(STRICT_QUEUE),
            Self::Subject => {
                Some(hash(&subject.map_or_else(|| format!("#{log}"), |subject| format!("={subject}"))))
            }
        }
    }
}

/// FNV-1a, never negative: the same on every server and in every version. Two subjects with one hash only wait for each
/// other.
fn hash(text: &str) -> i64 {
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    (hash >> 1).cast_signed()
}

/// The allowed numbers of retries.
pub const RETRY_COUNT: std::ops::RangeInclusive<i64> = 0..=20;
/// The number of retries of an endpoint that does not say.
pub const DEFAULT_RETRY_COUNT: i64 = 7;
/// The allowed time limits of an attempt, in seconds.
pub const TIMEOUT_SECONDS: std::ops::RangeInclusive<i64> = 1..=60;
/// The time limit of an endpoint that does not say, in seconds.
pub const DEFAULT_TIMEOUT_SECONDS: i64 = 30;

/// The delay before retry `retry` (1, 2, …): the schedule's entry, the last one repeating, spread by up to 20 % either
/// way. `spread` is a random number from 0 to 1.
#[must_use]
pub fn retry_delay(schedule: &[Duration], retry: u32, spread: f64) -> Duration {
    let entry =
        usize::try_from(retry.saturating_sub(1)).unwrap_or(usize::MAX).min(schedule.len().saturating_sub(1));
    let base = schedule.get(entry).copied().unwrap_or_default();
    base.mul_f64(0.8 + 0.4 * spread.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subscription_takes_names_prefixes_and_everything() {
        for text in ["*", "call.*", "call.incoming", "order.paid", "order.*", "alert"] {
            assert_eq!(EventPattern::parse(text).map(|p| p.to_text()).as_deref(), Ok(text));
        }
        for (text, error) in [
            ("", InvalidPattern::Malformed),
            ("call*", InvalidPattern::Malformed),
            ("*.call", InvalidPattern::Malformed),
            ("Call.incoming", InvalidPattern::Malformed),
            ("call.incomming", InvalidPattern::Unknown),
            ("connection.ready", InvalidPattern::ControlFrame),
        ] {
            assert_eq!(EventPattern::parse(text), Err(error), "{text}");
        }
    }

    #[test]
    fn a_prefix_covers_what_stands_below_it_only() {
        let prefix = EventPattern::parse("call.*").unwrap();
        assert!(prefix.matches(&EventName::parse("call.transfer.failed").unwrap()));
        assert!(!prefix.matches(&EventName::parse("callback.done").unwrap()));
    }

    #[test]
    fn it_is_known_which_entries_can_cover_an_event() {
        let can_match = |text: &str| EventPattern::parse(text).unwrap().can_match();
        for text in [
            "*",
            "call.*",
            "call.transfer.*",
            "csat.*",
            "call.incoming",
            "order.*",
            "order.paid",
            "callback.*",
        ] {
            assert!(can_match(text), "{text}");
        }
        for text in ["call.nonsense.*", "call.incoming.*", "webhook.x.*", &format!("{}.*", "a".repeat(100))] {
            assert!(!can_match(text), "{text}");
        }
        assert!(!EventPattern::Name(EventName::parse("call.nonsense").unwrap()).can_match());
    }

    #[test]
    fn the_schedules_last_delay_repeats_and_jitter_stays_within_20_percent() {
        let schedule = [Duration::from_secs(5), Duration::from_secs(30)];
        assert_eq!(retry_delay(&schedule, 1, 0.5), Duration::from_secs(5));
        assert_eq!(retry_delay(&schedule, 2, 0.0), Duration::from_secs(24));
        assert_eq!(retry_delay(&schedule, 9, 1.0), Duration::from_secs(36));
    }

    #[test]
    fn deliveries_wait_for_those_of_the_same_subject_or_for_all_or_for_none() {
        let queue = |ordering: Ordering, subject, log| ordering.queue(subject, LogId(log));
        assert_eq!(queue(Ordering::None, Some("call:1"), 1), None);
        assert_eq!(queue(Ordering::Strict, Some("call:1"), 1), queue(Ordering::Strict, None, 2));
        let of = |subject, log| queue(Ordering::Subject, subject, log);
        assert_eq!(of(Some("call:1"), 1), of(Some("call:1"), 2));
        assert_ne!(of(Some("call:1"), 1), of(Some("call:2"), 1));
        assert_ne!(of(None, 1), of(None, 2));
    }
}
