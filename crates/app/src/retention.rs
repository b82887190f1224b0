//! Removes what was kept long enough, in small steps beside the live traffic. One server at a time does it. Nothing that is
//! pending goes: a delivery whose event goes gets the event's payload first.

use crate::error::retrying;
use crate::publishing::ANSWERS_KEPT;
use crate::{Error, Result};
use async_recursion::async_recursion as boxed;
use model::{Clock, TenantId, Timestamp};
use std::fmt::Debug;
use std::time::Duration;
use store::retention::{self as rows, Aging, PerTenant, Range};
use store::{Store, platform};
use tokio::time::Instant;

mod counters;
mod erasing;
mod failures;

use counters::Counters;
pub use counters::Pruned;
use failures::Failures;

/// How often to look. What came in meanwhile is at most a minute's writes.
const LOOK_EVERY: Duration = Duration::from_secs(60);
/// What is too old to be sent again or replayed goes so much later, so that no transaction that found it in time still
/// counts on it: each ends within seconds.
pub(crate) const GRACE: Duration = Duration::from_secs(60);
/// Rows that one transaction removes. SQLite has one writer, who must not be kept for more than a few milliseconds.
const ROWS_MYSQL: i64 = 1000;
const ROWS_SQLITE: i64 = 200;
/// Payloads that one transaction copies: of 64 KiB each, 6 MiB.
const PAYLOADS: i64 = 100;
/// After each transaction so much of the time that it took is left to others: four fifths of the speed of deleting, which
/// is above that of writing (see `bench/README.md`).
const REST_PART: u32 = 4;
/// Revocations are polled twice a second; an hour leaves room for any server that was away.
const REVOCATIONS_KEPT: Duration = Duration::from_secs(3600);
/// Servers look for who came and went every second; the same hour.
const PRESENCE_EDGES_KEPT: Duration = Duration::from_secs(3600);
/// Calls of one transaction, with their legs and entries: about a thousand rows, and on SQLite two hundred.
const CALLS_MYSQL: i64 = 256;
const CALLS_SQLITE: i64 = 64;
/// Twice what is looked at, for servers whose clocks differ.
const QUEUE_MINUTES_KEPT: Duration = Duration::from_secs(3600);
/// Agents' histories and numbers, calls and queues' numbers: a year, and what a report needs to compare with the one before.
const HISTORY_KEPT: Duration = Duration::from_secs(400 * 24 * 3600);

/// How long things are kept.
#[derive(Debug, Clone, Copy)]
pub struct Kept {
    /// Events.
    pub events: Duration,
    /// Finished deliveries, their attempts and statistics.
    pub webhook_logs: Duration,
}

/// Keeps the tables from growing without a bound.
pub struct Retention {
    store: Store,
    clock: Clock,
    kept: Kept,
    counters: Counters,
    erased: erasing::Reached,
}

impl Retention {
    pub(crate) fn new(store: Store, clock: Clock, kept: Kept) -> Self {
        Self { store, clock, kept, counters: Counters::default(), erased: erasing::Reached::default() }
    }

    /// What was removed since the start.
    #[must_use]
    pub fn pruned(&self) -> Pruned {
        self.counters.read()
    }

    /// Removes what is old until it is dropped.
    #[boxed]
    pub async fn run(&self) {
        loop {
            let looked_at = self.clock.now();
            match self.in_turn().await {
                Ok(true) => self.counters.ran(looked_at),
                Ok(false) => tracing::debug!("Another server removes what is old"),
                Err(error) => tracing::warn!(%error, "Removing what is old is put off"),
            }
            self.clock.sleep_until(looked_at.plus(LOOK_EVERY)).await;
        }
    }

    /// One round, if no other server is at it; gives whether it was done.
    async fn in_turn(&self) -> Result<bool> {
        if !self.store.is_mysql() {
            return self.round().await.map(|()| true);
        }
        // The session that holds the turn does nothing else meanwhile.
        let mut session = self.store.read().await?;
        if !rows::take_turn(session.conn()).await? {
            return Ok(false);
        }
        let done = self.round().await;
        if let Err(error) = rows::end_turn(session.conn()).await {
            tracing::debug!(%error, "The turn to remove what is old ends with its connection");
        }
        done.map(|()| true)
    }

    /// What fails at one tenant or table keeps nothing else from its turn, and the round from counting as done.
    async fn round(&self) -> Result<()> {
        let now = self.clock.now();
        let mut failures = Failures::default();
        for (table, before) in [
            (PerTenant::Events, now.minus(self.kept.events).minus(GRACE)),
            (PerTenant::WebhookLogs, now.minus(self.kept.webhook_logs)),
            (PerTenant::Calls, now.minus(HISTORY_KEPT)),
        ] {
            let walked = self.walk(table, before, &mut failures).await;
            self.go_on(&mut failures, table, None, walked).await?;
        }
        for (table, before) in [
            (Aging::Sessions, now),
            (Aging::WsTickets, now),
            (Aging::IdempotencyKeys, now.minus(ANSWERS_KEPT)),
            (Aging::Revocations, now.minus(REVOCATIONS_KEPT)),
            (Aging::PresenceEdges, now.minus(PRESENCE_EDGES_KEPT)),
            (Aging::WebhookRollups, now.minus(self.kept.webhook_logs)),
            (Aging::AgentHistory, now.minus(HISTORY_KEPT)),
            (Aging::QueueDays, now.minus(HISTORY_KEPT)),
            (Aging::AgentDays, now.minus(HISTORY_KEPT)),
            (Aging::QueueMinutes, now.minus(QUEUE_MINUTES_KEPT)),
        ] {
            let pruned = self.prune_all(table, before).await;
            self.go_on(&mut failures, table, None, pruned).await?;
        }
        self.erase_personal_data(now, &mut failures).await?;
        failures.into_result()
    }

    /// Notes what went wrong, unless the database does not answer at all: then the round is over.
    async fn go_on(
        &self,
        failures: &mut Failures,
        step: impl Debug + Send,
        tenant: Option<&TenantId>,
        done: Result<()>,
    ) -> Result<()> {
        let Err(error) = done else { return Ok(()) };
        if matches!(&error, Error::Store(error) if error.is_unavailable()) && !self.database_answers().await {
            return Err(error);
        }
        failures.note(&step, tenant, &error);
        Ok(())
    }

    async fn database_answers(&self) -> bool {
        match self.store.read().await {
            Ok(mut reader) => platform::ping(reader.conn()).await.is_ok(),
            Err(_) => false,
        }
    }

    async fn prune_all(&self, table: Aging, before: Timestamp) -> Result<()> {
        while self.paced(|| self.prune(table, before)).await? > 0 {}
        Ok(())
    }

    async fn prune(&self, table: Aging, before: Timestamp) -> Result<u64> {
        let mut tx = self.store.begin().await?;
        let pruned = rows::prune(tx.conn(), table, before).await?;
        tx.commit().await?;
        self.counters.add(table.into(), pruned);
        Ok(pruned)
    }

    /// Every tenant's old rows, one tenant after the other.
    async fn walk(&self, table: PerTenant, before: Timestamp, failures: &mut Failures) -> Result<()> {
        let mut last: Option<TenantId> = None;
        while let Some(tenant) = self.next_tenant(table, last.as_ref()).await? {
            let done = self.remove_all(table, &tenant, before).await;
            self.go_on(failures, table, Some(&tenant), done).await?;
            last = Some(tenant);
        }
        Ok(())
    }

    async fn remove_all(&self, table: PerTenant, tenant: &TenantId, before: Timestamp) -> Result<()> {
        match table {
            PerTenant::Events => while self.step_of_events(tenant, before).await? {},
            PerTenant::WebhookLogs => {
                let mut after = Some(0);
                while let Some(passed) = after {
                    after = self.step_of_logs(tenant, passed, before).await?;
                }
            }
            PerTenant::Calls => while self.step_of_calls(tenant, before).await? {},
        }
        Ok(())
    }

    async fn next_tenant(&self, table: PerTenant, after: Option<&TenantId>) -> Result<Option<TenantId>> {
        let mut reader = self.store.read().await?;
        Ok(rows::next_tenant(reader.conn(), table, after).await?)
    }

    fn rows_together(&self) -> i64 {
        if self.store.is_mysql() { ROWS_MYSQL } else { ROWS_SQLITE }
    }

    /// Removes a tenant's first events, if they are old; gives whether there may be more.
    async fn step_of_events(&self, tenant: &TenantId, before: Timestamp) -> Result<bool> {
        let mut reader = self.store.read().await?;
        let found = rows::old_events(reader.conn(), tenant, before, self.rows_together()).await?;
        drop(reader);
        let Some(range) = found else { return Ok(false) };
        while self.paced(|| self.keep_payloads(tenant, range)).await? {}
        let removed = self.paced(|| async {
            let mut tx = self.store.begin().await?;
            let removed = rows::delete_events(tx.conn(), tenant, range, before).await?;
            tx.commit().await?;
            Ok(removed)
        });
        self.counters.add(counters::Table::Events, removed.await?);
        Ok(range.more)
    }

    /// Gives some of the deliveries that still need those events their payload; gives whether there may be more. Nothing
    /// new can come to need them: what is so old is neither replayed nor sent again by hand.
    async fn keep_payloads(&self, tenant: &TenantId, range: Range) -> Result<bool> {
        let mut reader = self.store.read().await?;
        let ids = rows::needed_payloads(reader.conn(), tenant, range, PAYLOADS).await?;
        drop(reader);
        if ids.is_empty() {
            return Ok(false);
        }
        let mut tx = self.store.begin().await?;
        rows::keep_payloads(tx.conn(), tenant, &ids).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Removes finished ones of a tenant's old deliveries behind number `after`; gives the number to go on behind, if there
    /// may be more.
    async fn step_of_logs(&self, tenant: &TenantId, after: i64, before: Timestamp) -> Result<Option<i64>> {
        let mut reader = self.store.read().await?;
        let found = rows::old_logs(reader.conn(), tenant, after, before, self.rows_together()).await?;
        drop(reader);
        let Some(range) = found else { return Ok(None) };
        let removed = self.paced(|| async {
            let mut tx = self.store.begin().await?;
            let removed = rows::delete_logs(tx.conn(), tenant, range, before).await?;
            tx.commit().await?;
            Ok(removed)
        });
        let removed = removed.await?;
        self.counters.add(counters::Table::WebhookLogs, removed.logs);
        self.counters.add(counters::Table::WebhookAttempts, removed.attempts);
        Ok(range.more.then_some(range.last))
    }

    /// Removes some of a tenant's old calls; gives whether there may be more.
    async fn step_of_calls(&self, tenant: &TenantId, before: Timestamp) -> Result<bool> {
        let limit = if self.store.is_mysql() { CALLS_MYSQL } else { CALLS_SQLITE };
        let mut reader = self.store.read().await?;
        let ids = rows::old_calls(reader.conn(), tenant, before, limit).await?;
        drop(reader);
        if ids.is_empty() {
            return Ok(false);
        }
        let removed = self.paced(|| async {
            let mut tx = self.store.begin().await?;
            let removed = rows::delete_calls(tx.conn(), tenant, &ids).await?;
            tx.commit().await?;
            Ok(removed)
        });
        self.counters.add(counters::Table::Calls, removed.await?);
        Ok(i64::try_from(ids.len()).is_ok_and(|found| found >= limit))
    }

    /// One transaction, and then a rest for others, in proportion.
    async fn paced<T, F>(&self, step: impl FnMut() -> F) -> Result<T>
    where
        F: Future<Output = Result<T>>,
    {
        let started = Instant::now();
        let done = retrying(step).await;
        tokio::time::sleep(started.elapsed() / REST_PART).await;
        done
    }
}
