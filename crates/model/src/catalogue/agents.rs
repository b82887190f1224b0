//! What is said about agents.

use super::audience::{SELF_AND_SUPERVISORS, SUPERVISORS, Who};
use super::definition::{Common, Group};
use super::field::{Field, Kind, Words, boolean, integer, list, moment, seconds, text, word, words_of};
use super::shared::{AT, TENANT_ID, USER_ID};
use crate::agents::{LogoutReason, Source, State};

const STATES: Words = words_of!(State);

const COMMON: Common = Common(&[USER_ID, TENANT_ID]);

const VERSION: Field =
    integer("version", "The agent's own count of changes: drop what is not newer than what you have");

const STATE_CHANGED: &[Field] = &[
    word("state", STATES, "The state that begins").team().like("on_call"),
    word(
        "previous_state",
        STATES,
        "The state that ends; the same as `state` if only the reason, the call or `until` changed",
    )
    .team()
    .like("ringing"),
    text("reason", "Why, in a word of the tenant's or the platform's, such as lunch or missed_call")
        .optional(),
    word("source", words_of!(Source), "Who or what changed it").like("telephony"),
    text("changed_by", "The user, or the API key, that did, if `source` is self or supervisor").optional(),
    moment("changed_at", "When the state began").team(),
    seconds("previous_state_seconds", "How long the state before lasted").like("6.25"),
    boolean("routable", "Whether the agent may be offered voice work now").like("false"),
    text("call_id", "The call that makes the agent ringing, on_call or wrap_up").optional().like("call-42"),
    text("session_id", "The chat, if one is the cause").optional(),
    moment("until", "When the state ends by itself, as wrap_up does").optional(),
    VERSION.team().like("17"),
];

/// Agents: what they are, and when they come and go.
pub(super) const GROUP: Group = Group {
    title: "Agents",
    introduction: "An agent has one state that everyone sees. While a call rings, lasts or is wrapped up, \
                   the call decides it; else the agent does.",
    common: COMMON.0,
    events: &[
        COMMON.durable(
            "agent.state.changed",
            SELF_AND_SUPERVISORS.and_team(&[Who::Tenant]),
            "An agent's public state changed, or its reason, or the call or the end that go with it.",
            STATE_CHANGED,
        ),
        COMMON.durable(
            "agent.state.pending",
            SELF_AND_SUPERVISORS,
            "A state was chosen during a call or its wrap-up and will take effect afterwards; or that \
             wish was withdrawn.",
            &[
                word("state", STATES, "The state wished for; null if the wish is withdrawn")
                    .nullable()
                    .like("break"),
                text("reason", "Why, in a word of the tenant's").optional().like("lunch"),
                text("requested_by", "The user, or the API key, that wishes it").like("user-456"),
                moment("requested_at", "When it was wished"),
                VERSION.like("18"),
            ],
        ),
        COMMON.durable(
            "agent.login",
            SUPERVISORS.and_team(&[Who::Oneself]),
            "An agent came on duty; `agent.state.changed` follows.",
            &[
                AT,
                word("state", STATES, "The state on duty").team().like("available"),
                list("queue_ids", &Kind::Text, "The queues of which the agent is a member")
                    .team()
                    .like("queue-sales"),
                text("session_id", "The sign-in by which it was done")
                    .optional()
                    .team()
                    .like("0199d7c8-2f3b-7a41-b0a5-6b8e8f0d3c11"),
                text("device", "The agent's telephone, in the telephone system's own words").planned(),
            ],
        ),
        COMMON.durable(
            "agent.logout",
            SELF_AND_SUPERVISORS,
            "An agent's duty ended; `agent.state.changed` came before it.",
            &[
                AT,
                word("reason", words_of!(LogoutReason), "Why").like("self"),
                seconds("duty_seconds", "How long the duty lasted").like("28800.5"),
            ],
        ),
    ],
};
