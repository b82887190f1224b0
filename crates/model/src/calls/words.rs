//! The words of calls.

use crate::words::vocabulary;

vocabulary!(/// Where a call comes from and goes to.
Direction {
    /// From outside.
    Inbound = "inbound",
    /// To outside.
    Outbound = "outbound",
    /// Between agents, or from an agent into a queue.
    Internal = "internal",
});

vocabulary!(/// How a call is now.
State {
    /// It waits in a queue, also while phones ring for it.
    Queued = "queued",
    /// Nobody has it: it is offered, or not yet.
    Ringing = "ringing",
    /// Somebody has it.
    Active = "active",
    /// Somebody has it, and has put the other on hold.
    Held = "held",
    /// It is over.
    Ended = "ended",
});

vocabulary!(/// What an agent is in a call.
Role {
    /// Who serves it.
    Agent = "agent",
    /// Who serves it and has placed it, to outside.
    Placed = "placed",
    /// Who has placed it, to a colleague or a queue, and is served.
    Caller = "caller",
});

vocabulary!(/// How an answered call had come.
Via {
    /// Out of a queue.
    Queue = "queue",
    /// Straight to the agent.
    Direct = "direct",
    /// From another agent.
    Transfer = "transfer",
    /// The far end has answered an agent.
    Outbound = "outbound",
});

vocabulary!(/// How a transfer is made.
TransferKind {
    /// The target is rung; who transfers is gone.
    Blind = "blind",
    /// The target has been asked, and has the call at once.
    Attended = "attended",
    /// Somebody else moves the call; the target is rung.
    Redirect = "redirect",
});

vocabulary!(/// Where a caller gave up.
Where {
    /// Waiting in a queue.
    Queue = "queue",
    /// While an agent's phone rang, outside of a queue.
    Ringing = "ringing",
    /// Neither: in a greeting or a menu, also between queues.
    BeforeQueue = "before_queue",
});

vocabulary!(/// What became of a call.
Outcome {
    /// A human answered it.
    Answered = "answered",
    /// The caller hung up before any human answered.
    Abandoned = "abandoned",
    /// Nobody answered.
    NoAnswer = "no_answer",
    /// The far end was busy.
    Busy = "busy",
    /// It was refused.
    Rejected = "rejected",
    /// It could not be made, or nobody saw its end.
    Failed = "failed",
    /// A message was left.
    Voicemail = "voicemail",
    /// It went on as part of another call.
    Merged = "merged",
});

vocabulary!(/// Who ended a call.
EndedBy {
    /// The customer.
    Customer = "customer",
    /// An agent.
    Agent = "agent",
    /// A supervisor or an admin.
    Supervisor = "supervisor",
    /// The platform or the telephone system.
    System = "system",
    /// Nobody has said.
    Unknown = "unknown",
});
