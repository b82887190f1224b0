//! What people and programs ask of agents' states: who asks, what may be asked, and how a refusal is told.

use crate::Result;
use crate::error::Error;
use crate::fields::{FieldProblem, Problems};
use crate::gate::{self, Caller, Identity};
use model::agents::{Agent, Choice, Presence, Refusal, Source};
use model::{SessionId, UserId};

/// The longest that one call gives to a wrap-up; the tenant's `wrap_up_max_seconds` bounds all of it.
const LONGEST_EXTENSION: u32 = 7200;

/// A wish as it comes from a client.
#[derive(Debug, Clone, Default)]
pub struct Wish {
    /// The word of the state.
    pub state: String,
    /// Why, in a word of the tenant's.
    pub reason: Option<String>,
    /// The version that the wish was made upon.
    pub if_version: Option<i64>,
    /// Whether `offline` takes effect during a call too.
    pub force: bool,
}

impl Wish {
    /// A wish that is known to be one.
    #[must_use]
    pub fn of(presence: Presence, reason: Option<String>) -> Self {
        Self { state: presence.as_str().into(), reason, ..Self::default() }
    }
}

/// Who asks.
pub(super) struct By {
    pub source: Source,
    /// The user, or the API key.
    pub id: Option<UserId>,
    /// The agent's own sign-in.
    pub session: Option<SessionId>,
}

impl By {
    pub fn oneself(identity: &Identity) -> Self {
        Self {
            source: Source::Oneself,
            id: Some(identity.user.clone()),
            session: Some(identity.session.clone()),
        }
    }

    /// Somebody who may decide over others.
    pub fn whoever(caller: &Caller, agent: &UserId) -> Self {
        match caller {
            Caller::User(identity) if identity.user == *agent => Self::oneself(identity),
            Caller::User(identity) => {
                Self { source: Source::Supervisor, id: Some(identity.user.clone()), session: None }
            }
            Caller::Program(program) => {
                let id = UserId::parse(program.key.as_str()).ok();
                Self { source: Source::Supervisor, id, session: None }
            }
        }
    }

    pub fn is_oneself(&self) -> bool {
        self.source == Source::Oneself
    }

    /// The machine's choice out of a wish, or all that is wrong with it.
    pub fn choice(&self, wish: Wish) -> Result<Choice> {
        let mut problems = Problems::default();
        let presence = Presence::parse(&wish.state);
        let known: Vec<&str> = Presence::ALL.iter().map(|presence| presence.as_str()).collect();
        problems.check(presence.is_some(), "state", &format!("must be one of {}", known.join(", ")));
        if let Some(reason) = &wish.reason {
            problems.check_text(reason, 1, 100, "reason");
        }
        if wish.force && self.is_oneself() {
            problems.add("force", "is for supervisors, and for the duty of somebody else");
        } else if wish.force && presence != Some(Presence::Offline) {
            problems.add("force", "goes with the state offline only");
        }
        problems.into_result()?;
        let presence = presence.ok_or_else(|| Error::Internal("a state without a problem".into()))?;
        Ok(Choice {
            presence,
            reason: wish.reason,
            if_version: wish.if_version,
            source: self.source,
            by: self.id.clone(),
            force: wish.force,
        })
    }

    /// What to say when there is no such agent.
    pub fn unknown(&self) -> Error {
        if self.is_oneself() { gate::ENDED } else { Error::NotFound("agent") }
    }

    /// What to say of an agent who may not sign in.
    pub fn inactive(&self) -> Error {
        if self.is_oneself() {
            return gate::ENDED;
        }
        Error::Conflict {
            code: "user_inactive",
            message: "a deactivated user is off duty and stays it: activate the user first".into(),
            details: vec![FieldProblem::new("is_active", "false")],
        }
    }
}

/// By how much a wrap-up is to become longer.
pub(super) fn extension(seconds: i64) -> Result<u32> {
    let allowed = u32::try_from(seconds).ok().filter(|seconds| (1..=LONGEST_EXTENSION).contains(seconds));
    allowed.ok_or_else(|| Error::field("seconds", format!("must be 1 to {LONGEST_EXTENSION}")))
}

fn conflict(code: &'static str, message: impl Into<String>, agent: &Agent) -> Error {
    let details = vec![FieldProblem::new("state", agent.state.as_str())];
    Error::Conflict { code, message: message.into(), details }
}

pub(super) fn not_on_break(agent: &Agent) -> Error {
    conflict("not_on_break", "there is no break to end", agent)
}

pub(super) fn refused(agent: &Agent, why: Refusal) -> Error {
    let message = why.to_string();
    match why {
        Refusal::StaleVersion { present } => {
            let details = vec![
                FieldProblem::new("version", present.to_string()),
                FieldProblem::new("state", agent.state.as_str()),
            ];
            Error::Conflict { code: "stale_version", message, details }
        }
        Refusal::Absent => conflict("agent_absent", message, agent),
        Refusal::NotInWrapUp { .. } => conflict("not_in_wrap_up", message, agent),
        Refusal::WrapUpTooLong { .. } => Error::field("seconds", message),
    }
}
