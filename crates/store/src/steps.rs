//! Which endpoints an index has rows of, stepping from one to the next, so that a million rows of one cost what one costs.
//!
//! SQLite looks for the next endpoint from the last one on, in one statement. MySQL and MariaDB cannot, and whether they step for
//! a GROUP BY along the index depends on statistics that are old where a table grows fast: they then read every row. So
//! they are asked for a few rows at a time, and for what lies between the endpoints that are known already.
//!
//! These statements are sent as text: they are hardly ever the same, and to close a prepared one costs 40 ms (`db::STATEMENTS`).

use crate::hints::use_index;
use crate::{Conn, Result, on};
use model::WebhookId;
use sqlx::{AssertSqlSafe, Row};
use std::collections::BTreeSet;

/// Rows that one statement reads on MySQL: many endpoints where each has few rows, and not much wasted where one has many.
const ROWS: usize = 256;
/// Known endpoints, and gaps between them, in one statement: some 10 KiB of text.
const TOGETHER: usize = 200;

/// An index that has the column `webhook_id` behind others that the condition holds constant.
pub(crate) struct Steps {
    pub(crate) table: &'static str,
    pub(crate) index: &'static str,
    pub(crate) condition: &'static str,
}

/// The endpoints, ascending. Whatever is in `known`, ascending, is taken as one of them.
pub(crate) async fn endpoints(conn: Conn<'_>, steps: &Steps, known: &[WebhookId]) -> Result<Vec<i64>> {
    if conn.is_mysql() {
        let known: Vec<i64> = known.iter().map(|id| id.0).collect();
        in_parts(conn, steps, &known).await
    } else {
        in_one(conn, steps).await
    }
}

async fn in_one(conn: Conn<'_>, steps: &Steps) -> Result<Vec<i64>> {
    let Steps { table, condition, .. } = steps;
    let sql = format!(
        "WITH RECURSIVE steps (id) AS (
           SELECT MIN(webhook_id) FROM {table} WHERE {condition}
           UNION ALL
           SELECT (SELECT MIN(webhook_id) FROM {table} WHERE {condition} AND webhook_id > steps.id)
           FROM steps WHERE steps.id IS NOT NULL)
         SELECT id FROM steps WHERE id IS NOT NULL"
    );
    on!(conn, c => sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(c).await)
}

async fn in_parts(mut conn: Conn<'_>, steps: &Steps, known: &[i64]) -> Result<Vec<i64>> {
    let Steps { table, condition, index } = steps;
    let index = use_index(true, index);
    let (mut endpoints, mut after, mut known) = (BTreeSet::new(), 0, known);
    loop {
        let (part, rest) = known.split_at(known.len().min(TOGETHER));
        let gaps = gaps(after, part, rest.is_empty());
        let sql = format!(
            "SELECT webhook_id FROM {table}{index} WHERE {condition} AND ({gaps}) ORDER BY webhook_id LIMIT {ROWS}"
        );
        let found: Vec<i64> = on!(conn.again(), c => {
            let rows = sqlx::raw_sql(AssertSqlSafe(sql)).fetch_all(c).await?;
            rows.iter().map(|row| row.try_get(0)).collect()
        })?;
        // Behind the last row of a full statement there may be more.
        let end = found.last().copied().filter(|_| found.len() == ROWS);
        let passed = end.map_or(part.len(), |end| part.partition_point(|id| *id <= end));
        endpoints.extend(found.iter().chain(&part[..passed]));
        after = match (end, part.last()) {
            (Some(end), _) => end,
            (None, Some(last)) if !rest.is_empty() => *last,
            (None, _) => return Ok(endpoints.into_iter().collect()),
        };
        known = &known[passed..];
    }
}

/// All that lies behind `after` and is not known, as far as to the last known endpoint, or without an end.
fn gaps(after: i64, known: &[i64], endless: bool) -> String {
    let begins = std::iter::once(&after).chain(known);
    let between = begins.zip(known).map(|(a, b)| format!("(webhook_id > {a} AND webhook_id < {b})"));
    let end = endless.then(|| format!("webhook_id > {}", known.last().unwrap_or(&after)));
    between.chain(end).collect::<Vec<_>>().join(" OR ")
}

/// Up to [`TOGETHER`] endpoints at a time as a table with the column `id`.
pub(crate) fn tables(endpoints: &[i64]) -> impl Iterator<Item = String> {
    endpoints.chunks(TOGETHER).map(|part| {
        let rows: Vec<String> = part.iter().map(|id| format!("SELECT {id} AS id")).collect();
        format!("({})", rows.join(" UNION ALL "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_are_all_that_is_not_known() {
        assert_eq!(gaps(0, &[], true), "webhook_id > 0");
        let both = "(webhook_id > 0 AND webhook_id < 3) OR (webhook_id > 3 AND webhook_id < 4)";
        assert_eq!(gaps(0, &[3, 4], false), both);
        assert_eq!(gaps(0, &[3, 4], true), format!("{both} OR webhook_id > 4"));
        assert_eq!(gaps(2, &[3], false), "(webhook_id > 2 AND webhook_id < 3)");
    }

    #[test]
    fn many_endpoints_make_several_tables() {
        let endpoints: Vec<i64> = (0..450).collect();
        let tables: Vec<String> = tables(&endpoints).collect();
        assert_eq!(tables.len(), 3);
        assert!(tables[0].starts_with("(SELECT 0 AS id UNION ALL SELECT 1 AS id"), "{}", tables[0]);
        assert!(tables[2].ends_with("SELECT 449 AS id)"), "{}", tables[2]);
    }
}
