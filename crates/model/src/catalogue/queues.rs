//! What is said about queues, what waits in them, and their members.

use super::audience::{Audiences, SELF_AND_SUPERVISORS, SUPERVISORS, Who, to};
use super::definition::{Common, Group};
use super::field::{Field, Words, boolean, integer, moment, number, object, seconds, text, word, words_of};
use super::shared::{AT, BY, FROM, QUEUE_ID, TENANT_ID, USER_ID};
use crate::agents::Source;

const REASONS: Words = Words::These(&[
    "answered",
    "abandoned",
    "timeout",
    "exit_key",
    "empty",
    "transferred",
    "removed",
    "unknown",
]);
const SLA_KINDS: Words = Words::These(&["wait", "interval"]);
const MEMBERSHIPS: Words = Words::These(&["static", "dynamic", "realtime"]);

const MASKED_FOR_MEMBERS: Audiences = SUPERVISORS.and_team(&[Who::QueueMembers]);

/// Everyone in the tenant learns a queue's id and name, and no more.
const SETTINGS: Audiences = SUPERVISORS.and_team(&[Who::Tenant]);
const SETTINGS_FIELDS: &[Field] = &[Field { team: false, ..CHANNEL }, Field { team: false, ..AT }];

const CHANNEL: Field =
    word("channel", Words::These(&["voice", "chat"]), "What waits in it").team().like("voice");

const COMMON: Common =
    Common(&[QUEUE_ID, text("queue_name", "Its name").team().like("Sales"), TENANT_ID, CHANNEL, AT]);

const ENTRY: Field = text("entry_id", "This stay in the queue").team().like("entry-5");
const CALL_ID: Field = text("call_id", "The call that waits, if it is one").optional().team().like("call-42");
const CHAT_ID: Field = text("session_id", "The chat that waits, if it is one").optional().team();
const SIZE: Field = integer("size", "How many wait now").team();
const WAITING: Field = integer("waiting", "How many wait now").like("3");
const THRESHOLD: Field = seconds("threshold_seconds", "The queue's limit for a wait").like("20");
const TARGET: Field =
    number("target_percent", "How many of a hundred are to be answered within it").optional().like("80");
const VALUE: Field = number("value", "The wait in seconds, or the interval's service level in percent");

const JOINED: &[Field] = &[
    ENTRY,
    CALL_ID,
    CHAT_ID,
    integer("position", "Its place in the queue, 1 is the next").team().like("3"),
    SIZE.like("3"),
    integer("priority", "Its priority, where the queue has any").planned().team(),
    FROM.optional(),
];

const LEFT: &[Field] = &[
    ENTRY,
    CALL_ID,
    CHAT_ID,
    word("reason", REASONS, "Why").team().like("answered"),
    seconds("wait_seconds", "How long it waited").team().like("11.25"),
    integer("position", "Its last place in the queue").team().like("1"),
    SIZE.like("2"),
];

const ENDED: &[Field] = &[
    integer("offered", "Stays that ended").like("120"),
    integer("answered", "Of these: answered").like("104"),
    integer("abandoned", "The caller hung up after the limit for short ones").like("9"),
    integer("short_abandoned", "The caller hung up before it; in no rate").like("3"),
    integer("timed_out", "Left the queue without an answer, the caller still there").like("4"),
    number(
        "service_level_percent",
        "Good ones, of all but the short ones; null if there are none. Good are those answered within the threshold, and \
         where `service_level_counts` says so those given up within it",
    )
    .nullable()
    .like("82.1"),
    integer("threshold_seconds", "That threshold").like("20"),
    number("abandonment_percent", "Abandoned, of all but the short ones; null if there are none")
        .nullable()
        .like("7.7"),
    seconds("average_abandon_seconds", "The average wait of the abandoned; null if there are none")
        .nullable()
        .like("31.5"),
    seconds("asa_seconds", "The average wait of the answered; null if there are none")
        .nullable()
        .like("14.2"),
    seconds("aht_seconds", "The average of talk, hold and wrap-up by leg; null if there are none")
        .nullable()
        .like("205.75"),
    seconds("max_wait_seconds", "The longest wait").like("97"),
];

const STATS: &[Field] = &[
    WAITING,
    seconds("longest_wait_seconds", "How long the oldest has waited, at `at`").like("34.5"),
    moment("oldest_joined_at", "Since when the oldest waits: count from here")
        .optional()
        .like("2026-11-25T16:56:18.623Z"),
    object(
        "agents",
        &[
            integer("available", "Ready").like("2"),
            integer("ringing", "Being rung").like("1"),
            integer("on_call", "In a call").like("4"),
            integer("wrap_up", "Finishing up").like("1"),
            integer("paused", "Paused in this queue").like("0"),
            integer("offline", "Not on duty").like("3"),
        ],
        "The queue's members by state",
    ),
    object("today", ENDED, "What has ended since midnight in the tenant's time zone"),
    object("last_30_minutes", ENDED, "The same for the present minute and the 29 before it"),
];

const PAUSE_REASON: Field = text("reason", "Why, in a word of the tenant's").optional().like("training");
const PAUSE_SOURCE: Field = word("source", words_of!(Source), "Who or what did it").team().like("supervisor");

/// Queues: waiting, numbers, members, settings.
pub(super) const GROUP: Group = Group {
    title: "Queues",
    introduction: "Each stay in a queue is an entry of its own: a call that overflows, or is transferred \
                   back, has several. Members of a queue see what waits there, but of callers only the \
                   last two digits.",
    common: COMMON.0,
    events: &[
        COMMON.durable("queue.joined", MASKED_FOR_MEMBERS, "A call or chat began to wait.", JOINED),
        COMMON.durable(
            "queue.left",
            MASKED_FOR_MEMBERS,
            "A call or chat stopped waiting, for whatever reason.",
            LEFT,
        ),
        COMMON.ephemeral(
            "queue.stats",
            to(&[Who::QueueMembers, Who::Supervisors]),
            "The queue's numbers changed: at most once a second, at least every 10 s while something \
             waits, and once right after a subscription to it.",
            STATS,
        ),
        COMMON
            .durable(
                "queue.sla.breached",
                SUPERVISORS,
                "A wait passed the queue's threshold, or the interval's service level fell under its target.",
                &[
                    word("kind", SLA_KINDS, "Which of the two").like("wait"),
                    THRESHOLD,
                    TARGET,
                    VALUE.like("20.5"),
                    text("entry_id", "The stay whose wait it is").optional().like("entry-5"),
                    WAITING,
                ],
            )
            .planned(),
        COMMON
            .durable(
                "queue.sla.recovered",
                SUPERVISORS,
                "The interval's service level is back at its target.",
                &[
                    word("kind", SLA_KINDS, "Which of the two it was: only intervals recover")
                        .like("interval"),
                    THRESHOLD,
                    TARGET,
                    VALUE.like("80.4"),
                    WAITING,
                ],
            )
            .planned(),
        COMMON.durable(
            "queue.member.added",
            SUPERVISORS.and_team(&[Who::Oneself, Who::QueueMembers]),
            "An agent became a member of the queue.",
            &[
                USER_ID,
                text("interface", "The member's telephone, in the telephone system's own words").planned(),
                integer("penalty", "Members with a lower one are offered calls first").team().like("0"),
                word("membership", MEMBERSHIPS, "Where the membership comes from").team().like("dynamic"),
                boolean("paused", "Whether the member begins paused").team().like("false"),
                BY,
            ],
        ),
        COMMON.durable(
            "queue.member.removed",
            to(&[Who::Oneself, Who::Supervisors, Who::QueueMembers]),
            "An agent is no longer a member of the queue.",
            &[
                USER_ID,
                BY,
                boolean("while_on_call", "Whether in a call of this queue, which goes on").like("false"),
            ],
        ),
        COMMON.durable(
            "queue.member.paused",
            SELF_AND_SUPERVISORS.and_team(&[Who::QueueMembers]),
            "A member was paused in this queue.",
            &[USER_ID, PAUSE_REASON, PAUSE_SOURCE, BY],
        ),
        COMMON.durable(
            "queue.member.unpaused",
            SELF_AND_SUPERVISORS.and_team(&[Who::QueueMembers]),
            "A member's pause in this queue ended.",
            &[
                USER_ID,
                PAUSE_REASON,
                PAUSE_SOURCE,
                BY,
                seconds("paused_seconds", "How long it lasted").team().like("600"),
            ],
        ),
        COMMON
            .durable(
                "queue.member.updated",
                SELF_AND_SUPERVISORS,
                "A member's settings in this queue changed.",
                &[
                    USER_ID,
                    integer("penalty", "Members with a lower one are offered calls first")
                        .optional()
                        .like("1"),
                    boolean("ring_in_use", "Whether it is rung although in a call").optional(),
                ],
            )
            .planned(),
        COMMON.durable("queue.created", SETTINGS, "A queue was set up.", SETTINGS_FIELDS),
        COMMON.durable("queue.updated", SETTINGS, "A queue's settings changed.", SETTINGS_FIELDS),
        COMMON.durable("queue.deleted", SETTINGS, "A queue was removed.", SETTINGS_FIELDS),
    ],
};
