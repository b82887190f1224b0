//! An agent as it is, and what follows from that alone.

use super::{Device, Presence, Source, State, VoicePhase, reasons};
use crate::{CallId, LegId, Timestamp, UserId};
use serde::{Deserialize, Serialize};

/// The most legs noted of one agent. Nobody has so many at a time; further ones are not noted, so that a telephone system
/// that never ends its offers cannot grow the row: 100 legs of at most 260 bytes are 26 KB, well inside a text column.
pub const MAX_WORK: usize = 100;

/// The state that others see of an agent on duty: the furthest voice work, else what the agent chose.
#[must_use]
pub fn published_state(presence: Presence, voice: impl IntoIterator<Item = VoicePhase>) -> State {
    match voice.into_iter().max() {
        Some(VoicePhase::Active) => State::OnCall,
        Some(VoicePhase::Ringing) => State::Ringing,
        Some(VoicePhase::WrapUp) => State::WrapUp,
        None => presence.into(),
    }
}

/// A presence with its author.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chosen {
    /// What was chosen.
    pub presence: Presence,
    /// Why, in a word of the tenant's or one of the platform's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Who or what chose it.
    pub source: Source,
    /// The person who chose it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<UserId>,
    /// When; none before the first choice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
}

impl Chosen {
    pub(super) fn by_the_platform(presence: Presence, reason: Option<&str>, at: Timestamp) -> Self {
        Self { presence, reason: reason.map(Into::into), source: Source::System, by: None, at: Some(at) }
    }

    /// Whether the same is chosen, whoever did.
    pub(super) fn is_as(&self, other: &Self) -> bool {
        self.presence == other.presence && self.reason == other.reason
    }
}

/// A leg of a voice call that an agent works on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkItem {
    /// The call.
    pub call: CallId,
    /// The agent's part in it.
    pub leg: LegId,
    /// How far it has come.
    pub phase: VoicePhase,
    /// Since when it is in that phase.
    pub since: Timestamp,
    /// When it ends by itself: set in wrap-up, and only there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// Whether others have seen the agent in this wrap-up. One that other work hides from its begin to its end is paper work
    /// that nobody did.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub shown: bool,
}

/// An agent as it is now: one row of the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agent {
    /// The user.
    pub user: UserId,
    /// What was chosen last: in force, or a wish that waits for the end of the work.
    pub chosen: Chosen,
    /// What was in force when that wish was made; some exactly while a wish waits.
    pub in_force: Option<Chosen>,
    /// What to return to when a connection comes back; some exactly while the platform has set `away` for the lack of one.
    pub remembered: Option<Chosen>,
    /// The legs worked on, in the order in which they came.
    pub work: Vec<WorkItem>,
    /// Whether the telephone can be rung.
    pub device: Device,
    /// When the last connection went, or when one of the two timers was last started anew; none with a connection, off
    /// duty, or when none was lost.
    pub disconnected_since: Option<Timestamp>,
    /// Offers missed in a row.
    pub missed_offers: u32,
    /// Offers declined in a row.
    pub declined_offers: u32,
    /// What others see.
    pub state: State,
    /// What others saw before; none before the first change.
    pub previous_state: Option<State>,
    /// Since when the state holds; none before the first change.
    pub since: Option<Timestamp>,
    /// Counts the changes that could be seen: 0 before the first.
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
            chosen: Chosen {
                presence: Presence::Offline,
                reason: None,
                source: Source::System,
                by: None,
                at: None,
            },
            in_force: None,
            remembered: None,
            work: Vec::new(),
            device: Device::default(),
            disconnected_since: None,
            missed_offers: 0,
            declined_offers: 0,
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
        self.chosen.presence == Presence::Available
            && self.work.is_empty()
            && self.device == Device::Reachable
    }

    /// The wish that waits for the end of the work.
    #[must_use]
    pub fn pending(&self) -> Option<&Chosen> {
        self.in_force.as_ref().map(|_| &self.chosen)
    }

    /// The reason shown with the state. Work needs none; a telephone that cannot be rung matters more than any other.
    #[must_use]
    pub fn shown_reason(&self) -> Option<&str> {
        if self.state == State::Offline {
            self.chosen.reason.as_deref()
        } else if self.device == Device::Unreachable {
            Some(reasons::DEVICE_UNREACHABLE)
        } else if self.work.is_empty() {
            self.chosen.reason.as_deref()
        } else {
            None
        }
    }

    /// The leg that the state comes from: the first of those that came furthest.
    #[must_use]
    pub fn shown_work(&self) -> Option<&WorkItem> {
        let furthest = self.work.iter().map(|item| item.phase).max()?;
        self.work.iter().find(|item| item.phase == furthest && self.state != State::Offline)
    }

    /// Whether the agent is on duty, by what is chosen: not with `offline`, unless that is a wish.
    pub(super) fn is_on_duty(&self) -> bool {
        self.chosen.presence != Presence::Offline || self.in_force.is_some()
    }
}
