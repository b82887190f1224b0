//! Queues' numbers by day and by minute.

use crate::asked::{self, Asked};
use crate::hints::use_index;
use crate::rows::{padded, parts, push_in};
use crate::sums::{add_to_known, read, stored};
use crate::{Conn, Result, from_row, on};
use model::queues::Figures;
use model::{Handling, QueueId, TenantId};
use sqlx::QueryBuilder;

/// The columns that are sums, in the order of [`sums`].
const SUMS: [&str; 13] = [
    "offered",
    "answered",
    "answered_in_time",
    "abandoned",
    "abandoned_in_time",
    "short_abandoned",
    "timed_out",
    "answered_wait_ms",
    "abandoned_wait_ms",
    "handled",
    "talk_ms",
    "hold_ms",
    "wrap_up_ms",
];

fn sums(figures: &Figures) -> [u64; 13] {
    [
        figures.offered,
        figures.answered,
        figures.answered_in_time,
        figures.abandoned,
        figures.abandoned_in_time,
        figures.short_abandoned,
        figures.timed_out,
        figures.answered_wait_ms,
        figures.abandoned_wait_ms,
        figures.handling.legs,
        figures.handling.talk_ms,
        figures.handling.hold_ms,
        figures.handling.wrap_up_ms,
    ]
}

/// What a row's numbers are of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Span {
    /// A day of the tenant's, counted from 1970-01-01.
    Day(i64),
    /// A minute, counted from 1970-01-01 in UTC.
    Minute(i64),
}

impl Span {
    fn parts(self) -> (&'static str, i64) {
        match self {
            Self::Day(number) => ("day", number),
            Self::Minute(number) => ("minute", number),
        }
    }
}

struct Row {
    place: i64,
    offered: i64,
    answered: i64,
    answered_in_time: i64,
    abandoned: i64,
    abandoned_in_time: i64,
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
    Row: place, offered, answered, answered_in_time, abandoned, abandoned_in_time, short_abandoned, timed_out,
    answered_wait_ms, abandoned_wait_ms, max_wait_ms, handled, talk_ms, hold_ms, wrap_up_ms
);

impl Row {
    fn read(&self) -> (usize, Figures) {
        let figures = Figures {
            offered: read(self.offered),
            answered: read(self.answered),
            answered_in_time: read(self.answered_in_time),
            abandoned: read(self.abandoned),
            abandoned_in_time: read(self.abandoned_in_time),
            short_abandoned: read(self.short_abandoned),
            timed_out: read(self.timed_out),
            answered_wait_ms: read(self.answered_wait_ms),
            abandoned_wait_ms: read(self.abandoned_wait_ms),
            max_wait_ms: read(self.max_wait_ms),
            handling: Handling {
                legs: read(self.handled),
                talk_ms: read(self.talk_ms),
                hold_ms: read(self.hold_ms),
                wrap_up_ms: read(self.wrap_up_ms),
            },
        };
        (asked::place(self.place), figures)
    }
}

/// What is to be added to a queue's numbers of an interval.
pub type More<'a> = (&'a TenantId, &'a QueueId, Span, Figures);

/// Adds to queues' numbers. Rows are locked in the order of `all`.
pub async fn add(mut conn: Conn<'_>, all: &[More<'_>]) -> Result<()> {
    for part in parts(all) {
        let add = add_to_known(&conn, "tenant_id, queue_id, span, number", &SUMS, &["max_wait_ms"]);
        on!(conn.again(), c => {
            let mut insert = QueryBuilder::new("INSERT INTO queue_figures (tenant_id, queue_id, span, number, max_wait_ms, ");
            insert.push(SUMS.join(", ")).push(") ");
            insert.push_values(part, |mut row, (tenant, queue, span, more)| {
                let (span, number) = span.parts();
                row.push_bind(tenant.as_str()).push_bind(queue.as_str()).push_bind(span).push_bind(number);
                row.push_bind(stored(more.max_wait_ms));
                for sum in sums(more) {
                    row.push_bind(stored(sum));
                }
            });
            insert.push(&add);
            insert.build().execute(c).await.map(|_| ())
        })?;
    }
    Ok(())
}

/// The numbers of these queues on the days asked for, each with its place; queues without any are left out.
pub async fn of_days(mut conn: Conn<'_>, all: &[Asked<'_>]) -> Result<Vec<(usize, Figures)>> {
    let mut found = Vec::new();
    for part in asked::parts(all) {
        let join = asked::join(&conn, "queue_figures f", "PRIMARY");
        let rows: Vec<Row> = on!(conn.again(), c => {
            let mut select = QueryBuilder::new("SELECT a.place, f.*");
            asked::push_from(&mut select, part);
            select.push(join).push("ON f.tenant_id = a.tenant_id AND f.queue_id = a.queue_id AND f.span = 'day'
                AND f.number = a.day");
            select.build_query_as().fetch_all(c).await
        })?;
        found.extend(rows.iter().map(Row::read));
    }
    Ok(found)
}

/// The numbers of these queues over the minutes from `minute` on, as [`of_days`] gives those of days.
pub async fn since_minute(
    mut conn: Conn<'_>,
    all: &[Asked<'_>],
    minute: i64,
) -> Result<Vec<(usize, Figures)>> {
    let sum = |column: &str| format!("CAST(SUM(f.{column}) AS SIGNED) AS {column}");
    let sums = SUMS.map(sum).join(", ");
    let mut found = Vec::new();
    for part in asked::parts(all) {
        let join = asked::join(&conn, "queue_figures f", "PRIMARY");
        let rows: Vec<Row> = on!(conn.again(), c => {
            let mut select = QueryBuilder::new("SELECT a.place, MAX(f.max_wait_ms) AS max_wait_ms, ");
            select.push(&sums);
            asked::push_from(&mut select, part);
            select.push(join).push("ON f.tenant_id = a.tenant_id AND f.queue_id = a.queue_id AND f.span = 'minute'
                AND f.number >= ").push_bind(minute).push(" GROUP BY a.place");
            select.build_query_as().fetch_all(c).await
        })?;
        found.extend(rows.iter().map(Row::read));
    }
    Ok(found)
}

/// The queues of these tenants that have numbers of the minutes from `first` until before `end`.
pub async fn of_minutes(
    conn: Conn<'_>,
    tenants: &[TenantId],
    first: i64,
    end: i64,
) -> Result<Vec<(TenantId, QueueId)>> {
    if tenants.is_empty() {
        return Ok(Vec::new());
    }
    // By age there are few, however many the tenants' queues have in all.
    let by_age = use_index(conn.is_mysql(), "queue_figures_age");
    let rows: Vec<(String, String)> = on!(conn, c => {
        let mut select = QueryBuilder::new("SELECT DISTINCT tenant_id, queue_id FROM queue_figures");
        select.push(&by_age).push(" WHERE span = 'minute' AND number >= ").push_bind(first);
        select.push(" AND number < ").push_bind(end);
        push_in(&mut select, " AND tenant_id", padded(tenants).map(TenantId::as_str));
        select.build_query_as().fetch_all(c).await
    })?;
    // An id that cannot be read is no queue's, and keeps no other tenant's from being found.
    let read = |(tenant, queue): (String, String)| {
        Some((TenantId::parse(&tenant).ok()?, QueueId::parse(&queue).ok()?))
    };
    Ok(rows.into_iter().filter_map(read).collect())
}

/// Forgets a queue's numbers.
pub async fn delete(conn: Conn<'_>, tenant: &TenantId, queue: &QueueId) -> Result<()> {
    on!(conn, c => sqlx::query("DELETE FROM queue_figures WHERE tenant_id = ? AND queue_id = ?")
        .bind(tenant.as_str()).bind(queue.as_str()).execute(c).await.map(|_| ()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Database, Store, migrate};

    fn offered(count: usize, max_wait_ms: u64) -> Figures {
        Figures { offered: u64::try_from(count).unwrap(), max_wait_ms, ..Figures::default() }
    }

    async fn store() -> Store {
        let store = Store::connect(&Database::Sqlite(":memory:".into())).await.unwrap();
        migrate(&store).await.unwrap();
        store
    }

    #[tokio::test]
    async fn each_answer_names_its_place_however_many_are_asked() {
        let store = store().await;
        let tenants = ["a", "b"].map(|id| TenantId::parse(id).unwrap());
        let queues: Vec<QueueId> = (0..400).map(|n| QueueId::parse(&format!("q{n}")).unwrap()).collect();
        let asked: Vec<Asked<'_>> = queues
            .iter()
            .flat_map(|queue| tenants.iter().map(move |tenant| Asked { tenant, queue, day: 7 }))
            .collect();
        let some = || asked.iter().enumerate().filter(|(place, _)| place % 5 == 0);
        let more: Vec<More<'_>> = some()
            .flat_map(|(place, one)| {
                let of = |span, figures| (one.tenant, one.queue, span, figures);
                [
                    of(Span::Day(7), offered(place + 1, 0)),
                    of(Span::Day(8), offered(1, 0)),
                    of(Span::Minute(7), offered(2, 0)),
                ]
            })
            .collect();
        let mut tx = store.begin().await.unwrap();
        add(tx.conn(), &more).await.unwrap();
        let days: Vec<_> = some().map(|(place, _)| (place, offered(place + 1, 0))).collect();
        assert_eq!(of_days(tx.conn(), &asked).await.unwrap(), days);
        let minutes: Vec<_> = some().map(|(place, _)| (place, offered(2, 0))).collect();
        assert_eq!(since_minute(tx.conn(), &asked, 7).await.unwrap(), minutes);
        assert_eq!(of_days(tx.conn(), &[]).await.unwrap(), []);
    }

    #[tokio::test]
    async fn what_is_added_grows_and_minutes_add_up_from_the_first_that_counts() {
        let store = store().await;
        let (tenant, queue) = (TenantId::parse("a").unwrap(), QueueId::parse("q").unwrap());
        let mut tx = store.begin().await.unwrap();
        for (minute, count, wait) in [(99, 50, 900), (100, 1, 30), (100, 2, 20), (129, 4, 10)] {
            let more = (&tenant, &queue, Span::Minute(minute), offered(count, wait));
            add(tx.conn(), &[more]).await.unwrap();
        }
        let asked = [Asked { tenant: &tenant, queue: &queue, day: 0 }];
        assert_eq!(since_minute(tx.conn(), &asked, 100).await.unwrap(), [(0, offered(7, 30))]);
        assert_eq!(since_minute(tx.conn(), &asked, 129).await.unwrap(), [(0, offered(4, 10))]);
        assert_eq!(since_minute(tx.conn(), &asked, 130).await.unwrap(), []);
        let with = |tenants: &[&str], first, end| {
            let tenants: Vec<TenantId> = tenants.iter().map(|id| TenantId::parse(id).unwrap()).collect();
            (tenants, first, end)
        };
        for ((tenants, first, end), found) in [
            (with(&["a", "b", "c"], 99, 101), 1),
            (with(&["b"], 99, 101), 0),
            (with(&["a"], 101, 129), 0),
            (with(&["a"], 129, 130), 1),
            (with(&[], 0, 999), 0),
        ] {
            let queues = of_minutes(tx.conn(), &tenants, first, end).await.unwrap();
            assert_eq!(queues, vec![(tenant.clone(), queue.clone()); found]);
        }
    }
}
