//! What is said about the platform's links to others: the telephone system, and endpoints of webhooks.

use super::audience::{ADMINS, SUPERVISORS, to};
use super::definition::{Common, Group};
use super::field::{Field, Words, boolean, integer, moment, seconds, text, word};
use super::shared::{AT, BY, TENANT_ID};

const LOSSES: Words = Words::These(&["closed", "timeout", "auth_failed", "shutdown", "unreachable"]);
const DISABLED_REASONS: Words = Words::These(&["failures", "gone_410", "manual"]);

const COMMON: Common = Common(&[TENANT_ID]);
const CONNECTOR_ID: Field = text("connector_id", "The connection").like("connector-1");
const CONNECTOR_NAME: Field = text("name", "Its name").like("Head office");
const WEBHOOK_ID: Field = integer("webhook_id", "The webhook").like("12");
const URL_HOST: Field = text("url_host", "The host that it sends to").like("crm.example.com");

/// The telephone system.
pub(super) const TELEPHONE_SYSTEM: Group = Group {
    title: "Telephone system",
    introduction: "",
    common: COMMON.0,
    events: &[
        COMMON
            .durable(
                "connector.connected",
                SUPERVISORS,
                "The link to the telephone system is up, and what was missed meanwhile is made good.",
                &[
                    CONNECTOR_ID,
                    CONNECTOR_NAME,
                    AT,
                    seconds("outage_seconds", "How long it was away").optional().like("12.5"),
                    boolean("resynced", "Whether states were compared").like("true"),
                    integer("calls_recovered", "Calls that were found still going on").like("4"),
                    integer("calls_closed_unseen", "Calls that had ended meanwhile").like("1"),
                ],
            )
            .planned(),
        COMMON
            .durable(
                "connector.disconnected",
                SUPERVISORS,
                "The link to the telephone system is lost.",
                &[
                    CONNECTOR_ID,
                    CONNECTOR_NAME,
                    AT,
                    word("reason", LOSSES, "Why").like("closed"),
                    seconds("retry_in_seconds", "When it is tried again").optional().like("5"),
                ],
            )
            .planned(),
    ],
};

/// Webhooks.
pub(super) const WEBHOOKS: Group = Group {
    title: "Webhooks",
    introduction: "An endpoint never gets what is said about itself, save its test: a broken one cannot \
                   feed itself.",
    common: COMMON.0,
    events: &[
        COMMON.ephemeral(
            "webhook.test",
            to(&[]),
            "An admin tried the endpoint out. It is sent to that endpoint only, and stands in no log.",
            &[
                WEBHOOK_ID,
                text("requested_by", "The user, or the API key, that asked for it").like("user-1"),
                text("nonce", "Random, to know the test by").like("9f86d081884c7d659a2feaa0c55ad015"),
            ],
        ),
        COMMON.durable(
            "webhook.failing",
            ADMINS,
            "Five finished attempts in a row have failed; and again a day before the endpoint is switched \
             off.",
            &[
                WEBHOOK_ID,
                URL_HOST,
                integer("consecutive_failures", "Attempts in a row that have failed").like("5"),
                moment("first_failure_at", "When the first of them did"),
                integer("last_status", "The last answer's status; null if there was none")
                    .nullable()
                    .like("503"),
                text("last_error", "What went wrong last").like("answered 503 Service Unavailable"),
                moment("oldest_pending_at", "Since when the oldest delivery waits; null if none does")
                    .nullable(),
            ],
        ),
        COMMON.durable(
            "webhook.disabled",
            ADMINS,
            "Nothing is delivered to an endpoint any more: the platform has switched it off, or somebody by hand \
             (`manual`).",
            &[
                WEBHOOK_ID,
                URL_HOST,
                word("reason", DISABLED_REASONS, "Why").like("failures"),
                AT,
                integer("undelivered", "Deliveries that ended unsent").like("37"),
                moment("can_replay_until", "Until when the log can send it all again"),
            ],
        ),
        COMMON.durable(
            "webhook.enabled",
            ADMINS,
            "Delivery to an endpoint goes on: it was switched on again.",
            &[WEBHOOK_ID, BY, integer("backlog", "Deliveries that wait for it").like("0")],
        ),
    ],
};
