//! Tables that grow by a row a minute, or by one for what somebody did, each with an index by age.

use crate::{Conn, Result, on};
use model::Timestamp;
use sqlx::QueryBuilder;

/// Rows that go together.
const ROWS: i64 = 1000;

/// Such a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aging {
    /// Sign-ins, by when they run out.
    Sessions,
    /// Tickets for WebSockets, by when they run out.
    WsTickets,
    /// Publishing calls that were answered.
    IdempotencyKeys,
    /// What servers must forget.
    Revocations,
    /// Who came online and who went.
    PresenceEdges,
    /// Minutes of endpoints' statistics.
    WebhookRollups,
    /// Changes of agents' states.
    AgentHistory,
    /// Queues' numbers, by the day that they are of.
    QueueDays,
    /// Queues' numbers, by the minute that they are of.
    QueueMinutes,
    /// Agents' numbers, by the day that they are of.
    AgentDays,
}

const DAY_MS: i64 = 24 * 3600 * 1000;
const QUEUE_FIGURES: &str = "tenant_id, queue_id, span, number";

impl Aging {
    /// Name, primary key, and what the age is compared with, a column after the condition that there may be.
    fn parts(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Sessions => ("sessions", "tenant_id, id", "expires_at"),
            Self::WsTickets => ("ws_tickets", "tenant_id, ticket_hash", "expires_at"),
            Self::IdempotencyKeys => {
                ("idempotency_keys", "tenant_id, credential, idempotency_key", "created_at")
            }
            Self::Revocations => ("revocations", "id", "created_at"),
            Self::PresenceEdges => ("presence_edges", "id", "written_at"),
            Self::WebhookRollups => ("webhook_rollups", "tenant_id, webhook_id, minute_at", "minute_at"),
            Self::AgentHistory => ("agent_state_history", "tenant_id, user_id, version", "changed_at"),
            Self::QueueDays => ("queue_figures", QUEUE_FIGURES, "span = 'day' AND number"),
            Self::QueueMinutes => ("queue_figures", QUEUE_FIGURES, "span = 'minute' AND number"),
            Self::AgentDays => ("agent_days", "tenant_id, user_id, day", "day"),
        }
    }

    /// What its column for the age tells of that moment.
    fn age(self, moment: Timestamp) -> i64 {
        match self {
            Self::QueueDays | Self::AgentDays => moment.0.div_euclid(DAY_MS),
            Self::QueueMinutes => moment.minute(),
            _ => moment.0,
        }
    }
}

/// Removes up to a thousand rows, of all tenants, from before `before`; gives how many.
pub async fn prune(conn: Conn<'_>, table: Aging, before: Timestamp) -> Result<u64> {
    let (name, key, age) = table.parts();
    let (begin, end) = if conn.is_mysql() {
        (format!("DELETE FROM {name} WHERE {age} < "), "")
    } else {
        (format!("DELETE FROM {name} WHERE ({key}) IN (SELECT {key} FROM {name} WHERE {age} < "), ")")
    };
    on!(conn, c => {
        let mut delete = QueryBuilder::new(begin);
        delete.push_bind(table.age(before)).push(" LIMIT ").push_bind(ROWS).push(end);
        delete.build().execute(c).await.map(|done| done.rows_affected())
    })
}
