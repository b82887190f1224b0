//! Fields that many payloads have in common.

use super::field::{Field, moment, object, text};

pub(super) const TENANT_ID: Field = text("tenant_id", "The tenant").team().like("tenant-123");
pub(super) const AT: Field = moment("at", "When it happened").team();
pub(super) const USER_ID: Field = text("user_id", "The agent").team().like("user-456");
pub(super) const QUEUE_ID: Field = text("queue_id", "The queue").team().like("queue-sales");
pub(super) const LEG_ID: Field = text("leg_id", "This agent's part in the call").team().like("leg-1");
pub(super) const BY: Field = text("by", "The user who did it").optional().team().like("user-1");
pub(super) const SESSION_ID: Field = text("session_id", "The chat").team().like("chat-7");

/// The caller, as a whole personal.
pub(super) const FROM: Field = object(
    "from",
    &[
        text("number", "The number").personal().like("+4930901820"),
        text("name", "The name, where it is known").optional().personal().like("Anna Schmidt"),
    ],
    "Who calls; where an agent has placed the call, or its caller has handed it on, the other side",
)
.personal()
.team();
