//! What is said about calls.

use super::audience::{PARTY_AND_SUPERVISORS, SELF_AND_SUPERVISORS, SUPERVISORS, Who};
use super::definition::{Common, Group};
use super::field::{
    Field, Kind, Words, any_object, boolean, integer, list, moment, object, seconds, text, word,
};
use super::shared::{AT, BY, FROM, LEG_ID, QUEUE_ID, TENANT_ID, USER_ID};

const DIRECTIONS: Words = Words::These(&["inbound", "outbound", "internal"]);
const OFFER_OUTCOMES: Words =
    Words::These(&["no_answer", "declined", "busy", "unreachable", "answered_elsewhere", "caller_gone"]);
const TRANSFER_OUTCOMES: Words = Words::These(&["no_answer", "declined", "busy", "unreachable", "cancelled"]);
const TRANSFER_KINDS: Words = Words::These(&["blind", "attended", "redirect"]);
const TARGETS: Words = Words::These(&["user", "queue", "number"]);
const WAYS: Words = Words::These(&["queue", "direct", "transfer", "outbound"]);
const PLACES: Words = Words::These(&["queue", "ringing", "before_queue"]);
const OUTCOMES: Words = Words::These(&[
    "answered",
    "abandoned",
    "no_answer",
    "busy",
    "rejected",
    "failed",
    "voicemail",
    "merged",
]);
const ENDS: Words = Words::These(&["customer", "agent", "supervisor", "system", "unknown"]);
const RECORDING_STATES: Words = Words::These(&["started", "paused", "resumed", "stopped"]);
const MONITORING_MODES: Words = Words::These(&["listen", "whisper", "barge"]);

const COMMON: Common = Common(&[
    text("call_id", "The call: the customer's conversation from the first ring to the last hang-up")
        .team()
        .like("call-42"),
    TENANT_ID,
    text("external_id", "The telephone system's own name of the call")
        .optional()
        .team()
        .like("acme-1795625813.7"),
    word("direction", DIRECTIONS, "Where the call goes").team().like("inbound"),
    text("queue_id", "The queue that the call is in, or came through").optional().team().like("queue-sales"),
    text("user_id", "The agent concerned").optional().team(),
    AT,
]);

/// A number of the tenant's own.
const OWN_NUMBER: &[Field] = &[text("number", "The number").like("+4930555000")];
const START: Field = moment("started_at", "When the call began");
const RECORDING_ID: Field = text("recording_id", "The recording").like("recording-9");
const SUPERVISOR_ID: Field = text("supervisor_id", "The supervisor").like("user-1");
const MODE: Field = word("mode", MONITORING_MODES, "How the supervisor takes part").like("listen");
const OUTCOME: Field = word("outcome", OUTCOMES, "How it went for the caller");
const RING: Field = seconds("ring_seconds", "How long the agent was rung");

/// Where a transfer leads.
const TO: Field = object(
    "to",
    &[
        word("kind", TARGETS, "What the target is").like("user"),
        text("id", "The user or queue").optional().like("user-457"),
        text("number", "The number").optional().personal(),
    ],
    "The target",
);

const CALLBACK: &[Field] = &[
    text("callback_id", "The callback").team().like("callback-3"),
    QUEUE_ID,
    text("number", "The number to call").personal().team().like("+4930901820"),
    moment("due_at", "When to call").optional().team(),
    text("outcome", "What became of it").optional().team(),
];

const ENDED: &[Field] = &[
    moment("ended_at", "When the last party was gone"),
    seconds("duration_seconds", "From the beginning to the end").like("191.5"),
    seconds("wait_seconds", "How long the caller waited for a person, in all queues together").like("11.25"),
    seconds("talk_seconds", "How long agents talked, holds left out").like("160.25"),
    seconds("hold_seconds", "How long the other party was on hold").like("20"),
    OUTCOME.like("answered"),
    text("merged_into", "The call that this one was merged into").optional(),
    boolean("estimated", "True if the end was not seen but concluded").optional(),
    word("ended_by", ENDS, "Who hung up").like("customer"),
    integer("hangup_cause", "The telephone network's code (ITU-T Q.850)").optional().like("16"),
    list("user_ids", &Kind::Text, "All agents who took part").like("user-456"),
    list("queue_ids", &Kind::Text, "All queues that the call was in").like("queue-sales"),
    integer("transfers", "How often the call was transferred").like("0"),
    boolean("recording", "Whether any of it was recorded").like("false"),
];

/// Calls, from the first ring on.
pub(super) const GROUP: Group = Group {
    title: "Calls",
    introduction: "A call is a customer's whole conversation, through queues and transfers; each agent's \
                   part in it is a leg. Wrap-up is a state of the agent and no event of the call: for the \
                   customer the call is over when he hangs up.",
    common: COMMON.0,
    events: &[
        COMMON.durable(
            "call.incoming",
            SUPERVISORS,
            "A call from outside arrived. At this point no agent is chosen. An agent to whom the call is \
             offered later gets, just before `call.ringing` and on WebSockets only, a copy of the moment \
             with `user_id` and `leg_id` added; unlike `call.ringing` it is not sent again \
             after a lost connection.",
            &[
                FROM,
                object("to", OWN_NUMBER, "What was dialled"),
                START,
                text(
                    "connector_id",
                    "The connection to the telephone system that it came by, if it came by one",
                )
                .planned(),
                text("leg_id", "The agent's part, in the copy for that agent").optional(),
            ],
        ),
        COMMON.durable(
            "call.outgoing",
            SELF_AND_SUPERVISORS,
            "An agent, or a program, started a call to outside or to a colleague.",
            &[
                text("leg_id", "The part in the call of the agent who placed it, if an agent did").optional(),
                object("from", OWN_NUMBER, "What the other side sees"),
                object(
                    "to",
                    &[text("number", "The number").personal().like("+4930901820")],
                    "What was dialled",
                ),
                text("client_ref", "The word of the program that started it").optional(),
                START,
            ],
        ),
        COMMON.durable(
            "call.ringing",
            SELF_AND_SUPERVISORS,
            "The call is offered to an agent: once for each agent and attempt.",
            &[
                USER_ID,
                LEG_ID,
                integer(
                    "attempt",
                    "Which of this agent's parts in this call it is: 1 for the first, and so on. What the call was to \
                     other agents does not count",
                )
                .like("1"),
                FROM,
                object("to", OWN_NUMBER, "What was dialled, if the call came from outside").optional(),
                START,
                seconds("ring_timeout_seconds", "How long it will ring").planned().like("20"),
                integer("also_ringing", "How many other agents are rung at the same time").optional(),
            ],
        ),
        COMMON.durable(
            "call.missed",
            SELF_AND_SUPERVISORS,
            "An offer to an agent ended without that agent answering. `caller_gone` says that the call was no longer \
             there to be taken: the caller hung up, somebody moved it elsewhere, or it was ended. Which outcomes count \
             against the agent is said in [agents](agents.md#offers-that-are-missed).",
            &[USER_ID, LEG_ID, word("outcome", OFFER_OUTCOMES, "Why").like("no_answer"), RING.like("20")],
        ),
        COMMON.durable(
            "call.answered",
            PARTY_AND_SUPERVISORS,
            "A person answered: an agent, or, of an outbound call, the far end.",
            &[
                USER_ID,
                LEG_ID,
                moment("answered_at", "When"),
                seconds(
                    "wait_seconds",
                    "Since the call first joined a queue or, outside queues, since it rang",
                )
                .like("11.25"),
                RING.like("6.25"),
                word("via", WAYS, "The way to this agent").like("queue"),
            ],
        ),
        COMMON.durable(
            "call.hold",
            PARTY_AND_SUPERVISORS,
            "An agent put the other party on hold.",
            &[
                USER_ID,
                LEG_ID,
                integer("hold_count", "1 for the first hold of this leg, and so on").like("1"),
            ],
        ),
        COMMON.durable(
            "call.unhold",
            PARTY_AND_SUPERVISORS,
            "A hold ended, also by hanging up or by a transfer.",
            &[USER_ID, LEG_ID, seconds("hold_seconds", "How long it lasted").like("20")],
        ),
        COMMON.durable(
            "call.transferred",
            PARTY_AND_SUPERVISORS,
            "The other party now belongs to another agent, queue or number.",
            &[
                word("kind", TRANSFER_KINDS, "How").like("blind"),
                text("from_user_id", "The agent who had the call").optional().like("user-456"),
                TO,
                text(
                    "transferred_by",
                    "The user who did it, or who had the call where the telephone system reports no other; else \
                     `telephony` or `system`",
                )
                .like("user-456"),
            ],
        ),
        COMMON
            .durable(
                "call.transfer.failed",
                PARTY_AND_SUPERVISORS,
                "A transfer did not come about: the call came back, or was lost.",
                &[
                    word("kind", TRANSFER_KINDS, "How").like("attended"),
                    text("from_user_id", "The agent who had the call").like("user-456"),
                    TO,
                    word("outcome", TRANSFER_OUTCOMES, "Why").like("no_answer"),
                    boolean("returned", "Whether the call is back with that agent").like("true"),
                ],
            )
            .planned(),
        COMMON.durable(
            "call.abandoned",
            SUPERVISORS.and_team(&[Who::QueueMembers]),
            "The caller hung up before any person answered.",
            &[
                word("where", PLACES, "How far the call had come").team().like("queue"),
                seconds(
                    "wait_seconds",
                    "How long the caller waited in all, as in `call.ended`: since the first join of a queue, else \
                     since the first ring, else since the call began; the \
                     stay in the last queue alone is in its `queue.left`",
                )
                .team()
                .like("34.5"),
                integer("position", "The place in the queue at that time").optional().team().like("2"),
                boolean(
                    "short",
                    "Whether that was too soon to count. With `where` `queue`: whether the stay in this queue was shorter \
                     than its limit, exactly as its numbers count it (`short_abandoned`); elsewhere: whether the whole \
                     wait was shorter than the tenant's",
                )
                .team()
                .like("false"),
                FROM,
            ],
        ),
        COMMON.durable(
            "call.ended",
            PARTY_AND_SUPERVISORS,
            "The call is over: the last party is gone.",
            ENDED,
        ),
        COMMON.durable(
            "call.updated",
            PARTY_AND_SUPERVISORS,
            "What is noted about a call changed: its disposition, tags, contact or attributes. This may \
             come after `call.ended`.",
            &[any_object("changed", "The new values by field").like(r#"{"disposition":"sold"}"#), BY],
        ),
        COMMON
            .durable(
                "call.recording.changed",
                PARTY_AND_SUPERVISORS,
                "A recording started, was paused, went on or stopped.",
                &[word("state", RECORDING_STATES, "What it does now").like("started"), RECORDING_ID, BY],
            )
            .planned(),
        COMMON
            .durable(
                "call.recording.available",
                SUPERVISORS,
                "A recording can be fetched.",
                &[
                    RECORDING_ID,
                    seconds("duration_seconds", "Its length").like("160.25"),
                    integer("size_bytes", "Its size").like("1282000"),
                    text("url", "Where, for a short time; or a path of this API")
                        .like("/api/v1/recordings/recording-9"),
                ],
            )
            .planned(),
        COMMON
            .durable(
                "call.voicemail.left",
                SELF_AND_SUPERVISORS,
                "A message was left in a mailbox; the agent concerned is its owner.",
                &[
                    text("mailbox", "The mailbox").like("101"),
                    FROM,
                    seconds("duration_seconds", "The message's length").optional(),
                    integer("new_messages", "Messages in it that nobody has heard").like("1"),
                ],
            )
            .planned(),
        COMMON
            .durable(
                "call.monitoring.started",
                SUPERVISORS,
                "A supervisor began to listen, to whisper or to take part.",
                &[SUPERVISOR_ID, USER_ID, MODE],
            )
            .planned(),
        COMMON
            .durable(
                "call.monitoring.ended",
                SUPERVISORS,
                "A supervisor stopped listening, whispering or taking part.",
                &[SUPERVISOR_ID, USER_ID, MODE, seconds("seconds", "How long it lasted").like("95")],
            )
            .planned(),
        COMMON
            .durable(
                "call.callback.requested",
                SUPERVISORS.and_team(&[Who::QueueMembers]),
                "A caller asked to be called back.",
                CALLBACK,
            )
            .planned(),
        COMMON
            .durable(
                "call.callback.completed",
                SUPERVISORS.and_team(&[Who::QueueMembers]),
                "A callback was done, or given up.",
                CALLBACK,
            )
            .planned(),
    ],
};
