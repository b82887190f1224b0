//! What a queue is: its settings, its members and, in `figures`, its numbers. Knows nothing of calls or chats beyond how their
//! stay in the queue ended.

mod figures;

pub use figures::{EndedEntry, Figures};

use crate::words::vocabulary;
use crate::{QueueId, Timestamp, UserId};
use std::time::Duration;

vocabulary!(/// What waits in a queue.
Channel {
    /// Calls.
    Voice = "voice",
    /// Chats.
    Chat = "chat",
});

vocabulary!(/// Why something no longer waits in a queue.
LeftReason {
    /// An agent took it.
    Answered = "answered",
    /// The caller or visitor gave up.
    Abandoned = "abandoned",
    /// It waited as long as the queue allows.
    Timeout = "timeout",
    /// The caller pressed a key to leave.
    ExitKey = "exit_key",
    /// Nobody was there to serve the queue.
    Empty = "empty",
    /// Somebody moved it elsewhere.
    Transferred = "transferred",
    /// Somebody ended it, or took it out.
    Removed = "removed",
    /// Nobody saw why.
    Unknown = "unknown",
});

vocabulary!(/// Which entries the service level counts as good ones. Vendors differ.
ServiceLevelCounts {
    /// Those answered within the threshold.
    Answered = "answered",
    /// Those that were given up within it as well.
    AnsweredOrAbandoned = "answered_or_abandoned",
});

/// A queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queue {
    /// Its id.
    pub id: QueueId,
    /// Its name, for people.
    pub name: String,
    /// What waits in it.
    pub channel: Channel,
    /// What the telephone system calls it.
    pub external_name: Option<String>,
    /// What it promises and how it measures.
    pub settings: Settings,
}

/// What a queue promises and how it measures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// An answer within this time is a good one: the 20 in "80/20".
    pub threshold: Duration,
    /// How many of a hundred should be good: the 80 in "80/20".
    pub target_percent: u8,
    /// Who gives up sooner is left out of every rate; none: the tenant's.
    pub short_abandon: Option<Duration>,
    /// The time that an agent has after a call for its paper work.
    pub wrap_up: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            threshold: Duration::from_secs(20),
            target_percent: 80,
            short_abandon: None,
            wrap_up: Duration::ZERO,
        }
    }
}

impl Settings {
    /// The limit below which an abandoned wait is a short one, where `tenants` is the tenant's.
    #[must_use]
    pub fn short_abandon(&self, tenants: Duration) -> Duration {
        self.short_abandon.unwrap_or(tenants)
    }
}

/// An agent who serves a queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The agent.
    pub user: UserId,
    /// Since when the agent is a member.
    pub since: Timestamp,
    /// The pause in this queue, while there is one.
    pub pause: Option<Pause>,
}

/// A member's pause in one queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pause {
    /// Why, in a word of the tenant's.
    pub reason: Option<String>,
    /// When it began.
    pub since: Timestamp,
}

impl Member {
    /// The member paused for `reason`; none if that is so already. Another reason does not begin another pause.
    #[must_use]
    pub fn paused(&self, reason: Option<&str>, now: Timestamp) -> Option<Self> {
        let since = self.pause.as_ref().map_or(now, |pause| pause.since);
        let pause = Some(Pause { reason: reason.map(Into::into), since });
        (pause != self.pause).then(|| Self { pause, ..self.clone() })
    }

    /// The member back at work, and how long the pause was; none without a pause.
    #[must_use]
    pub fn unpaused(&self, now: Timestamp) -> Option<(Self, Duration)> {
        let pause = self.pause.as_ref()?;
        Some((Self { pause: None, ..self.clone() }, now.since(pause.since)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member() -> Member {
        Member { user: UserId::parse("u1").unwrap(), since: Timestamp(0), pause: None }
    }

    #[test]
    fn a_pause_lasts_until_the_member_comes_back_whatever_its_reasons() {
        let paused = member().paused(Some("lunch"), Timestamp(1_000)).unwrap();
        assert_eq!(paused.paused(Some("lunch"), Timestamp(2_000)), None);
        let training = paused.paused(Some("training"), Timestamp(3_000)).unwrap();
        assert_eq!(training.unpaused(Timestamp(5_500)), Some((member(), Duration::from_millis(4_500))));
        assert_eq!(member().unpaused(Timestamp(9_000)), None);
    }

    #[test]
    fn a_queue_without_a_limit_of_its_own_has_the_tenants() {
        let settings = Settings::default();
        assert_eq!(settings.short_abandon(Duration::from_secs(5)), Duration::from_secs(5));
        let own = Settings { short_abandon: Some(Duration::ZERO), ..settings };
        assert_eq!(own.short_abandon(Duration::from_secs(5)), Duration::ZERO);
    }
}
