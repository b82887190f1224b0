//! What is said about users, to users, and about the platform's own health.

use super::audience::{SUPERVISORS, TENANT, Who, to};
use super::definition::{Common, Group};
use super::field::{Field, Kind, Words, integer, list, moment, number, object, text, word};
use super::shared::{AT, TENANT_ID};
use crate::Role;

const OFFLINE_REASONS: Words = Words::These(&["closed", "timeout", "revoked"]);
const LEVELS: Words = Words::These(&["info", "success", "warning", "error", "critical"]);
const SEVERITIES: Words = Words::These(&["info", "warning", "critical"]);
const ALERT_STATES: Words = Words::These(&["firing", "resolved"]);
const USER_ROLES: Words = Words::Of(|| Role::USERS.map(Role::as_str).to_vec());

const COMMON: Common = Common(&[TENANT_ID]);
const USER: Field = text("user_id", "The user").team().like("user-456");

/// What something is about.
const THING: &[Field] = &[text("kind", "What it is").like("queue"), text("id", "Its id").like("queue-sales")];

/// Users, notices and alerts.
pub(super) const GROUP: Group = Group {
    title: "Users and notices",
    introduction: "Being online is not being on duty: a supervisor is online without duty, and an agent \
                   with a desk telephone is on duty without a browser.",
    common: COMMON.0,
    events: &[
        COMMON.ephemeral(
            "user.online",
            TENANT,
            "A user's first real-time connection opened.",
            &[USER, AT, integer("connections", "How many there are").like("1")],
        ),
        COMMON.ephemeral(
            "user.offline",
            TENANT,
            "A user's last real-time connection has been gone for 5 s.",
            &[
                USER,
                AT,
                moment("last_seen_at", "When it went"),
                word("reason", OFFLINE_REASONS, "Why").like("closed"),
            ],
        ),
        COMMON.durable(
            "user.updated",
            to(&[Who::Oneself, Who::Admins]).and_team(&[Who::Tenant]),
            "A user's name, role, teams or rights changed.",
            &[
                USER,
                list("changed", &Kind::Text, "The fields that changed").like("name"),
                text("name", "The name, if it changed").optional().team().like("Kim Jensen"),
                word("role", USER_ROLES, "The role, if it changed").optional(),
            ],
        )
        .planned(),
        COMMON.durable(
            "notification",
            to(&[Who::Addressee]),
            "A message for one user. Messages to several are one event for each.",
            &[
                text("notification_id", "The message").like("notification-31"),
                USER,
                word("level", LEVELS, "How much it matters").like("info"),
                text("title", "Its title").like("Meeting at three"),
                text("body", "Its text").optional().like("In the small room."),
                object("link", THING, "What it is about").optional(),
                text("dedupe_key", "Messages with the same one replace each other").optional(),
                moment("expires_at", "When it no longer matters").optional(),
            ],
        )
        .planned(),
        COMMON.durable(
            "alert",
            SUPERVISORS,
            "A condition that somebody should look after began, changed or cleared.",
            &[
                text("alert_id", "The same from its beginning to its end").like("alert-4"),
                text(
                    "code",
                    "Which condition: queue.wait_over, queue.no_agents, connector.down, webhook.disabled …",
                )
                .like("queue.no_agents"),
                word("severity", SEVERITIES, "How bad it is").like("warning"),
                word("state", ALERT_STATES, "Whether it holds").like("firing"),
                text("message", "The same, for people").like("Nobody is available in Sales"),
                object("resource", THING, "What it is about").optional(),
                number("value", "The number that is too large or too small").optional(),
                moment("since", "Since when"),
            ],
        )
        .planned(),
    ],
};
