//! An agent's state: what the agent chose (presence), what it is seen doing (work), and the state that others see.
//! Pure: `apply` takes an agent and a command and gives the change with all that is to be said of it, or says why not.
//!
//! The rules that the rest follows from:
//!
//! * An agent on duty shows the furthest of its voice work, else its presence. An agent off duty shows `offline`, whatever
//!   work is still reported of it: the telephone system reports facts, which are noted and never refused, and the end of
//!   such work brings nobody back on duty.
//! * A choice made during work is a wish: it stands in `chosen` at once, what it replaces stands in `in_force` until the
//!   work ends.
//! * The platform itself (timers, policies) touches nothing that was chosen while there is work.
//! * `version` counts what can be seen: every change that has an event. What is only noted (a lost connection within the
//!   grace time, a second leg beside a call) has none and leaves it, so that nobody's `if_version` goes stale by it.

mod agent;
mod apply;
mod change;
mod choose;
mod command;
mod day;
#[cfg(test)]
mod tests;
mod timers;
mod vocabulary;
mod work;

pub use agent::{Agent, Chosen, MAX_WORK, WorkItem, published_state};
pub use apply::apply;
pub use change::{AgentEvent, Change, StateChanged};
pub use command::{Choice, Command, Policies, Refusal};
pub use day::{Day, Times};
pub use timers::next_timer;
pub use vocabulary::{
    Device, DisconnectPolicy, LogoutReason, OfferOutcome, Presence, Source, State, VoicePhase, reasons,
};
pub use work::ended_wrap_ups;
