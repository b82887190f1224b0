//! Queues' numbers by day: each statement adds to what is there, so that nothing is ever counted by looking through calls.

use crate::asked::{self, Asked};
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
    place: i64,
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
    Row: place, offered, answered, answered_in_time, abandoned, short_abandoned, timed_out,
    answered_wait_ms, abandoned_wait_ms, max_wait_ms, handled, talk_ms, hold_ms, wrap_up_ms
);

impl Row {
    fn read(&self) -> Day {
        let count = |number: i64| u64::try_from(number).unwrap_or_default();
        Day {
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
        }
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

/// The numbers of these queues on the days asked for, each with its place; queues without any are left out.
pub async fn find(mut conn: Conn<'_>, all: &[Asked<'_>]) -> Result<Vec<(usize, Day)>> {
    let mut days = Vec::new();
    for part in asked::parts(all) {
        let join = asked::join(&conn, "queue_days d", "PRIMARY");
        let rows: Vec<Row> = on!(conn.again(), c => {
            let mut select = QueryBuilder::new("SELECT a.place, d.*");
            asked::push_from(&mut select, part);
            select.push(join).push("ON d.tenant_id = a.tenant_id AND d.queue_id = a.queue_id AND d.day = a.day");
            select.build_query_as().fetch_all(c).await
        })?;
        days.extend(rows.iter().map(|row| (asked::place(row.place), row.read())));
    }
    Ok(days)
}

/// Forgets a queue's numbers.
pub async fn delete(conn: Conn<'_>, tenant: &TenantId, queue: &QueueId) -> Result<()> {
    on!(conn, c => sqlx::query("DELETE FROM queue_days WHERE tenant_id = ? AND queue_id = ?")
        .bind(tenant.as_str()).bind(queue.as_str()).execute(c).await.map(|_| ()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Database, Store, migrate};

    #[tokio::test]
    async fn each_answer_names_its_place_however_many_are_asked() {
        let store = Store::connect(&Database::Sqlite(":memory:".into())).await.unwrap();
        migrate(&store).await.unwrap();
        let tenants = ["a", "b"].map(|id| TenantId::parse(id).unwrap());
        let queues: Vec<QueueId> = (0..400).map(|n| QueueId::parse(&format!("q{n}")).unwrap()).collect();
        let asked: Vec<Asked<'_>> = queues
            .iter()
            .flat_map(|queue| tenants.iter().map(move |tenant| Asked { tenant, queue, day: 7 }))
            .collect();
        let mut tx = store.begin().await.unwrap();
        let mut expected = Vec::new();
        for (place, one) in asked.iter().enumerate().filter(|(place, _)| place % 5 == 0) {
            let today = Day { offered: u64::try_from(place).unwrap() + 1, ..Day::default() };
            add(tx.conn(), one.tenant, one.queue, 7, &today).await.unwrap();
            add(tx.conn(), one.tenant, one.queue, 8, &Day { offered: 1, ..Day::default() }).await.unwrap();
            expected.push((place, today));
        }
        assert_eq!(find(tx.conn(), &asked).await.unwrap(), expected);
        assert_eq!(find(tx.conn(), &[]).await.unwrap(), []);
    }
}
