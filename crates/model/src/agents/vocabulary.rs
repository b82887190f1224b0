//! The words that agents' states are told in.

use crate::words::vocabulary;

vocabulary!(/// What an agent chooses to be.
Presence {
    /// Ready for work.
    Available = "available",
    /// On duty, but not for queue work.
    Busy = "busy",
    /// Shortly absent.
    Away = "away",
    /// On a planned pause.
    Break = "break",
    /// Not on duty.
    Offline = "offline",
});

vocabulary!(/// What others see of an agent.
State {
    /// Not on duty.
    Offline = "offline",
    /// Ready for work.
    Available = "available",
    /// Being offered a call.
    Ringing = "ringing",
    /// In a call.
    OnCall = "on_call",
    /// Finishing up after a call.
    WrapUp = "wrap_up",
    /// On a planned pause.
    Break = "break",
    /// Shortly absent.
    Away = "away",
    /// On duty, but not for queue work.
    Busy = "busy",
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

vocabulary!(/// Who or what caused a change.
Source {
    /// The agent.
    Oneself = "self",
    /// A supervisor or admin.
    Supervisor = "supervisor",
    /// What the telephone system reported.
    Telephony = "telephony",
    /// The platform: timers, policies, ended sessions.
    System = "system",
});

vocabulary!(/// Why an agent's duty ended.
LogoutReason {
    /// By choice.
    Oneself = "self",
    /// A supervisor ended it.
    Supervisor = "supervisor",
    /// No connection for too long.
    Disconnected = "disconnected",
    /// Somebody else ended the last sign-in.
    SessionExpired = "session_expired",
    /// The account was deactivated or deleted.
    AccountDisabled = "account_disabled",
    /// The platform ended it.
    System = "system",
});

impl From<Source> for LogoutReason {
    fn from(source: Source) -> Self {
        match source {
            Source::Oneself => Self::Oneself,
            Source::Supervisor => Self::Supervisor,
            Source::Telephony | Source::System => Self::System,
        }
    }
}

vocabulary!(/// How far a voice call has come for an agent, the furthest last.
#[derive(PartialOrd, Ord)]
VoicePhase {
    /// The call is over, its paper work is not.
    WrapUp = "wrap_up",
    /// The call is offered.
    Ringing = "ringing",
    /// The call is answered.
    Active = "active",
});

vocabulary!(/// How an offer ended that the agent did not answer.
OfferOutcome {
    /// It rang until it was given up.
    NoAnswer = "no_answer",
    /// The agent rejected it.
    Declined = "declined",
    /// The agent's device was in use.
    Busy = "busy",
    /// The agent's device was not there.
    Unreachable = "unreachable",
    /// Another agent won.
    AnsweredElsewhere = "answered_elsewhere",
    /// The call was no longer there: the caller hung up, or somebody moved or ended it.
    CallerGone = "caller_gone",
});

impl OfferOutcome {
    /// Whether it is one that the agent has missed, and could have taken.
    #[must_use]
    pub fn is_missed(self) -> bool {
        matches!(self, Self::NoAnswer | Self::Declined)
    }
}

vocabulary!(/// Whether an agent's telephone can be rung.
#[derive(Default)]
Device {
    /// It can; what holds where nobody reports on devices.
    #[default]
    Reachable = "reachable",
    /// It cannot.
    Unreachable = "unreachable",
    /// The link to the telephone system is down.
    Unknown = "unknown",
});

vocabulary!(/// What becomes of agents without a connection.
#[derive(Default)]
DisconnectPolicy {
    /// Away after the grace time, off duty after the logout time.
    #[default]
    TwoStep = "two_step",
    /// Nothing: for agents with a desk phone and no browser.
    Keep = "keep",
});

/// The reasons that the platform itself gives.
pub mod reasons {
    /// Away after too many missed or declined offers.
    pub const MISSED_CALL: &str = "missed_call";
    /// Away without a connection.
    pub const DISCONNECTED: &str = "disconnected";
    /// The telephone cannot be rung.
    pub const DEVICE_UNREACHABLE: &str = "device_unreachable";
}
