//! Writes down what became of attempts, many at once: the delivery's row, the attempt's row, the minute's rollup and the
//! endpoint's health.

use super::failures;
use super::latency::{self, Histogram};
use super::{IN_LANE, TO_BE_CLAIMED};
use crate::rows::{few_parts, parts};
use crate::sums::add_to_known;
use crate::{Conn, Result, on};
use model::{LogId, ServerId, TenantId, Timestamp, WebhookId};
use sqlx::QueryBuilder;
use std::collections::BTreeMap;

mod outcomes;

/// What an attempt means for its delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Delivered.
    Success,
    /// To be tried again at that moment.
    Retry(Timestamp),
    /// Given up.
    Failed,
}

/// One finished attempt.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// The tenant.
    pub tenant: TenantId,
    /// The delivery.
    pub log: LogId,
    /// Where it went.
    pub webhook: WebhookId,
    /// Which attempt it was: 1, 2, …; for a delivery that ended without another attempt the number made before.
    pub number: i64,
    /// Retries of the schedule that are used up, with one that the verdict grants.
    pub retries: i64,
    /// When it began.
    pub at: Timestamp,
    /// How long it took.
    pub duration_ms: i64,
    /// The answer's status, if there was an answer.
    pub http_status: Option<i64>,
    /// What went wrong, in words.
    pub error: Option<String>,
    /// The beginning of the answer's body.
    pub response_body: Option<String>,
    /// What it means.
    pub verdict: Verdict,
    /// Whether it was an admin's test, which says nothing about the endpoint's health.
    pub test: bool,
    /// Until when the endpoint asked to be left alone.
    pub paused_until: Option<Timestamp>,
}

/// Who has the deliveries whose attempts are written down.
#[derive(Debug, Clone, Copy)]
pub enum Holder<'a> {
    /// A server.
    Server(&'a ServerId),
    /// The owner of their lanes, which the caller has made sure of; a retry keeps its place there.
    Lanes,
}

impl Holder<'_> {
    /// The column that tells, and what it says.
    pub(super) fn condition(&self) -> (&'static str, &str) {
        match self {
            Self::Server(id) => ("sender", id.as_str()),
            Self::Lanes => ("waits", IN_LANE),
        }
    }

    /// For what a delivery waits that is to be tried again.
    fn of_retry(&self) -> &'static str {
        match self {
            Self::Server(_) => TO_BE_CLAIMED,
            Self::Lanes => IN_LANE,
        }
    }
}

impl Attempt {
    fn ended_at(&self) -> Timestamp {
        Timestamp(self.at.0 + self.duration_ms)
    }
}

/// Writes down attempts of deliveries that `holder` has. 256 at most at once, in a transaction.
pub async fn finish(mut conn: Conn<'_>, holder: Holder<'_>, attempts: &mut [Attempt]) -> Result<()> {
    if attempts.is_empty() {
        return Ok(());
    }
    // Rows are locked in the order of their keys, so that servers never wait for each other in a circle.
    attempts.sort_by(|a, b| (&a.tenant, a.log).cmp(&(&b.tenant, b.log)));
    outcomes::write(conn.again(), holder, attempts).await?;
    insert_attempts(conn.again(), attempts).await?;
    failures::note(conn.again(), attempts).await?;
    add_to_rollups(conn.again(), attempts).await?;
    update_health(conn, attempts).await
}

async fn insert_attempts(mut conn: Conn<'_>, attempts: &[Attempt]) -> Result<()> {
    let own_row = |attempt: &&Attempt| {
        attempt.number > 1 || (attempt.number == 1 && attempt.verdict != Verdict::Success)
    };
    let rows: Vec<&Attempt> = attempts.iter().filter(own_row).collect();
    // An attempt whose writing was repeated after a lost answer stands there already.
    let insert = if conn.is_mysql() { "INSERT IGNORE" } else { "INSERT OR IGNORE" };
    for rows in parts(&rows) {
        on!(conn.again(), c => {
            let mut insert = QueryBuilder::new(insert);
            insert.push(" INTO webhook_attempts (tenant_id, log_id, attempt, attempted_at, http_status, duration_ms, error,
                response_body) ");
            insert.push_values(rows, |mut row, attempt| {
                row.push_bind(attempt.tenant.as_str()).push_bind(attempt.log.0).push_bind(attempt.number)
                    .push_bind(attempt.at.0).push_bind(attempt.http_status).push_bind(attempt.duration_ms)
                    .push_bind(attempt.error.as_deref()).push_bind(attempt.response_body.as_deref());
            });
            insert.build().execute(c).await.map(|_| ())
        })?;
    }
    Ok(())
}

/// What a rollup adds up, before the histogram's columns.
const ROLLUP_COLUMNS: [&str; 4] = ["successful", "failed", "latency_ms_sum", "latency_count"];

#[derive(Default)]
struct Rollup {
    successful: i64,
    failed: i64,
    latency_ms_sum: i64,
    latency_count: i64,
    latencies: Histogram,
}

async fn add_to_rollups(mut conn: Conn<'_>, attempts: &[Attempt]) -> Result<()> {
    let mut rollups: BTreeMap<(&TenantId, WebhookId, i64), Rollup> = BTreeMap::new();
    for attempt in attempts {
        let minute = attempt.ended_at().0.div_euclid(60_000) * 60_000;
        let rollup = rollups.entry((&attempt.tenant, attempt.webhook, minute)).or_default();
        match attempt.verdict {
            Verdict::Success => rollup.successful += 1,
            Verdict::Failed => rollup.failed += 1,
            Verdict::Retry(_) => {}
        }
        if attempt.http_status.is_some() {
            rollup.latency_ms_sum += attempt.duration_ms;
            rollup.latency_count += 1;
            rollup.latencies.add(attempt.duration_ms);
        }
    }
    let columns: Vec<&str> = ROLLUP_COLUMNS.into_iter().chain(latency::COLUMNS).collect();
    let add = add_to_known(&conn, "tenant_id, webhook_id, minute_at", &columns, &[]);
    let rollups: Vec<_> = rollups.iter().collect();
    for rollups in few_parts(&rollups) {
        on!(conn.again(), c => {
            let mut insert = QueryBuilder::new("INSERT INTO webhook_rollups (tenant_id, webhook_id, minute_at, ");
            insert.push(columns.join(", ")).push(") ");
            insert.push_values(rollups, |mut row, ((tenant, webhook, minute), rollup)| {
                row.push_bind(tenant.as_str()).push_bind(webhook.0).push_bind(*minute).push_bind(rollup.successful)
                    .push_bind(rollup.failed).push_bind(rollup.latency_ms_sum).push_bind(rollup.latency_count);
                for count in rollup.latencies.0 {
                    row.push_bind(count);
                }
            });
            insert.push(&add);
            insert.build().execute(c).await.map(|_| ())
        })?;
    }
    Ok(())
}

/// An endpoint's attempts of one batch, in the order in which they ended.
#[derive(Default)]
struct Health<'a> {
    /// Failures after the last success of the batch.
    failures: i64,
    first_failure_at: Option<i64>,
    success_at: Option<i64>,
    delivery_at: i64,
    error: Option<&'a str>,
    /// Of the attempt that the error is of.
    status: Option<i64>,
    paused_until: Option<i64>,
}

async fn update_health(mut conn: Conn<'_>, attempts: &[Attempt]) -> Result<()> {
    let mut ordered: Vec<&Attempt> = attempts.iter().collect();
    ordered.sort_by_key(|attempt| attempt.ended_at());
    let mut batch: BTreeMap<(&TenantId, WebhookId), Health<'_>> = BTreeMap::new();
    for attempt in ordered {
        let health = batch.entry((&attempt.tenant, attempt.webhook)).or_default();
        let ended_at = attempt.ended_at().0;
        health.delivery_at = ended_at;
        health.paused_until = health.paused_until.max(attempt.paused_until.map(|until| until.0));
        if attempt.verdict != Verdict::Success {
            health.error = attempt.error.as_deref();
            health.status = attempt.http_status;
        }
        match attempt.verdict {
            _ if attempt.test => {}
            Verdict::Success => {
                let (success_at, paused_until) = (Some(ended_at), health.paused_until);
                *health = Health { success_at, delivery_at: ended_at, paused_until, ..Health::default() };
            }
            _ => {
                health.failures += 1;
                health.first_failure_at.get_or_insert(ended_at);
            }
        }
    }
    let add = if conn.is_mysql() {
        " ON DUPLICATE KEY UPDATE
          consecutive_failures = VALUES(consecutive_failures) + IF(VALUES(last_success_at) IS NULL, consecutive_failures, 0),
          failing_since = IF(VALUES(last_success_at) IS NULL, COALESCE(failing_since, VALUES(failing_since)), VALUES(failing_since)),
          told = IF(VALUES(last_success_at) IS NULL, told, 0),
          last_status = IF(VALUES(last_error) IS NULL, last_status, VALUES(last_status)),
          paused_until = COALESCE(GREATEST(paused_until, VALUES(paused_until)), VALUES(paused_until), paused_until),
          last_success_at = COALESCE(VALUES(last_success_at), last_success_at),
          last_delivery_at = VALUES(last_delivery_at), last_error = COALESCE(VALUES(last_error), last_error)"
    } else {
        " ON CONFLICT (tenant_id, webhook_id) DO UPDATE SET
          consecutive_failures = excluded.consecutive_failures + IIF(excluded.last_success_at IS NULL, consecutive_failures, 0),
          failing_since = IIF(excluded.last_success_at IS NULL, COALESCE(failing_since, excluded.failing_since), excluded.failing_since),
          told = IIF(excluded.last_success_at IS NULL, told, 0),
          last_status = IIF(excluded.last_error IS NULL, last_status, excluded.last_status),
          paused_until = COALESCE(MAX(paused_until, excluded.paused_until), excluded.paused_until, paused_until),
          last_success_at = COALESCE(excluded.last_success_at, last_success_at),
          last_delivery_at = excluded.last_delivery_at, last_error = COALESCE(excluded.last_error, last_error)"
    };
    let batch: Vec<_> = batch.iter().collect();
    for batch in few_parts(&batch) {
        on!(conn.again(), c => {
            let mut insert = QueryBuilder::new("INSERT INTO webhook_health (tenant_id, webhook_id, consecutive_failures,
                failing_since, last_success_at, last_delivery_at, last_error, last_status, paused_until) ");
            insert.push_values(batch, |mut row, ((tenant, webhook), health)| {
                row.push_bind(tenant.as_str()).push_bind(webhook.0).push_bind(health.failures)
                    .push_bind(health.first_failure_at).push_bind(health.success_at).push_bind(health.delivery_at)
                    .push_bind(health.error).push_bind(health.status).push_bind(health.paused_until);
            });
            insert.push(add);
            insert.build().execute(c).await.map(|_| ())
        })?;
    }
    Ok(())
}
