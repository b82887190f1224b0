//! What is said about chats, and ratings.

use super::audience::{PARTY, PARTY_AND_SUPERVISORS, SELF_AND_SUPERVISORS, SUPERVISORS, Who, to};
use super::definition::{Common, Group};
use super::field::{Field, Kind, Words, boolean, integer, list, moment, number, object, seconds, text, word};
use super::shared::{AT, SESSION_ID, TENANT_ID, USER_ID};

const ALL: &str = "all of it";
const CHANNELS: Words = Words::These(&["web"]);
const ASSIGNERS: Words = Words::These(&["routing", "self", "supervisor"]);
const ROLES: Words = Words::These(&["owner", "participant", "observer"]);
const LEAVE_REASONS: Words = Words::These(&["closed", "transferred", "disconnected"]);
const SENDERS: Words = Words::These(&["visitor", "agent", "bot", "system"]);
const MESSAGE_CHANGES: Words = Words::These(&["delivered", "read", "edited", "removed"]);
const TARGETS: Words = Words::These(&["user", "queue"]);
const ENDS: Words = Words::These(&["visitor", "agent", "supervisor", "timeout", "system"]);
const OUTCOMES: Words = Words::These(&["answered", "abandoned", "missed"]);

const COMMON: Common = Common(&[
    SESSION_ID,
    TENANT_ID,
    text("queue_id", "The queue that the chat came through").optional().team().like("queue-web"),
    AT,
]);

const SENDER_KIND: Field = word("kind", SENDERS, "What the sender is").like("visitor");
const SENDER_ID: Field = text("id", "The sender's id").like("visitor-8");
const MESSAGE_ID: Field = text("message_id", "The message").like("message-12");
const WAIT: Field = seconds("wait_seconds", "How long the visitor waited for an agent").like("8.5");

const STARTED: &[Field] = &[
    object(
        "visitor",
        &[
            text("id", "The visitor").like("visitor-8"),
            text("name", "As given by the visitor").optional().personal().like("Anna Schmidt"),
            text("email", "As given by the visitor").optional().personal().like("anna@example.com"),
        ],
        "Who it is",
    )
    .team(),
    word("channel", CHANNELS, "The way it came").team().like("web"),
    text("subject", "What it is about, in the visitor's words").optional().personal().like("An invoice"),
    text("page_url", "The page that the visitor was on").optional().personal().team(),
    moment("started_at", "When it began").team(),
];

const MESSAGE: &[Field] = &[
    MESSAGE_ID,
    integer("seq_in_session", "1, 2, 3 … within the chat").like("3"),
    object(
        "sender",
        &[
            SENDER_KIND,
            SENDER_ID.optional(),
            // The sender may be the visitor.
            text("name", "The name shown").optional().personal().like("Anna Schmidt"),
        ],
        "Who wrote it",
    ),
    text("text", "What was written").personal().like("Hello, where is my invoice?"),
    text("content_type", "Its media type").like("text/plain"),
    list("attachments", &Kind::Object(ATTACHMENT), "Files that came with it"),
    boolean("internal", "A note among agents, which the visitor does not see").like("false"),
    text("client_message_id", "The sender's own id of it, which makes sending it again harmless").optional(),
    moment("sent_at", "When"),
];

const ATTACHMENT: &[Field] = &[
    text("id", "The file").like("file-2"),
    text("name", "Its name").like("invoice.pdf"),
    integer("size_bytes", "Its size").like("48213"),
    text("content_type", "Its media type").like("application/pdf"),
];

const DISPLAY_NAME: Field = text("display_name", "The name that the visitor sees").like("Kim");
const ROLE: Field = word("role", ROLES, "The agent's part").like("owner");
const SILENT: Field = boolean("silent", "Whether the visitor is not told").like("false");

/// Chats with visitors of web pages, and what customers think of them.
pub(super) const GROUP: Group = Group {
    title: "Chats",
    introduction: "A chat that waits for an agent is told of by `queue.joined` and `queue.left`, with \
                   `channel` chat.",
    common: COMMON.0,
    events: &[
        COMMON
            .durable(
                "chat.session.started",
                SUPERVISORS.and_team(&[Who::QueueMembers]).and_visitor(ALL),
                "A visitor opened a chat.",
                STARTED,
            )
            .planned(),
        COMMON
            .durable(
                "chat.session.assigned",
                to(&[Who::Oneself, Who::Supervisors, Who::QueueMembers]).and_visitor("the display name"),
                "A chat got an owner, its first or another.",
                &[
                    USER_ID,
                    text("previous_user_id", "The owner before").optional(),
                    word("by", ASSIGNERS, "How it was decided").like("routing"),
                    WAIT,
                ],
            )
            .planned(),
        COMMON
            .durable(
                "chat.agent.joined",
                PARTY_AND_SUPERVISORS.and_visitor("all of it, unless silent"),
                "An agent entered a chat: its owner, another agent, or a supervisor who speaks.",
                &[USER_ID, DISPLAY_NAME, ROLE, SILENT],
            )
            .planned(),
        COMMON
            .durable(
                "chat.agent.left",
                PARTY_AND_SUPERVISORS.and_visitor("all of it, unless silent"),
                "An agent left a chat.",
                &[
                    USER_ID,
                    DISPLAY_NAME,
                    ROLE,
                    SILENT,
                    word("reason", LEAVE_REASONS, "Why").like("transferred"),
                ],
            )
            .planned(),
        COMMON
            .durable(
                "chat.message",
                PARTY_AND_SUPERVISORS.and_visitor("all of it, unless internal"),
                "A message was stored.",
                MESSAGE,
            )
            .planned(),
        COMMON
            .durable(
                "chat.message.updated",
                PARTY.and_visitor(ALL),
                "A message was edited or removed. When one was delivered or read, the event is only of the \
             moment.",
                &[
                    MESSAGE_ID,
                    word("change", MESSAGE_CHANGES, "What happened to it").like("edited"),
                    text("by", "Who did it").like("user-456"),
                    text("text", "What it says now").optional().personal().like("It is on its way."),
                ],
            )
            .planned(),
        COMMON
            .ephemeral(
                "chat.typing",
                PARTY.and_visitor(ALL),
                "Somebody began to type, or stopped. Forget it after 5 s; the typist's own connection does \
             not get it.",
                &[
                    object("sender", &[SENDER_KIND, SENDER_ID], "Who"),
                    boolean("typing", "False when it stopped").like("true"),
                ],
            )
            .planned(),
        COMMON
            .durable(
                "chat.transferred",
                PARTY_AND_SUPERVISORS.and_visitor("that it happened"),
                "A chat went over to another agent or queue. Both agents get it.",
                &[
                    text("from_user_id", "The agent who had it").optional().like("user-456"),
                    object(
                        "to",
                        &[
                            word("kind", TARGETS, "What the target is").like("queue"),
                            text("id", "Its id").like("queue-web"),
                        ],
                        "The target",
                    ),
                    text("reason", "Why, in a word of the tenant's").optional(),
                    text("note", "What the next agent should know")
                        .optional()
                        .personal()
                        .like("Wants a copy by post"),
                ],
            )
            .planned(),
        COMMON
            .durable(
                "chat.session.ended",
                PARTY_AND_SUPERVISORS.and_visitor(ALL),
                "A chat was closed.",
                &[
                    word("ended_by", ENDS, "Who closed it").like("visitor"),
                    word("outcome", OUTCOMES, "How it went for the visitor").like("answered"),
                    WAIT,
                    seconds("duration_seconds", "From the beginning to the end").like("312"),
                    object(
                        "messages",
                        &[
                            integer("visitor", "Those of the visitor").like("6"),
                            integer("agent", "Those of agents").like("5"),
                        ],
                        "How many were written",
                    ),
                    seconds("first_response_seconds", "From the beginning to the first message of an agent")
                        .optional()
                        .like("21.5"),
                ],
            )
            .planned(),
        COMMON
            .durable(
                "chat.session.missed",
                SELF_AND_SUPERVISORS,
                "The agent whom a chat was given to did not react in time: it goes back to its queue.",
                &[USER_ID, seconds("offered_seconds", "How long the agent had it").like("60")],
            )
            .planned(),
        COMMON
            .ephemeral(
                "chat.visitor.presence",
                PARTY,
                "The visitor's last connection closed, or one came back.",
                &[
                    boolean("online", "Whether there is a connection").like("false"),
                    moment("last_seen_at", "When there last was one"),
                ],
            )
            .planned(),
        COMMON
            .durable(
                "csat.submitted",
                SUPERVISORS,
                "A customer rated a chat or a call.",
                &[
                    text("survey_id", "The questions").like("survey-1"),
                    text("call_id", "The call, if it is one").optional().like("call-42"),
                    text("session_id", "The chat, if it is one").optional(),
                    text("user_id", "The agent").optional().like("user-456"),
                    number("score", "The rating").like("4"),
                    number("scale_max", "The best one possible").like("5"),
                    text("comment", "In the customer's words")
                        .optional()
                        .personal()
                        .like("Quick and friendly"),
                ],
            )
            .planned(),
    ],
};
