//! Webhook endpoints: set up, try out, and look into what was delivered.

use crate::broadcaster::{Broadcaster, Trace, Work};
use crate::error::retrying;
use crate::events::WebhookEnabled;
use crate::fields::FieldProblem;
use crate::gate::Caller;
use crate::{Error, Result, events};
use ::webhooks::{AllowedNetworks, Test};
use async_recursion::async_recursion as boxed;
use model::{EventId, LogId, TenantId, Timestamp, WebhookId, catalogue};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use store::deliveries::{
    self, Attempt, AttemptEntry, Backlog, Delivery, Filter, Holder, LogEntry, NewDelivery, Owner, Page, Stats,
};
use store::journal::{self, Append};
use store::webhooks::{self as rows, Health, Webhook};
use tokio::sync::Notify;

mod backlog;
mod draft;
mod failing;
mod replay;
mod retry;
mod rotate;

pub use draft::Draft;

/// Endpoints of one tenant, active or not: each event is matched against them all, and may cause a delivery to each.
const WEBHOOKS_AT_MOST: i64 = 2_000;

/// Deliveries that one transaction makes due.
const MADE_DUE_TOGETHER: i64 = 1000;

/// Manages webhook endpoints.
pub struct Webhooks {
    broadcaster: Arc<Broadcaster>,
    allowed: AllowedNetworks,
    limits: Limits,
    backlog: backlog::Sampler,
    /// Says that there is a new replay.
    replays: Notify,
}

/// How long things are borne and kept.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// An endpoint that has failed for so long is switched off.
    pub disable_after: Duration,
    /// So long an event can be sent again.
    pub events_kept: Duration,
}

/// An entry of the log with all that is known about it.
#[derive(Debug, Clone)]
pub struct LogDetail {
    /// The entry.
    pub entry: LogEntry,
    /// Its attempts, in order.
    pub attempts: Vec<AttemptEntry>,
    /// The headers of the last attempt, or of the first one to come.
    pub headers: Vec<(String, String)>,
    /// The body; none once the event was pruned.
    pub body: Option<String>,
}

impl Webhooks {
    pub(crate) fn new(broadcaster: Arc<Broadcaster>, allowed: AllowedNetworks, limits: Limits) -> Self {
        Self { broadcaster, allowed, limits, backlog: backlog::Sampler::default(), replays: Notify::new() }
    }

    /// The tenant's endpoints by id, after the id `after`, with how they fare.
    #[boxed]
    pub async fn page(&self, tenant: &TenantId, after: i64, limit: i64) -> Result<Vec<(Webhook, Health)>> {
        let mut reader = self.broadcaster.store.read().await?;
        let webhooks = rows::page(reader.conn(), tenant, after, limit).await?;
        let (Some(first), Some(last)) = (webhooks.first(), webhooks.last()) else { return Ok(Vec::new()) };
        let health = rows::health(reader.conn(), tenant, first.id, last.id).await?;
        let now = self.broadcaster.clock.now();
        let mut health: HashMap<i64, Health> =
            health.into_iter().map(|one| (one.webhook_id, one.at(now))).collect();
        let with_health = |webhook: Webhook| {
            let health = health.remove(&webhook.id.0).unwrap_or_default();
            (webhook, health)
        };
        Ok(webhooks.into_iter().map(with_health).collect())
    }

    /// One endpoint and how it fares.
    #[boxed]
    pub async fn get(&self, tenant: &TenantId, id: WebhookId) -> Result<(Webhook, Health)> {
        let mut reader = self.broadcaster.store.read().await?;
        let webhook = rows::find(reader.conn(), tenant, id).await?.ok_or(UNKNOWN)?;
        let health = rows::health(reader.conn(), tenant, id, id).await?;
        Ok((webhook, health.into_iter().next().unwrap_or_default().at(self.broadcaster.clock.now())))
    }

    /// Sets an endpoint up.
    #[boxed]
    pub async fn create(&self, tenant: &TenantId, draft: &Draft) -> Result<Webhook> {
        let now = self.broadcaster.clock.now();
        let mut webhook = draft.complete(draft::blank(tenant, now), &self.allowed)?;
        let stored = retrying(|| async {
            let mut work = self.broadcaster.begin().await?;
            if rows::count(work.conn(), tenant).await? >= WEBHOOKS_AT_MOST {
                return Err(too_many_webhooks());
            }
            let id = rows::insert(work.conn(), &webhook).await?;
            work.leaves(Trace::Secret(tenant.clone(), id, webhook.secret.clone()));
            work.webhooks_edited(tenant);
            work.commit().await?;
            Ok(id)
        });
        webhook.id = stored.await?;
        Ok(webhook)
    }

    /// Sets an endpoint up anew: what the draft leaves out becomes the default, save the secret.
    #[boxed]
    pub async fn replace(&self, caller: &Caller, id: WebhookId, draft: &Draft) -> Result<(Webhook, Health)> {
        self.edit(caller, id, |before, now| {
            let blank = draft::blank(caller.tenant(), before.created_at);
            let (secret, previous_secret) = (before.secret, before.previous_secret);
            let base = Webhook { id, secret, previous_secret, updated_at: now, ..blank };
            draft.complete(base, &self.allowed)
        })
        .await
    }

    /// Changes what the draft says.
    #[boxed]
    pub async fn patch(&self, caller: &Caller, id: WebhookId, draft: &Draft) -> Result<(Webhook, Health)> {
        self.edit(caller, id, |before, now| draft.apply(Webhook { updated_at: now, ..before }, &self.allowed))
            .await
    }

    async fn edit(
        &self,
        caller: &Caller,
        id: WebhookId,
        change: impl Fn(Webhook, Timestamp) -> Result<Webhook>,
    ) -> Result<(Webhook, Health)> {
        let tenant = caller.tenant();
        let switched_off = retrying(|| async {
            let mut work = self.broadcaster.begin().await?;
            let now = self.broadcaster.clock.now();
            let before = rows::lock(work.conn(), tenant, id).await?.ok_or(UNKNOWN)?;
            let (was_active, url, secret) = (before.is_active, before.url.clone(), before.secret.clone());
            let mut after = change(before, now)?;
            if after.is_active {
                after.disabled_reason = None;
            }
            rows::update(work.conn(), &after).await?;
            if after.secret != secret {
                work.leaves(Trace::Secret(tenant.clone(), id, after.secret.clone()));
            }
            if after.is_active && (!was_active || after.url != url) {
                store::failing::forgive(work.conn(), tenant, id).await?;
            }
            work.webhooks_edited(tenant);
            match (was_active, after.is_active) {
                (true, false) => self.say_switched_off(&mut work, &after, "manual", now).await?,
                (false, true) => self.say_switched_on(&mut work, caller, id).await?,
                _ => {}
            }
            work.commit().await?;
            Ok(was_active && !after.is_active)
        })
        .await?;
        if switched_off {
            self.make_due(tenant, id).await;
        }
        self.broadcaster.engine.changed(id);
        self.get(tenant, id).await
    }

    async fn say_switched_on(&self, work: &mut Work<'_>, caller: &Caller, id: WebhookId) -> Result<()> {
        let (tenant, by) = (caller.tenant(), caller.viewer().user);
        let backlog = deliveries::count_pending(work.conn(), tenant, id).await?;
        let fields = WebhookEnabled { webhook_id: id, tenant_id: tenant, by: by.as_ref(), backlog };
        work.emit(tenant, events::webhook_enabled(&fields));
        Ok(())
    }

    /// Lets the engine end what is queued for an endpoint that was switched off, instead of keeping it for its next retry.
    /// In steps: a long queue must neither hold up the edit nor hold many locks. What is left out ends at its next retry.
    async fn make_due(&self, tenant: &TenantId, id: WebhookId) {
        let now = self.broadcaster.clock.now();
        loop {
            match retrying(|| self.make_some_due(tenant, id, now)).await {
                Ok(0) => return,
                Ok(_) => {}
                Err(error) => {
                    tracing::warn!(%error, webhook_id = %id, "What is queued for a webhook that was switched off ends later");
                    return;
                }
            }
        }
    }

    async fn make_some_due(&self, tenant: &TenantId, id: WebhookId, now: Timestamp) -> Result<u64> {
        let mut tx = self.broadcaster.store.begin().await?;
        let moved = deliveries::make_due(tx.conn(), tenant, id, now, MADE_DUE_TOGETHER).await?;
        tx.commit().await?;
        Ok(moved)
    }

    /// Removes an endpoint with all that is queued for it; its log goes in steps.
    #[boxed]
    pub async fn delete(&self, tenant: &TenantId, id: WebhookId) -> Result<()> {
        retrying(|| async {
            let mut work = self.broadcaster.begin().await?;
            if !rows::delete(work.conn(), tenant, id).await? {
                return Err(UNKNOWN);
            }
            deliveries::forget_webhook(work.conn(), tenant, id).await?;
            work.webhooks_edited(tenant);
            work.commit().await
        })
        .await?;
        self.broadcaster.engine.deleted(tenant.clone(), id);
        Ok(())
    }

    /// Sends `webhook.test` now, once, whatever the endpoint's settings say, and gives the finished log entry.
    #[boxed]
    pub async fn test(&self, caller: &Caller, id: WebhookId) -> Result<LogEntry> {
        let tenant = caller.tenant();
        let (webhook, _) = self.get(tenant, id).await?;
        let test = self.broadcaster.engine.begin_test(id);
        let log = retrying(|| self.queue_test(caller, id, &test)).await?;
        let mut reader = self.broadcaster.store.read().await?;
        let delivery = deliveries::find(reader.conn(), tenant, log).await?.ok_or(UNKNOWN)?;
        drop(reader);
        let attempt = self.broadcaster.engine.send_test(&webhook, &delivery).await;
        retrying(|| self.finish_test(attempt.clone())).await?;
        test.done();
        let mut reader = self.broadcaster.store.read().await?;
        deliveries::entry(reader.conn(), tenant, id, log).await?.ok_or(UNKNOWN)
    }

    async fn queue_test(&self, caller: &Caller, id: WebhookId, test: &Test) -> Result<LogId> {
        let tenant = caller.tenant();
        let mut tx = self.broadcaster.store.begin().await?;
        let head = journal::lock_head(tx.conn(), tenant).await?;
        let now = self.broadcaster.clock.now();
        let delivery = NewDelivery {
            tenant: tenant.clone(),
            id: LogId(head.log_id + 1),
            webhook: id,
            event_id: EventId::generate(),
            event_seq: None,
            event: catalogue::WEBHOOK_TEST,
            subject: None,
            owner: Owner::Server(self.broadcaster.server.clone()),
            payload: Some(events::webhook_test(tenant, id, caller.credential())),
        };
        test.is(tenant.clone(), delivery.id);
        let append = Append { tenant: tenant.clone(), head, events: Vec::new(), log_ids: 1 };
        journal::append(tx.conn(), vec![append], now).await?;
        deliveries::insert(tx.conn(), std::slice::from_ref(&delivery), now).await?;
        tx.commit().await?;
        Ok(delivery.id)
    }

    async fn finish_test(&self, attempt: Attempt) -> Result<()> {
        let mut tx = self.broadcaster.store.begin().await?;
        deliveries::finish(tx.conn(), Holder::Server(&self.broadcaster.server), &mut [attempt]).await?;
        Ok(tx.commit().await?)
    }

    /// Events from before then are no longer sent again; they are removed a little later.
    fn events_kept_since(&self) -> Timestamp {
        self.broadcaster.clock.now().minus(self.limits.events_kept)
    }

    /// Entries of an endpoint's log, newest first.
    #[boxed]
    pub async fn logs(&self, tenant: &TenantId, id: WebhookId, filter: Filter, limit: i64) -> Result<Page> {
        let mut snapshot = self.broadcaster.store.begin_snapshot().await?;
        rows::find(snapshot.conn(), tenant, id).await?.ok_or(UNKNOWN)?;
        Ok(deliveries::page(snapshot.conn(), tenant, &Filter { webhook: Some(id), ..filter }, limit).await?)
    }

    /// The tenant's failed deliveries, newest first, with a lower number than `before`.
    #[boxed]
    pub async fn failed(&self, tenant: &TenantId, before: Option<LogId>, limit: i64) -> Result<Page> {
        let mut reader = self.broadcaster.store.read().await?;
        let filter = Filter { status: Some("failed"), before, ..Filter::default() };
        Ok(deliveries::page(reader.conn(), tenant, &filter, limit).await?)
    }

    /// One entry of an endpoint's log with its attempts and its request.
    #[boxed]
    pub async fn log(&self, tenant: &TenantId, id: WebhookId, log: LogId) -> Result<LogDetail> {
        let mut reader = self.broadcaster.store.read().await?;
        let webhook = rows::find(reader.conn(), tenant, id).await?.ok_or(UNKNOWN)?;
        let entry = deliveries::entry(reader.conn(), tenant, id, log).await?.ok_or(UNKNOWN_LOG)?;
        let mut attempts = deliveries::attempts(reader.conn(), tenant, log).await?;
        let delivery = deliveries::find(reader.conn(), tenant, log).await?.ok_or(UNKNOWN_LOG)?;
        if attempts.is_empty() && entry.attempts > 0 {
            attempts.push(only_attempt(&entry));
        }
        let (headers, body) = request_of(&webhook, &delivery, &attempts, self.broadcaster.clock.now());
        Ok(LogDetail { entry, attempts, headers, body })
    }

    /// What is not delivered yet, over all tenants, as of a few seconds ago; none if it cannot be found out.
    #[boxed]
    pub async fn backlog(&self) -> Option<Backlog> {
        self.backlog.read(&self.broadcaster.store).await
    }

    /// What an endpoint's deliveries of the last `window` add up to.
    #[boxed]
    pub async fn stats(&self, tenant: &TenantId, id: WebhookId, window: Duration) -> Result<Stats> {
        let mut snapshot = self.broadcaster.store.begin_snapshot().await?;
        rows::find(snapshot.conn(), tenant, id).await?.ok_or(UNKNOWN)?;
        let since = self.broadcaster.clock.now().minus(window);
        Ok(deliveries::stats(snapshot.conn(), tenant, id, since).await?)
    }
}

/// A first attempt that succeeded has no row of its own: the entry says it all.
fn only_attempt(entry: &LogEntry) -> AttemptEntry {
    let ended_at = entry.completed_at.unwrap_or(entry.created_at);
    let duration_ms = entry.response_time_ms.unwrap_or_default();
    AttemptEntry {
        attempt: entry.attempts,
        attempted_at: ended_at - duration_ms,
        http_status: entry.http_status,
        duration_ms,
        error: entry.error.clone(),
        response_body: entry.response_body.clone(),
    }
}

fn request_of(
    webhook: &Webhook,
    delivery: &Delivery,
    attempts: &[AttemptEntry],
    now: Timestamp,
) -> (Vec<(String, String)>, Option<String>) {
    let (number, at) = attempts.last().map_or((1, now), |last| (last.attempt, Timestamp(last.attempted_at)));
    let headers = ::webhooks::request::headers(webhook, delivery, number, at);
    let body = delivery.payload.is_some().then(|| ::webhooks::request::body(webhook, delivery));
    (headers, body.map(|body| String::from_utf8_lossy(&body).into_owned()))
}

const UNKNOWN: Error = Error::NotFound("webhook");
const UNKNOWN_LOG: Error = Error::NotFound("log entry");

fn too_many_webhooks() -> Error {
    let message = format!("there are {WEBHOOKS_AT_MOST} webhooks, and no more are allowed: delete one first");
    conflict("too_many_webhooks", &message, "full")
}

/// While an endpoint is inactive nothing is queued.
fn inactive() -> Error {
    conflict("webhook_inactive", "the webhook is not active: activate it first", "inactive")
}

fn conflict(code: &'static str, message: &str, state: &str) -> Error {
    let details = vec![FieldProblem::new("state", state)];
    Error::Conflict { code, message: message.into(), details }
}
