//! The words that agents' states are told in.

use crate::words::words;

/// What an agent chooses to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
    /// The platform: timers, policies, ended sessions.
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

impl From<Source> for LogoutReason {
    fn from(source: Source) -> Self {
        match source {
            Source::Oneself => Self::Oneself,
            Source::Supervisor => Self::Supervisor,
            Source::Telephony | Source::System => Self::System,
        }
    }
}

/// How far a voice call has come for an agent, the furthest last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum VoicePhase {
    /// The call is over, its paper work is not.
    WrapUp,
    /// The call is offered.
    Ringing,
    /// The call is answered.
    Active,
}

/// How an offer ended that the agent did not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OfferOutcome {
    /// It rang until it was given up.
    NoAnswer,
    /// The agent rejected it.
    Declined,
    /// The agent's device was in use.
    Busy,
    /// The agent's device was not there.
    Unreachable,
    /// Another agent won.
    AnsweredElsewhere,
    /// The caller hung up.
    CallerGone,
}

/// Whether an agent's telephone can be rung.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Device {
    /// It can; what holds where nobody reports on devices.
    #[default]
    Reachable,
    /// It cannot.
    Unreachable,
    /// The link to the telephone system is down.
    Unknown,
}

/// What becomes of agents without a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DisconnectPolicy {
    /// Away after the grace time, off duty after the logout time.
    #[default]
    TwoStep,
    /// Nothing: for agents with a desk phone and no browser.
    Keep,
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
words!(VoicePhase { WrapUp = "wrap_up", Ringing = "ringing", Active = "active" });
words!(OfferOutcome {
    NoAnswer = "no_answer", Declined = "declined", Busy = "busy", Unreachable = "unreachable",
    AnsweredElsewhere = "answered_elsewhere", CallerGone = "caller_gone"
});
words!(Device { Reachable = "reachable", Unreachable = "unreachable", Unknown = "unknown" });
words!(DisconnectPolicy { TwoStep = "two_step", Keep = "keep" });

/// The reasons that the platform itself gives.
pub mod reasons {
    /// Away after too many missed or declined offers.
    pub const MISSED_CALL: &str = "missed_call";
    /// Away without a connection.
    pub const DISCONNECTED: &str = "disconnected";
    /// The telephone cannot be rung.
    pub const DEVICE_UNREACHABLE: &str = "device_unreachable";
}
