//! Who gets an event, and how much of it. Knows nothing of connections: `view.rs` compares it with a listener.

/// One party of an audience.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// The agent that the event is about.
    Oneself,
    /// Agents in, or being offered, this call or chat.
    Party,
    /// Exactly the addressed users.
    Addressee,
    /// Members of the queues that the event names.
    QueueMembers,
    /// Supervisors and admins.
    Supervisors,
    /// Admins.
    Admins,
    /// Every signed-in user of the tenant.
    Tenant,
}

impl Who {
    /// The word in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Oneself => "self",
            Self::Party => "party",
            Self::Addressee => "addressee",
            Self::QueueMembers => "queue_members",
            Self::Supervisors => "supervisors",
            Self::Admins => "admins",
            Self::Tenant => "tenant",
        }
    }

    /// The same, for people.
    #[must_use]
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::Oneself => "the user concerned",
            Self::Party => "the agents taking part",
            Self::Addressee => "the user addressed",
            Self::QueueMembers => "members of the queue",
            Self::Supervisors => "supervisors and admins",
            Self::Admins => "admins",
            Self::Tenant => "everyone in the tenant",
        }
    }
}

/// Who gets an event. Programs with an API key get the whole of all events, and webhooks of the durable ones.
#[derive(Debug, Clone, Copy)]
pub struct Audiences {
    /// These get the whole payload.
    pub full: &'static [Who],
    /// These, if they are none of the former, get the fields that are marked for the team, personal data masked.
    pub team: &'static [Who],
    /// What the visitor gets of it whose chat it is about, in words: nobody is matched to it here.
    pub visitor: Option<&'static str>,
}

impl Audiences {
    pub(super) const fn and_team(self, team: &'static [Who]) -> Self {
        Self { team, ..self }
    }

    pub(super) const fn and_visitor(self, what: &'static str) -> Self {
        Self { visitor: Some(what), ..self }
    }
}

pub(super) const fn to(full: &'static [Who]) -> Audiences {
    Audiences { full, team: &[], visitor: None }
}

pub(super) const SELF_AND_SUPERVISORS: Audiences = to(&[Who::Oneself, Who::Supervisors]);
pub(super) const PARTY_AND_SUPERVISORS: Audiences = to(&[Who::Party, Who::Supervisors]);
pub(super) const PARTY: Audiences = to(&[Who::Party]);
pub(super) const SUPERVISORS: Audiences = to(&[Who::Supervisors]);
pub(super) const ADMINS: Audiences = to(&[Who::Admins]);
pub(super) const TENANT: Audiences = to(&[Who::Tenant]);
