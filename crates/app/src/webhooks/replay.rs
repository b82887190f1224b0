//! Sends again what the event log holds. A replay is a stored job: it survives a restart, and any server goes on with it.
//! Each step queues a few hundred deliveries, and the next one waits until they have been taken up, so that live traffic
//! is never far behind.

use super::{UNKNOWN, Webhooks, inactive};
use crate::error::retrying;
use crate::fields::FieldProblem;
use crate::{Error, Result};
use async_recursion::async_recursion as boxed;
use model::{EventName, LogId, TenantId, Timestamp, WebhookId};
use std::time::Duration;
use store::deliveries::{self, NewDelivery, Owner};
use store::journal::{self, Append};
use store::replays::{self, Candidate, Only, Replay};
use store::webhooks::{self as rows, Webhook};

/// Deliveries queued in one step.
const STEP: i64 = 500;
/// Replays of one endpoint that are not done; more are refused.
const OPEN_AT_MOST: i64 = 20;
/// Jobs read at a time.
const JOBS_TOGETHER: i64 = 100;
/// How often an open job is looked at whose endpoint is still busy with its last step.
const BUSY: Duration = Duration::from_millis(100);
/// How often to look for jobs that another server took, or one that died.
const IDLE: Duration = Duration::from_secs(1);

/// What a round over the jobs found.
#[derive(Debug, Clone, Copy, Default)]
struct Round {
    open: bool,
    moved: bool,
}

impl Webhooks {
    /// Begins to send again what happened from `since` to before `until`; gives how many deliveries it comes to.
    #[boxed]
    pub async fn replay(
        &self,
        tenant: &TenantId,
        id: WebhookId,
        since: Timestamp,
        until: Option<Timestamp>,
        only: Only,
    ) -> Result<i64> {
        if until.is_some_and(|until| until <= since) {
            return Err(Error::field("until", "must be later than since"));
        }
        let mut reader = self.broadcaster.store.read().await?;
        let webhook = rows::find(reader.conn(), tenant, id).await?.ok_or(UNKNOWN)?;
        let head = journal::head(reader.conn(), tenant).await?.ok_or(UNKNOWN)?;
        // What is older may go at any moment.
        let kept = self.events_kept_since();
        let oldest = journal::oldest_seq(reader.conn(), tenant).await?.unwrap_or(head.seq + 1);
        let first = journal::first_seq_at(reader.conn(), tenant, since.max(kept), head).await?.max(oldest);
        let end = match until {
            Some(until) => journal::first_seq_at(reader.conn(), tenant, until, head).await?,
            None => head.seq + 1,
        };
        let replay = Replay {
            id: 0,
            tenant: tenant.clone(),
            webhook: id,
            only,
            after_seq: first - 1,
            until_seq: end - 1,
        };
        let mut queued = 0;
        let mut rest = replay.clone();
        while rest.after_seq < rest.until_seq {
            let (counts, counted_to) = replays::count(reader.conn(), &rest, kept).await?;
            queued +=
                counts.iter().filter(|(name, _)| wants(&webhook, name)).map(|(_, count)| count).sum::<i64>();
            rest.after_seq = counted_to;
        }
        drop(reader);
        retrying(|| self.store_replay(&replay, queued > 0)).await?;
        self.replays.notify_one();
        Ok(queued)
    }

    async fn store_replay(&self, replay: &Replay, has_work: bool) -> Result<()> {
        let mut tx = self.broadcaster.store.begin().await?;
        let webhook = rows::lock(tx.conn(), &replay.tenant, replay.webhook).await?.ok_or(UNKNOWN)?;
        if !webhook.is_active {
            return Err(inactive());
        }
        if replays::open_of(tx.conn(), &replay.tenant, replay.webhook).await? >= OPEN_AT_MOST {
            return Err(Error::Conflict {
                code: "too_many_replays",
                message: format!("{OPEN_AT_MOST} replays of this webhook are not done yet"),
                details: vec![FieldProblem::new("state", "replaying")],
            });
        }
        if has_work {
            replays::insert(tx.conn(), replay, self.broadcaster.clock.now()).await?;
        }
        Ok(tx.commit().await?)
    }

    /// Carries replays out until it is dropped.
    #[boxed]
    pub async fn run_replays(&self) {
        loop {
            let pause = match self.replay_round().await {
                Ok(Round { moved: true, .. }) => continue,
                Ok(Round { open: true, .. }) => BUSY,
                Ok(_) => IDLE,
                Err(error) => {
                    tracing::debug!(%error, "Replays are put off");
                    IDLE
                }
            };
            let _ = tokio::time::timeout(pause, self.replays.notified()).await;
        }
    }

    /// One step of every job.
    async fn replay_round(&self) -> Result<Round> {
        let (mut round, mut after) = (Round::default(), 0);
        loop {
            let mut reader = self.broadcaster.store.read().await?;
            let jobs = replays::open(reader.conn(), after, JOBS_TOGETHER).await?;
            drop(reader);
            let Some(last) = jobs.last() else { return Ok(round) };
            (after, round.open) = (last.id, true);
            for job in &jobs {
                match retrying(|| self.replay_step(job)).await {
                    Ok(moved) => round.moved |= moved,
                    Err(Error::Store(error)) if error.is_unavailable() => return Err(error.into()),
                    Err(error) => tracing::warn!(tenant_id = %job.tenant, webhook_id = %job.webhook, %error,
                        "A replay cannot go on; tried again later"),
                }
            }
        }
    }

    /// Queues the next few deliveries of a job, unless the last ones still wait. Gives whether it got on.
    async fn replay_step(&self, job: &Replay) -> Result<bool> {
        let broadcaster = &self.broadcaster;
        let mut reader = broadcaster.store.read().await?;
        if replays::has_backlog(reader.conn(), job.webhook, broadcaster.clock.now()).await? {
            return Ok(false);
        }
        drop(reader);
        let mut tx = broadcaster.store.begin().await?;
        let webhook =
            rows::lock(tx.conn(), &job.tenant, job.webhook).await?.filter(|webhook| webhook.is_active);
        // Another server may have got on with it, or to its end.
        let Some(job) = replays::lock(tx.conn(), &job.tenant, job.id).await? else { return Ok(false) };
        let Some(webhook) = webhook else {
            replays::remove(tx.conn(), &job.tenant, job.id).await?;
            tx.commit().await?;
            return Ok(true);
        };
        let (candidates, end) = replays::candidates(tx.conn(), &job, self.events_kept_since(), STEP).await?;
        let wanted: Vec<Candidate> =
            candidates.into_iter().filter(|event| wants_event(&webhook, &event.name)).collect();
        replays::advance(tx.conn(), &job, end).await?;
        let head = journal::lock_head(tx.conn(), &job.tenant).await?;
        let now = broadcaster.clock.now();
        let new: Vec<NewDelivery> = (head.log_id + 1..)
            .zip(wanted)
            .map(|(log, event)| delivery(&job.tenant, LogId(log), &webhook, event))
            .collect();
        let append = Append { tenant: job.tenant.clone(), head, events: Vec::new(), log_ids: new.len() };
        journal::append(tx.conn(), vec![append], now).await?;
        deliveries::insert(tx.conn(), &new, now).await?;
        tx.commit().await?;
        if new.iter().any(|delivery| delivery.owner == Owner::Nobody) {
            broadcaster.engine.doorbell();
        } else if !new.is_empty() {
            broadcaster.engine.queued_in_order([job.webhook]);
        }
        Ok(true)
    }
}

/// In its endpoint's order, behind what waits already.
fn delivery(tenant: &TenantId, id: LogId, webhook: &Webhook, event: Candidate) -> NewDelivery {
    let queue = webhook.ordering.queue(event.subject.as_deref(), id);
    NewDelivery {
        tenant: tenant.clone(),
        id,
        webhook: webhook.id,
        event_id: event.id,
        event_seq: Some(event.seq),
        event: event.name,
        subject: event.subject,
        owner: queue.map_or(Owner::Nobody, Owner::Lane),
        payload: None,
    }
}

fn wants(webhook: &Webhook, name: &str) -> bool {
    EventName::parse(name).is_ok_and(|name| wants_event(webhook, &name))
}

fn wants_event(webhook: &Webhook, name: &EventName) -> bool {
    webhook.events.iter().any(|pattern| pattern.matches(name))
}
