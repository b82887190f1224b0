//! Writes what became of attempts into the rows of their deliveries, all in one statement.

use super::{Attempt, Holder, Verdict};
use crate::db::in_time;
use crate::hints::use_index;
use crate::rows::padded;
use crate::{Conn, Result};
use model::hex;
use sqlx::query_builder::Separated;
use sqlx::{Database, Encode, MySql, MySqlConnection, QueryBuilder, Sqlite, SqliteConnection, Type};
use std::pin::pin;

/// The columns that a finished attempt sets.
const COLUMNS: [&str; 11] = [
    "status",
    "attempts",
    "retries",
    "http_status",
    "response_time_ms",
    "error",
    "response_body",
    "waits",
    "sender",
    "next_attempt_at",
    "completed_at",
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Value<'a> {
    Number(Option<i64>),
    Text(Option<&'a str>),
}

impl<'a> Value<'a> {
    fn push<DB: Database>(self, values: &mut Separated<'_, DB, &'static str>)
    where
        Option<i64>: Encode<'a, DB> + Type<DB>,
        Option<&'a str>: Encode<'a, DB> + Type<DB>,
    {
        match self {
            Self::Number(number) => values.push_bind(number),
            Self::Text(text) => values.push_bind(text),
        };
    }
}

/// A delivery's key, and what is to stand in its row.
struct Outcome<'a> {
    tenant: &'a str,
    id: i64,
    delivered: bool,
    /// As [`COLUMNS`].
    values: [Value<'a>; COLUMNS.len()],
}

impl<'a> Outcome<'a> {
    fn of(attempt: &'a Attempt, holder: Holder<'_>) -> Self {
        use Value::{Number, Text};
        let (status, waits, next, completed) = match attempt.verdict {
            Verdict::Success => ("success", None, None, Some(attempt.ended_at().0)),
            Verdict::Failed => ("failed", None, None, Some(attempt.ended_at().0)),
            Verdict::Retry(due) => ("pending", Some(holder.of_retry()), Some(due.0), None),
        };
        // Only a first attempt that succeeded has no row of its own.
        let first_success = attempt.number == 1 && attempt.verdict == Verdict::Success;
        let body = attempt.response_body.as_deref().filter(|_| first_success);
        let values = [
            Text(Some(status)),
            Number(Some(attempt.number)),
            Number(Some(attempt.retries)),
            Number(attempt.http_status),
            Number(Some(attempt.duration_ms)),
            Text(attempt.error.as_deref()),
            Text(body),
            Text(waits),
            Text(None),
            Number(next),
            Number(completed),
        ];
        let delivered = attempt.verdict == Verdict::Success;
        Self { tenant: attempt.tenant.as_str(), id: attempt.log.0, delivered, values }
    }
}

/// Sets the rows of those deliveries that the holder still has. The attempts are in the order of their keys.
pub(super) async fn write(conn: Conn<'_>, holder: Holder<'_>, attempts: &[Attempt]) -> Result<()> {
    let outcomes: Vec<Outcome<'_>> = attempts.iter().map(|attempt| Outcome::of(attempt, holder)).collect();
    match conn {
        Conn::MySql(c) => in_time(pin!(by_position(c, holder, &outcomes))).await,
        Conn::Sqlite(c) => in_time(pin!(by_join(c, holder, &outcomes))).await,
    }
}

/// As a join with a table of the values.
async fn by_join(c: &mut SqliteConnection, holder: Holder<'_>, outcomes: &[Outcome<'_>]) -> sqlx::Result<()> {
    let sets: Vec<String> = COLUMNS.iter().map(|column| format!("{column} = v.{column}")).collect();
    let mut update = QueryBuilder::<Sqlite>::new("UPDATE webhook_logs AS l SET ");
    update.push(sets.join(", ")).push(" FROM (");
    // To set the same values twice does no harm.
    for (at, outcome) in padded(outcomes).enumerate() {
        update.push(if at == 0 { "SELECT " } else { " UNION ALL SELECT " });
        let mut row = update.separated(", ");
        let key = [("tenant_id", Value::Text(Some(outcome.tenant))), ("id", Value::Number(Some(outcome.id)))];
        for (name, value) in key.into_iter().chain(COLUMNS.into_iter().zip(outcome.values)) {
            value.push(&mut row);
            // The first SELECT names the columns of them all.
            if at == 0 {
                row.push_unseparated(" AS ").push_unseparated(name);
            }
        }
    }
    let (column, value) = holder.condition();
    update
        .push(format!(") AS v WHERE l.tenant_id = v.tenant_id AND l.id = v.id AND l.{column} = "))
        .push_bind(value);
    update.build().execute(c).await.map(|_| ())
}

/// Each value is found by the place of its number in an ascending list, which INTERVAL finds by halving. A join with a table of
/// the values takes MySQL twice the time that the rows themselves need: it goes through a temporary table for the values, and
/// another one for what is to be written.
async fn by_position(
    c: &mut MySqlConnection,
    holder: Holder<'_>,
    outcomes: &[Outcome<'_>],
) -> sqlx::Result<()> {
    let tenants: Vec<&[Outcome<'_>]> = outcomes.chunk_by(|a, b| a.tenant == b.tenant).collect();
    // Of several tenants, or of failures, hardly two statements are alike.
    let is_rare = tenants.len() > 1 || outcomes.iter().any(|outcome| !outcome.delivered);
    let mut update = Statement { sql: QueryBuilder::new("UPDATE webhook_logs"), as_text: is_rare };
    update.push(&use_index(true, "PRIMARY")).push(" SET ");
    for (at, name) in COLUMNS.into_iter().enumerate() {
        update.push(if at == 0 { "" } else { ", " }).push(name).push(" = ");
        push_column(&mut update, &tenants, at);
    }
    let (column, value) = holder.condition();
    update.push(" WHERE ").push(column).push(" = ").value(Value::Text(Some(value))).push(" AND (");
    for (at, outcomes) in tenants.iter().enumerate() {
        update.push(if at == 0 { "(" } else { " OR (" });
        update.push("tenant_id = ").value(Value::Text(Some(outcomes[0].tenant))).push(" AND id IN (");
        update.keys(outcomes).push("))");
    }
    update.push(")").execute(c).await
}

fn push_column<'a>(update: &mut Statement, tenants: &[&[Outcome<'a>]], column: usize) {
    let mut values = tenants.iter().copied().flatten().map(|outcome| outcome.values[column]);
    let first = values.next();
    if let Some(same) = first.filter(|first| values.all(|value| value == *first)) {
        update.value(same);
        return;
    }
    update.push("CASE tenant_id");
    for outcomes in tenants {
        update.push(" WHEN ").value(Value::Text(Some(outcomes[0].tenant))).push(" THEN ELT(INTERVAL(id, ");
        update.keys(outcomes).push("), ");
        update.list(outcomes, |outcome| outcome.values[column]).push(")");
    }
    update.push(" END");
}

/// A statement that is being written: with a place for each value, to be prepared and kept, or as text with the values in
/// it. To prepare one for a single time costs 40 ms when it is closed again (`db::STATEMENTS`).
struct Statement {
    sql: QueryBuilder<MySql>,
    as_text: bool,
}

impl Statement {
    fn push(&mut self, sql: &str) -> &mut Self {
        self.sql.push(sql);
        self
    }

    fn value(&mut self, value: Value<'_>) -> &mut Self {
        match value {
            value if self.as_text => self.sql.push(literal(value)),
            Value::Number(number) => self.sql.push_bind(number),
            Value::Text(text) => self.sql.push_bind(text),
        };
        self
    }

    /// As many as there are in a text; of what is prepared there are few lengths.
    fn list<'a>(&mut self, outcomes: &[Outcome<'a>], value: impl Fn(&Outcome<'a>) -> Value<'a>) -> &mut Self {
        let count = if self.as_text { outcomes.len() } else { usize::MAX };
        for (at, outcome) in padded(outcomes).take(count).enumerate() {
            self.push(if at == 0 { "" } else { ", " }).value(value(outcome));
        }
        self
    }

    fn keys(&mut self, outcomes: &[Outcome<'_>]) -> &mut Self {
        self.list(outcomes, |outcome| Value::Number(Some(outcome.id)))
    }

    async fn execute(&mut self, c: &mut MySqlConnection) -> sqlx::Result<()> {
        if self.as_text {
            sqlx::raw_sql(self.sql.sql()).execute(c).await?;
        } else {
            self.sql.build().execute(c).await?;
        }
        Ok(())
    }
}

/// A value in the text of a statement. Of a text's own characters none is in it, so that none can end it.
fn literal(value: Value<'_>) -> String {
    match value {
        Value::Number(Some(number)) => number.to_string(),
        Value::Text(Some(text)) => format!("_utf8mb4 X'{}'", hex(text.as_bytes())),
        Value::Number(None) | Value::Text(None) => "NULL".to_owned(),
    }
}
