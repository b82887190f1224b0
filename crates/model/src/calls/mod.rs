//! The life of a call, from its first ring to its last hang-up, as a pure state machine: `start` and `apply` take what a
//! telephone system reports (or a person does) and give the call as it is then, what is to be said about it, in order, and
//! what it means for the agents. They must not know storage, permissions, or what an agent's state becomes.
//!
//! **Legs and entries.** An agent's part in a call is a *leg*; a stay in a queue is an *entry*. The call's state follows
//! from them and is never set: `ended`; `active` or `held` while an agent (or a number outside) has the call; `queued`
//! while it waits in a queue, also while agents' phones ring for it; else `ringing`. At most one agent has a call. Who
//! placed an internal call has a leg too, which stands where the customer stands in other calls (`Role::Caller`); an
//! outbound call's own agent has a leg from the start (`Role::Placed`).
//!
//! An offer outlives the stay in a queue that it was made in: whoever then answers it answers directly. It ends when it is
//! reported missed, when another agent answers, with a transfer and with the call.
//!
//! **Order of events** in one step: holds end (`call.unhold`), the queue is left (`queue.left`), the caller's giving up is
//! said (`call.abandoned`), then offers end (`call.missed`), then what the step is about (`call.answered`,
//! `call.transferred`, `call.ended`), then what follows from it (`queue.joined`, `call.ringing`, the target's
//! `call.answered`). One exception: offers that lost to an answer end after `call.answered`, because of it. After
//! `call.ended` comes nothing but `call.updated`.
//!
//! **Repeats.** What is so already changes nothing and is `Ok(None)`; what cannot be is a `Refusal` with the present state.

mod apply;
mod call;
mod command;
mod derived;
mod end;
mod progress;
mod said;
mod start;
#[cfg(test)]
mod tests;
mod transfer;
mod words;

pub use crate::agents::OfferOutcome;
pub use apply::{apply, has_handed_on};
pub use call::{Call, Entry, Leg, Party};
pub use command::{
    Actor, Changes, Command, Context, MAX_ATTRIBUTES, MAX_ENTRIES, MAX_LEGS, NewCall, QueueFacts, Refusal,
    Target, Why, concerned_queues,
};
pub use said::{CallEvent, Counted, Ending, Step, What};
pub use start::start;
pub use transfer::is_there;
pub use words::{Direction, EndedBy, Outcome, Role, State, TransferKind, Via, Where};
