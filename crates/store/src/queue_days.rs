//! Queues' numbers by day: each statement adds to what is there, so that nothing is ever counted by looking through calls.

use crate::queues::queue_id;
use crate::rows::padded;
use crate::{Conn, Result, from_row, on};
use model::queues::Day;
use model::{QueueId, TenantId};
use sqlx::QueryBuilder;

/// The columns that are sums, in the order of [`sums`].
const SUMS: [&str; 12] = [
    "offered",
    "answered",
    "answered_in_time",
    "abandoned",
    "short_abandoned",
    "timed_out",
    "answered_wait_ms",
    "abandoned_wait_ms",
    "handled",
    "talk_ms",
    "hold_ms",
    "wrap_up_ms",
];

fn sums(day: &Day) -> [u64; 12] {
    [
        day.offered,
        day.answered,
        day.answered_in_time,
        day.abandoned,
        day.short_abandoned,
        day.timed_out,
        day.answered_wait_ms,
        day.abandoned_wait_ms,
        day.handled,
        day.talk_ms,
        day.hold_ms,
        day.wrap_up_ms,
    ]
}

struct Row {
    queue_id: String,
    offered: i64,
    answered: i64,
    answered_in_time: i64,
    abandoned: i64,
    short_abandoned: i64,
    timed_out: i64,
    answered_wait_ms: i64,
    abandoned_wait_ms: i64,
    max_wait_ms: i64,
    handled: i64,
    talk_ms: i64,
    hold_ms: i64,
    wrap_up_ms: i64,
}

from_row!(
    Row: queue_id, offered, answered, answered_in_time, abandoned, short_abandoned, timed_out,
    answered_wait_ms, abandoned_wait_ms, max_wait_ms, handled, talk_ms, hold_ms, wrap_up_ms
);

impl Row {
    fn read(self) -> Result<(QueueId, Day)> {
        let count = |number: i64| u64::try_from(number).unwrap_or_default();
        let day = Day {
            offered: count(self.offered),
            answered: count(self.answered),
            answered_in_time: count(self.answered_in_time),
            abandoned: count(self.abandoned),
            short_abandoned: count(self.short_abandoned),
            timed_out: count(self.timed_out),
            answered_wait_ms: count(self.answered_wait_ms),
            abandoned_wait_ms: count(self.abandoned_wait_ms),
            max_wait_ms: count(self.max_wait_ms),
            handled: count(self.handled),
            talk_ms: count(self.talk_ms),
            hold_ms: count(self.hold_ms),
            wrap_up_ms: count(self.wrap_up_ms),
        };
        Ok((queue_id(&self.queue_id)?, day))
    }
}

/// Adds `more` to a queue's numbers of a day, counted from 1970-01-01.
pub async fn add(conn: Conn<'_>, tenant: &TenantId, queue: &QueueId, day: i64, more: &Day) -> Result<()> {
    let is_mysql = conn.is_mysql();
    let new = |column: &str| match is_mysql {
        true => format!("VALUES({column})"),
        false => format!("excluded.{column}"),
    };
    let (on_known, greatest) = if is_mysql {
        (" ON DUPLICATE KEY UPDATE ", "GREATEST")
    } else {
        (" ON CONFLICT (tenant_id, queue_id, day) DO UPDATE SET ", "MAX")
    };
    let add = |column: &&str| format!("{column} = {column} + {}", new(column));
    let adding: Vec<String> = SUMS.iter().map(add).collect();
    let database = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    on!(conn, c => {
        let mut insert = QueryBuilder::new("INSERT INTO queue_days (tenant_id, queue_id, day, max_wait_ms, ");
        insert.push(SUMS.join(", ")).push(") ");
        insert.push_values([more], |mut row, more| {
            row.push_bind(tenant.as_str()).push_bind(queue.as_str()).push_bind(day).push_bind(database(more.max_wait_ms));
            for sum in sums(more) {
                row.push_bind(database(sum));
            }
        });
        insert.push(on_known).push(adding.join(", "));
        insert.push(format!(", max_wait_ms = {greatest}(max_wait_ms, {})", new("max_wait_ms")));
        insert.build().execute(c).await.map(|_| ())
    })
}

/// The numbers of these queues on a day; queues without any are left out.
pub async fn find(
    conn: Conn<'_>,
    tenant: &TenantId,
    queues: &[QueueId],
    day: i64,
) -> Result<Vec<(QueueId, Day)>> {
    if queues.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<Row> = on!(conn, c => {
        let mut select = QueryBuilder::new("SELECT * FROM queue_days WHERE tenant_id = ");
        select.push_bind(tenant.as_str()).push(" AND day = ").push_bind(day).push(" AND queue_id IN (");
        let mut list = select.separated(", ");
        for queue in padded(queues) {
            list.push_bind(queue.as_str());
        }
        select.push(")");
        select.build_query_as().fetch_all(c).await
    })?;
    rows.into_iter().map(Row::read).collect()
}

/// Forgets a queue's numbers.
pub async fn delete(conn: Conn<'_>, tenant: &TenantId, queue: &QueueId) -> Result<()> {
    on!(conn, c => sqlx::query("DELETE FROM queue_days WHERE tenant_id = ? AND queue_id = ?")
        .bind(tenant.as_str()).bind(queue.as_str()).execute(c).await.map(|_| ()))
}
