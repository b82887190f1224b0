//! The names of those events of the catalogue that the product sends, for their constructors.

use crate::event::EventName;

macro_rules! names {
    ($($(#[$doc:meta])* $constant:ident = $name:literal;)+) => {
        $($(#[$doc])* pub const $constant: EventName = EventName::of_catalogue($name);)+

        /// All of them, for the test that compares them with the tables.
        #[cfg(test)]
        pub(super) const SENT: &[&str] = &[$($name),+];
    };
}

names! {
    /// An agent's public state changed.
    AGENT_STATE_CHANGED = "agent.state.changed";
    /// An agent wishes for a state that waits for the present work.
    AGENT_STATE_PENDING = "agent.state.pending";
    /// An agent came on duty.
    AGENT_LOGIN = "agent.login";
    /// An agent's duty ended.
    AGENT_LOGOUT = "agent.logout";

    /// A call came from outside.
    CALL_INCOMING = "call.incoming";
    /// A call to outside, or between agents, was started.
    CALL_OUTGOING = "call.outgoing";
    /// A call is offered to an agent.
    CALL_RINGING = "call.ringing";
    /// An offer ended without that agent.
    CALL_MISSED = "call.missed";
    /// A person answered.
    CALL_ANSWERED = "call.answered";
    /// A hold began.
    CALL_HOLD = "call.hold";
    /// A hold ended.
    CALL_UNHOLD = "call.unhold";
    /// A call went over to another target.
    CALL_TRANSFERRED = "call.transferred";
    /// A caller hung up before anybody answered.
    CALL_ABANDONED = "call.abandoned";
    /// A call is over.
    CALL_ENDED = "call.ended";
    /// What is known about a call changed.
    CALL_UPDATED = "call.updated";

    /// A wait in a queue began.
    QUEUE_JOINED = "queue.joined";
    /// A wait in a queue ended.
    QUEUE_LEFT = "queue.left";
    /// A queue's numbers changed.
    QUEUE_STATS = "queue.stats";
    /// An agent became a member of a queue.
    QUEUE_MEMBER_ADDED = "queue.member.added";
    /// An agent left a queue.
    QUEUE_MEMBER_REMOVED = "queue.member.removed";
    /// A member was paused in a queue.
    QUEUE_MEMBER_PAUSED = "queue.member.paused";
    /// A member's pause in a queue ended.
    QUEUE_MEMBER_UNPAUSED = "queue.member.unpaused";
    /// A queue was set up.
    QUEUE_CREATED = "queue.created";
    /// A queue's settings changed.
    QUEUE_UPDATED = "queue.updated";
    /// A queue was removed.
    QUEUE_DELETED = "queue.deleted";

    /// A user's first real-time connection opened.
    USER_ONLINE = "user.online";
    /// A user's last real-time connection is gone.
    USER_OFFLINE = "user.offline";
    /// An admin tried an endpoint out.
    WEBHOOK_TEST = "webhook.test";
    /// An endpoint has been failing.
    WEBHOOK_FAILING = "webhook.failing";
    /// An endpoint was switched off, by the platform or by hand.
    WEBHOOK_DISABLED = "webhook.disabled";
    /// An endpoint was switched on again.
    WEBHOOK_ENABLED = "webhook.enabled";
}
