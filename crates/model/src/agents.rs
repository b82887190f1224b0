//! An agent's state: what the agent chose (presence), what it is seen doing (work), and the state that others see.
//! Pure: `choose` takes the present agent and a wish and gives the change, or says why not.

use crate::{Timestamp, UserId};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What an agent chooses to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Presence {
    /// Ready for work.
    Available,
    /// On duty, but not for queue work.
    Busy,
    /// Shortly absent.
    Away,
    /// On a planned pause.
    Break,
    /// Not on duty.
    Offline,
}

/// What others see of an agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Not on duty.
    Offline,
    /// Ready for work.
    Available,
    /// Being offered a call.
    Ringing,
    /// In a call.
    OnCall,
    /// Finishing up after a call.
    WrapUp,
    /// On a planned pause.
    Break,
    /// Shortly absent.
    Away,
    /// On duty, but not for queue work.
    Busy,
}

macro_rules! words {
    ($type:ident { $($variant:ident = $word:literal),+ }) => {
        impl $type {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word in the API, in events and in the database.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            /// The one of that word.
            #[must_use]
            pub fn parse(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.as_str() == word)
            }
        }
    };
}

words!(Presence { Available = "available", Busy = "busy", Away = "away", Break = "break", Offline = "offline" });
words!(State {
    Offline = "offline", Available = "available", Ringing = "ringing", OnCall = "on_call", WrapUp = "wrap_up",
    Break = "break", Away = "away", Busy = "busy"
});
words!(Source { Oneself = "self", Supervisor = "supervisor", Telephony = "telephony", System = "system" });
words!(LogoutReason {
    Oneself = "self", Supervisor = "supervisor", Disconnected = "disconnected", SessionExpired = "session_expired",
    AccountDisabled = "account_disabled", System = "system"
});

impl From<Presence> for State {
    fn from(presence: Presence) -> Self {
        match presence {
            Presence::Available => Self::Available,
            Presence::Busy => Self::Busy,
            Presence::Away => Self::Away,
            Presence::Break => Self::Break,
            Presence::Offline => Self::Offline,
        }
    }
}

/// Who or what caused a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The agent.
    Oneself,
    /// A supervisor or admin.
    Supervisor,
    /// What the telephone system reported.
    Telephony,
    /// The platform: timers, ended sessions.
    System,
}

/// Why an agent's duty ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogoutReason {
    /// By choice.
    Oneself,
    /// A supervisor ended it.
    Supervisor,
    /// No connection for too long.
    Disconnected,
    /// The sign-in ran out.
    SessionExpired,
    /// The account was deactivated or deleted.
    AccountDisabled,
    /// The platform ended it.
    System,
}

/// How far a voice call has come for an agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum VoicePhase {
    /// The call is over, its paper work is not.
    WrapUp,
    /// The call is offered.
    Ringing,
    /// The call is answered.
    Active,
}

/// The state that others see: the furthest voice work, else what the agent chose.
#[must_use]
pub fn published_state(presence: Presence, voice: &[VoicePhase]) -> State {
    match voice.iter().max() {
        Some(VoicePhase::Active) => State::OnCall,
        Some(VoicePhase::Ringing) => State::Ringing,
        Some(VoicePhase::WrapUp) => State::WrapUp,
        None => presence.into(),
    }
}

/// An agent as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agent {
    /// The user.
    pub user: UserId,
    /// What was chosen.
    pub presence: Presence,
    /// Why, in a word of the tenant's.
    pub reason: Option<String>,
    /// What others see.
    pub state: State,
    /// What others saw before; none before the first change.
    pub previous_state: Option<State>,
    /// Since when the state holds; none before the first change.
    pub since: Option<Timestamp>,
    /// Counts the changes: 0 before the first.
    pub version: i64,
    /// When the present duty began; none while off duty.
    pub duty_since: Option<Timestamp>,
}

impl Agent {
    /// An agent that was never on duty.
    #[must_use]
    pub fn never_on_duty(user: UserId) -> Self {
        Self {
            user,
            presence: Presence::Offline,
            reason: None,
            state: State::Offline,
            previous_state: None,
            since: None,
            version: 0,
            duty_since: None,
        }
    }

    /// Whether new voice work may be offered, regardless of queue.
    #[must_use]
    pub fn routable(&self) -> bool {
        self.presence == Presence::Available && self.state == State::Available
    }
}

/// A wish for another presence.
#[derive(Debug, Clone)]
pub struct Choice {
    /// The wish.
    pub presence: Presence,
    /// Why, in a word of the tenant's.
    pub reason: Option<String>,
    /// The version that the wish was made upon, if it must be the present one.
    pub if_version: Option<i64>,
    /// Who wishes.
    pub source: Source,
    /// The wish's author, if a person.
    pub by: Option<UserId>,
}

/// Why a wish was not granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Somebody else was faster.
    #[error("the state has changed since: it has version {present} now")]
    StaleVersion {
        /// The version to look at.
        present: i64,
    },
    /// Availability is one's own to declare.
    #[error("an absent agent cannot be made available by somebody else")]
    Absent,
}

/// A change that happened, with all that its events and its history need.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The agent as it is from now on.
    pub agent: Agent,
    /// The state before.
    pub previous_state: State,
    /// The time spent in the state before; none before the first change.
    pub previous_state_lasted: Duration,
    /// Who or what caused it.
    pub source: Source,
    /// The person who caused it.
    pub by: Option<UserId>,
    /// Whether duty began or ended with it.
    pub duty: Option<Duty>,
    /// When.
    pub at: Timestamp,
}

/// The begin or the end of a duty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Duty {
    /// The agent came on duty.
    Began,
    /// The agent went off duty.
    Ended {
        /// How long the duty was.
        lasted: Duration,
    },
}

/// What becomes of `agent` when `choice` is made at `now`: a change, nothing (the same state and reason again), or a
/// refusal.
pub fn choose(agent: &Agent, choice: &Choice, now: Timestamp) -> Result<Option<Change>, Refusal> {
    if choice.if_version.is_some_and(|version| version != agent.version) {
        return Err(Refusal::StaleVersion { present: agent.version });
    }
    if choice.presence == agent.presence && choice.reason == agent.reason {
        return Ok(None);
    }
    let absent = agent.presence == Presence::Offline;
    if absent && choice.presence == Presence::Available && choice.source == Source::Supervisor {
        return Err(Refusal::Absent);
    }
    let state = published_state(choice.presence, &[]);
    // Only the reason of an absence changed: nothing that anybody could see or that history needs.
    if absent && state == State::Offline {
        return Ok(None);
    }
    let began = absent;
    let ended = state == State::Offline;
    let changed = Agent {
        user: agent.user.clone(),
        presence: choice.presence,
        reason: choice.reason.clone(),
        state,
        previous_state: Some(agent.state),
        since: Some(now),
        version: agent.version + 1,
        duty_since: if ended {
            None
        } else if began {
            Some(now)
        } else {
            agent.duty_since
        },
    };
    let duty = match (began, ended) {
        (true, _) => Some(Duty::Began),
        (false, true) => Some(Duty::Ended { lasted: time_between(agent.duty_since, now) }),
        (false, false) => None,
    };
    Ok(Some(Change {
        previous_state: agent.state,
        previous_state_lasted: time_between(agent.since, now),
        source: choice.source,
        by: choice.by.clone(),
        duty,
        at: now,
        agent: changed,
    }))
}

fn time_between(since: Option<Timestamp>, now: Timestamp) -> Duration {
    since.map_or(Duration::ZERO, |since| now.since(since))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn agent() -> Agent {
        Agent::never_on_duty(UserId::parse("u1").unwrap())
    }

    fn wish(presence: Presence, reason: Option<&str>) -> Choice {
        Choice {
            presence,
            reason: reason.map(Into::into),
            if_version: None,
            source: Source::Oneself,
            by: None,
        }
    }

    fn after(agent: &Agent, presence: Presence, now: i64) -> Change {
        choose(agent, &wish(presence, None), Timestamp(now)).unwrap().unwrap()
    }

    #[test]
    fn the_furthest_voice_work_hides_what_was_chosen() {
        use VoicePhase::{Active, Ringing, WrapUp};
        assert_eq!(published_state(Presence::Break, &[]), State::Break);
        assert_eq!(published_state(Presence::Available, &[WrapUp]), State::WrapUp);
        assert_eq!(published_state(Presence::Available, &[Ringing, WrapUp]), State::Ringing);
        assert_eq!(published_state(Presence::Available, &[WrapUp, Active, Ringing]), State::OnCall);
    }

    #[test]
    fn duty_begins_with_the_first_state_and_ends_with_offline() {
        let on = after(&agent(), Presence::Available, 1_000);
        assert_eq!(
            (on.duty, on.previous_state, on.previous_state_lasted),
            (Some(Duty::Began), State::Offline, Duration::ZERO)
        );
        let paused = after(&on.agent, Presence::Break, 3_500);
        assert_eq!((paused.duty, paused.previous_state_lasted), (None, Duration::from_millis(2500)));
        let off = after(&paused.agent, Presence::Offline, 11_000);
        assert_eq!(off.duty, Some(Duty::Ended { lasted: Duration::from_secs(10) }));
        assert_eq!((off.agent.version, off.agent.duty_since), (3, None));
    }

    #[test]
    fn the_same_state_and_reason_again_is_no_change() {
        let on = after(&agent(), Presence::Break, 0).agent;
        assert_eq!(choose(&on, &wish(Presence::Break, None), Timestamp(1)), Ok(None));
        let lunch = choose(&on, &wish(Presence::Break, Some("lunch")), Timestamp(1)).unwrap().unwrap();
        assert_eq!((lunch.agent.state, lunch.previous_state), (State::Break, State::Break));
    }

    #[test]
    fn a_stale_version_is_refused() {
        let choice = Choice { if_version: Some(4), ..wish(Presence::Away, None) };
        assert_eq!(choose(&agent(), &choice, Timestamp(0)), Err(Refusal::StaleVersion { present: 0 }));
    }

    #[test]
    fn nobody_else_declares_an_absent_agent_available() {
        let choice = Choice { source: Source::Supervisor, ..wish(Presence::Available, None) };
        assert_eq!(choose(&agent(), &choice, Timestamp(0)), Err(Refusal::Absent));
        let busy = Choice { source: Source::Supervisor, ..wish(Presence::Busy, None) };
        assert!(choose(&agent(), &busy, Timestamp(0)).unwrap().is_some());
    }

    proptest! {
        #[test]
        fn versions_count_every_change_and_duty_is_on_exactly_when_not_offline(
            wishes in prop::collection::vec((0..5usize, prop::option::of("[ab]")), 0..40)
        ) {
            let mut now = agent();
            for (at, (presence, reason)) in wishes.iter().enumerate() {
                let choice = wish(Presence::ALL[*presence], reason.as_deref());
                if let Some(change) = choose(&now, &choice, Timestamp(at as i64)).unwrap() {
                    prop_assert_eq!(change.agent.version, now.version + 1);
                    prop_assert_eq!(change.agent.previous_state, Some(now.state));
                    now = change.agent;
                }
                prop_assert_eq!(now.duty_since.is_some(), now.state != State::Offline);
                prop_assert_eq!(now.routable(), now.state == State::Available);
            }
        }
    }
}
