//! What can be asked of an agent's state machine, by which policies, and how it refuses.

use super::{Device, DisconnectPolicy, OfferOutcome, Presence, Source, State};
use crate::{CallId, LegId, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// A tenant's policies for its agents, named as in its settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Policies {
    /// What becomes of agents without a connection.
    pub disconnect_policy: DisconnectPolicy,
    /// How long the last connection is gone before an agent is away.
    pub grace_seconds: u32,
    /// How long the last connection is gone before an agent who is away is off duty.
    pub logout_seconds: u32,
    /// So many missed offers in a row make an agent away; 0: never.
    pub missed_offers_to_away: u32,
    /// So many declined offers in a row make an agent away; 0: never.
    pub declined_offers_to_away: u32,
    /// How long a wrap-up may become by extending it.
    pub wrap_up_max_seconds: u32,
}

impl Default for Policies {
    fn default() -> Self {
        Self {
            disconnect_policy: DisconnectPolicy::TwoStep,
            grace_seconds: 30,
            logout_seconds: 300,
            missed_offers_to_away: 1,
            declined_offers_to_away: 3,
            wrap_up_max_seconds: 300,
        }
    }
}

/// A wish for another presence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// The wish.
    pub presence: Presence,
    /// Why, in a word of the tenant's.
    pub reason: Option<String>,
    /// The version that the wish was made upon, if it must be the present one.
    pub if_version: Option<i64>,
    /// Who wishes: the agent or a supervisor.
    pub source: Source,
    /// The wish's author, if a person.
    pub by: Option<UserId>,
    /// Whether a supervisor's `offline` takes effect during work too. Nothing with any other wish.
    pub force: bool,
}

/// What happens to an agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// A presence is chosen.
    Choose(Choice),
    /// A call is offered.
    Offered {
        /// The call.
        call: CallId,
        /// The agent's part in it.
        leg: LegId,
    },
    /// An offer ended without an answer by this agent.
    OfferEnded {
        /// The agent's part in the call.
        leg: LegId,
        /// How.
        outcome: OfferOutcome,
    },
    /// A call is answered, offered before or not.
    Answered {
        /// The call.
        call: CallId,
        /// The agent's part in it.
        leg: LegId,
    },
    /// The agent's part in a call is over.
    WorkEnded {
        /// The agent's part in the call.
        leg: LegId,
        /// How long its wrap-up is, if it has one.
        wrap_up: Option<Duration>,
    },
    /// The wrap-up is done.
    EndWrapUp {
        /// Who says so: the agent or a supervisor.
        source: Source,
        /// Its author, if a person.
        by: Option<UserId>,
    },
    /// The wrap-up needs longer.
    ExtendWrapUp {
        /// By how much.
        seconds: u32,
        /// Who says so: the agent or a supervisor.
        source: Source,
        /// Its author, if a person.
        by: Option<UserId>,
    },
    /// The last connection is gone. After a restart said anew of whom it holds, with the moment of the restart, which
    /// starts the timers from zero.
    Disconnected {
        /// Since when.
        since: Timestamp,
    },
    /// A connection is there.
    Reconnected,
    /// The moment that `next_timer` told may have come: does the first thing that is due, if anything is.
    Timer,
    /// The account was deactivated or deleted.
    Disabled,
    /// Somebody else ended the last of the agent's sign-ins.
    SignedOut,
    /// The telephone became, or is no longer, one that can be rung.
    Device(Device),
}

/// Why a command was not granted.
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
    /// Only a wrap-up can be ended or extended.
    #[error("the agent is not in wrap-up but {}", state.as_str())]
    NotInWrapUp {
        /// What it is instead.
        state: State,
    },
    /// The tenant's limit on wrap-ups.
    #[error("must leave the wrap-up at {max_seconds} seconds or less in all (setting wrap_up_max_seconds)")]
    WrapUpTooLong {
        /// How long it may be.
        max_seconds: u32,
    },
}
