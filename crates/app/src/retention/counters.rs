//! Counts what was removed, for whoever shows it.

use model::Timestamp;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};
use store::retention::Aging;

/// The tables that are pruned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Table {
    Events,
    WebhookLogs,
    WebhookAttempts,
    WebhookRollups,
    AgentHistory,
    Calls,
    IdempotencyKeys,
    PresenceEdges,
    QueueDays,
    QueueMinutes,
    AgentDays,
    Revocations,
    Sessions,
    WsTickets,
}

/// Their names, in the order of [`Table`].
const NAMES: [&str; 14] = [
    "events",
    "webhook_logs",
    "webhook_attempts",
    "webhook_rollups",
    "agent_state_history",
    "calls",
    "idempotency_keys",
    "presence_edges",
    "queue_days",
    "queue_minutes",
    "agent_days",
    "revocations",
    "sessions",
    "ws_tickets",
];

impl From<Aging> for Table {
    fn from(table: Aging) -> Self {
        match table {
            Aging::Sessions => Self::Sessions,
            Aging::WsTickets => Self::WsTickets,
            Aging::IdempotencyKeys => Self::IdempotencyKeys,
            Aging::PresenceEdges => Self::PresenceEdges,
            Aging::Revocations => Self::Revocations,
            Aging::WebhookRollups => Self::WebhookRollups,
            Aging::AgentHistory => Self::AgentHistory,
            Aging::QueueDays => Self::QueueDays,
            Aging::QueueMinutes => Self::QueueMinutes,
            Aging::AgentDays => Self::AgentDays,
        }
    }
}

/// What was removed since the start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pruned {
    /// Rows by table.
    pub rows: [(&'static str, u64); NAMES.len()],
    /// When the last round that came to its end began; none if there was none here.
    pub last_run_at: Option<Timestamp>,
}

/// The counters behind [`Pruned`].
#[derive(Debug, Default)]
pub(super) struct Counters {
    rows: [AtomicU64; NAMES.len()],
    /// 0 for never.
    last_run_at: AtomicI64,
}

impl Counters {
    pub(super) fn add(&self, table: Table, rows: u64) {
        self.rows[table as usize].fetch_add(rows, Relaxed);
    }

    pub(super) fn ran(&self, at: Timestamp) {
        self.last_run_at.store(at.0, Relaxed);
    }

    pub(super) fn read(&self) -> Pruned {
        let mut rows = NAMES.map(|name| (name, 0));
        for (shown, counter) in rows.iter_mut().zip(&self.rows) {
            shown.1 = counter.load(Relaxed);
        }
        let last = self.last_run_at.load(Relaxed);
        Pruned { rows, last_run_at: (last > 0).then_some(Timestamp(last)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_table_counts_under_its_own_name() {
        let counters = Counters::default();
        assert_eq!(counters.read().last_run_at, None);
        counters.add(Table::Sessions, 3);
        counters.add(Aging::WebhookRollups.into(), 2);
        counters.add(Table::Events, 1);
        let counted: Vec<_> = counters.read().rows.into_iter().filter(|(_, rows)| *rows > 0).collect();
        assert_eq!(counted, [("events", 1), ("webhook_rollups", 2), ("sessions", 3)]);
    }
}
