//! The catalogue: every event that the product itself says, with who may hear it. Custom events are not in it.

use crate::event::EventName;

/// One party of an audience.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// The agent that the event is about.
    Oneself,
    /// Agents in, or being offered, this call or chat.
    Party,
    /// Exactly the addressed users.
    Addressee,
    /// Supervisors and admins.
    Supervisors,
    /// Admins.
    Admins,
    /// Every signed-in user of the tenant.
    Tenant,
}

/// The part of a payload that a wider audience gets.
#[derive(Debug, Clone, Copy)]
pub struct TeamView {
    /// The wider audience.
    pub who: Who,
    /// The fields that it gets.
    pub fields: &'static [&'static str],
}

/// Who gets an event.
#[derive(Debug, Clone, Copy)]
pub struct Audiences {
    /// These get the whole payload.
    pub full: &'static [Who],
    /// These get some fields of it.
    pub team: Option<TeamView>,
}

/// One event of the catalogue.
#[derive(Debug, Clone, Copy)]
pub struct Definition {
    /// Its dotted name.
    pub name: &'static str,
    /// Stored, numbered and delivered to webhooks; otherwise sent once, best effort.
    pub durable: bool,
    /// Who gets it.
    pub audience: Audiences,
    /// When it is sent, for people.
    pub description: &'static str,
}

/// The first words of names that are the catalogue's own: no custom event may begin with them.
pub const RESERVED_PREFIXES: [&str; 7] =
    ["agent.", "call.", "queue.", "chat.", "user.", "webhook.", "connector."];

use Who::{Addressee, Admins, Oneself, Party, Supervisors, Tenant};

const SELF_AND_SUPERVISORS: Audiences = to(&[Oneself, Supervisors]);
const PARTY_AND_SUPERVISORS: Audiences = to(&[Party, Supervisors]);
const SUPERVISORS: Audiences = to(&[Supervisors]);
const ADMINS: Audiences = to(&[Admins]);

const fn to(full: &'static [Who]) -> Audiences {
    Audiences { full, team: None }
}

const fn durable(name: &'static str, audience: Audiences, description: &'static str) -> Definition {
    Definition { name, durable: true, audience, description }
}

const fn ephemeral(name: &'static str, audience: Audiences, description: &'static str) -> Definition {
    Definition { name, durable: false, audience, description }
}

/// An agent's public state changed.
pub const AGENT_STATE_CHANGED: EventName = EventName::of_catalogue("agent.state.changed");
/// An agent came on duty.
pub const AGENT_LOGIN: EventName = EventName::of_catalogue("agent.login");
/// An agent's duty ended.
pub const AGENT_LOGOUT: EventName = EventName::of_catalogue("agent.logout");
/// A user's first real-time connection opened.
pub const USER_ONLINE: EventName = EventName::of_catalogue("user.online");
/// A user's last real-time connection is gone.
pub const USER_OFFLINE: EventName = EventName::of_catalogue("user.offline");
/// An admin tried an endpoint out.
pub const WEBHOOK_TEST: EventName = EventName::of_catalogue("webhook.test");
/// An endpoint has been failing.
pub const WEBHOOK_FAILING: EventName = EventName::of_catalogue("webhook.failing");
/// An endpoint was switched off by the platform.
pub const WEBHOOK_DISABLED: EventName = EventName::of_catalogue("webhook.disabled");

/// Every event of the catalogue.
pub const CATALOGUE: &[Definition] = &[
    durable(
        "agent.state.changed",
        Audiences {
            full: &[Oneself, Supervisors],
            team: Some(TeamView {
                who: Tenant,
                fields: &["user_id", "tenant_id", "state", "previous_state", "changed_at", "version"],
            }),
        },
        "An agent's public state, or its reason, changed.",
    ),
    durable(
        "agent.state.pending",
        SELF_AND_SUPERVISORS,
        "A state was chosen that takes effect after the present work.",
    ),
    durable("agent.login", SELF_AND_SUPERVISORS, "An agent came on duty."),
    durable("agent.logout", SELF_AND_SUPERVISORS, "An agent's duty ended."),
    durable("call.incoming", SUPERVISORS, "A call from outside reached the tenant."),
    durable("call.outgoing", SELF_AND_SUPERVISORS, "A call to outside, or between agents, was started."),
    durable("call.ringing", SELF_AND_SUPERVISORS, "A call is offered to an agent."),
    durable("call.missed", SELF_AND_SUPERVISORS, "An offer ended without that agent answering."),
    durable("call.answered", PARTY_AND_SUPERVISORS, "A person answered the call."),
    durable("call.hold", PARTY_AND_SUPERVISORS, "An agent put the other party on hold."),
    durable("call.unhold", PARTY_AND_SUPERVISORS, "A hold ended."),
    durable("call.transferred", PARTY_AND_SUPERVISORS, "The call went over to another target."),
    durable("call.transfer.failed", PARTY_AND_SUPERVISORS, "A transfer came back or was lost."),
    durable("call.abandoned", SUPERVISORS, "The caller hung up before anybody answered."),
    durable("call.ended", PARTY_AND_SUPERVISORS, "The call is over."),
    durable("call.updated", PARTY_AND_SUPERVISORS, "Tags, disposition or attributes of a call changed."),
    durable(
        "call.recording.changed",
        PARTY_AND_SUPERVISORS,
        "A recording started, paused, resumed or stopped.",
    ),
    durable("call.recording.available", SUPERVISORS, "A recording can be fetched."),
    durable("call.voicemail.left", SELF_AND_SUPERVISORS, "A message was left in a mailbox."),
    durable("call.monitoring.started", SUPERVISORS, "A supervisor began to listen, whisper or barge in."),
    durable("call.monitoring.ended", SUPERVISORS, "A supervisor's monitoring ended."),
    durable("call.callback.requested", SUPERVISORS, "A caller asked to be called back."),
    durable("call.callback.completed", SUPERVISORS, "A callback was done or given up."),
    durable("queue.joined", SUPERVISORS, "A call or chat began to wait in a queue."),
    durable("queue.left", SUPERVISORS, "A call or chat stopped waiting in a queue."),
    ephemeral("queue.stats", SUPERVISORS, "A queue's numbers changed."),
    durable("queue.sla.breached", SUPERVISORS, "A wait or an interval fell short of the service level."),
    durable("queue.sla.recovered", SUPERVISORS, "The interval's service level is back at its target."),
    durable("queue.member.added", SELF_AND_SUPERVISORS, "An agent became a member of a queue."),
    durable("queue.member.removed", SELF_AND_SUPERVISORS, "An agent left a queue."),
    durable("queue.member.paused", SELF_AND_SUPERVISORS, "A member was paused in a queue."),
    durable("queue.member.unpaused", SELF_AND_SUPERVISORS, "A member's pause in a queue ended."),
    durable("queue.member.updated", SELF_AND_SUPERVISORS, "A member's settings in a queue changed."),
    durable("queue.created", to(&[Tenant]), "A queue was set up."),
    durable("queue.updated", to(&[Tenant]), "A queue's settings changed."),
    durable("queue.deleted", to(&[Tenant]), "A queue was removed."),
    durable("chat.session.started", SUPERVISORS, "A visitor opened a chat."),
    durable("chat.session.assigned", SELF_AND_SUPERVISORS, "A chat got an owner."),
    durable("chat.agent.joined", PARTY_AND_SUPERVISORS, "An agent entered a chat."),
    durable("chat.agent.left", PARTY_AND_SUPERVISORS, "An agent left a chat."),
    durable("chat.message", PARTY_AND_SUPERVISORS, "A chat message was stored."),
    durable("chat.message.updated", to(&[Party]), "A chat message was edited, removed or read."),
    ephemeral("chat.typing", to(&[Party]), "Someone in a chat types or stopped typing."),
    durable("chat.transferred", PARTY_AND_SUPERVISORS, "A chat went over to another agent or queue."),
    durable("chat.session.ended", PARTY_AND_SUPERVISORS, "A chat was closed."),
    durable("chat.session.missed", SELF_AND_SUPERVISORS, "An assigned agent did not react in time."),
    ephemeral("chat.visitor.presence", to(&[Party]), "The visitor's connection closed or came back."),
    durable("csat.submitted", SUPERVISORS, "A customer rated a chat or a call."),
    ephemeral("user.online", to(&[Tenant]), "A user's first real-time connection opened."),
    ephemeral("user.offline", to(&[Tenant]), "A user's last real-time connection is gone."),
    durable("user.updated", to(&[Oneself, Admins]), "A user's name, role or rights changed."),
    durable("notification", to(&[Addressee]), "A message for a named user."),
    durable("alert", SUPERVISORS, "An operational condition started, changed or cleared."),
    durable("connector.connected", SUPERVISORS, "The link to the telephone system is up."),
    durable("connector.disconnected", SUPERVISORS, "The link to the telephone system is lost."),
    ephemeral("webhook.test", to(&[]), "An admin tried the endpoint out; sent to that endpoint only."),
    durable("webhook.failing", ADMINS, "An endpoint has not taken a delivery for some time."),
    durable("webhook.disabled", ADMINS, "The platform stopped delivering to an endpoint."),
    durable("webhook.enabled", ADMINS, "Delivery to an endpoint resumed."),
];

/// The catalogue's event of that name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Definition> {
    CATALOGUE.iter().find(|definition| definition.name == name)
}

/// The types of the WebSocket's own frames, in both directions: a custom event of such a type could not be told from one.
pub const CONTROL_FRAMES: [&str; 12] = [
    "auth.expiring",
    "auth.refresh",
    "auth.refreshed",
    "connection.ready",
    "connection.reset",
    "error",
    "ping",
    "pong",
    "subscribe",
    "subscribed",
    "unsubscribe",
    "unsubscribed",
];

/// Why custom events may not have a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Reserved {
    /// It is, or looks like, one of the catalogue's.
    #[error(
        "belongs to the catalogue: custom names may not be one of its names nor begin with agent., call., queue., chat., user., webhook. or connector."
    )]
    Catalogue,
    /// It is a frame of the WebSocket.
    #[error("is the type of a control frame of the WebSocket: choose another name, such as order.paid")]
    ControlFrame,
}

/// Whether a name is free for custom events.
pub fn check_custom(name: &str) -> Result<(), Reserved> {
    if CONTROL_FRAMES.contains(&name) {
        Err(Reserved::ControlFrame)
    } else if find(name).is_some() || RESERVED_PREFIXES.iter().any(|prefix| name.starts_with(prefix)) {
        Err(Reserved::Catalogue)
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_are_well_formed_and_unique() {
        for (at, definition) in CATALOGUE.iter().enumerate() {
            assert!(EventName::parse(definition.name).is_ok(), "{}", definition.name);
            assert!(
                CATALOGUE[at + 1..].iter().all(|other| other.name != definition.name),
                "{}",
                definition.name
            );
        }
    }

    #[test]
    fn custom_names_are_neither_the_catalogues_nor_the_websockets() {
        for name in
            ["agent.custom", "call.incoming", "notification", "alert", "csat.submitted", "connector.x"]
        {
            assert_eq!(check_custom(name), Err(Reserved::Catalogue), "{name}");
        }
        for name in CONTROL_FRAMES {
            assert_eq!(check_custom(name), Err(Reserved::ControlFrame), "{name}");
        }
        for name in ["order.paid", "errors", "ping.pong", "connection.lost", "auth.failed", "callback"] {
            assert_eq!(check_custom(name), Ok(()), "{name}");
        }
    }

    #[test]
    fn the_constructors_names_are_in_the_catalogue() {
        for name in [
            AGENT_STATE_CHANGED,
            AGENT_LOGIN,
            AGENT_LOGOUT,
            USER_ONLINE,
            USER_OFFLINE,
            WEBHOOK_TEST,
            WEBHOOK_FAILING,
            WEBHOOK_DISABLED,
        ] {
            assert!(find(name.as_str()).is_some(), "{name}");
        }
    }
}
