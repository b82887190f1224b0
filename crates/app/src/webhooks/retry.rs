//! One delivery once more, because somebody asked for it.

use super::{UNKNOWN, UNKNOWN_LOG, Webhooks, conflict, inactive, only_attempt};
use crate::Result;
use crate::error::retrying;
use async_recursion::async_recursion as boxed;
use model::{LogId, TenantId, WebhookId};
use store::deliveries::{self, LogEntry};
use store::webhooks as rows;

impl Webhooks {
    /// Queues a finished delivery again: one more attempt now, and the retries of the schedule after it. Its attempts
    /// count on.
    #[boxed]
    pub async fn retry(&self, tenant: &TenantId, id: WebhookId, log: LogId) -> Result<LogEntry> {
        retrying(|| self.queue_again(tenant, id, log)).await?;
        self.broadcaster.engine.doorbell();
        let mut reader = self.broadcaster.store.read().await?;
        deliveries::entry(reader.conn(), tenant, id, log).await?.ok_or(UNKNOWN_LOG)
    }

    async fn queue_again(&self, tenant: &TenantId, id: WebhookId, log: LogId) -> Result<()> {
        let mut work = self.broadcaster.begin().await?;
        let webhook = rows::lock(work.conn(), tenant, id).await?.ok_or(UNKNOWN)?;
        let entry = deliveries::entry(work.conn(), tenant, id, log).await?.ok_or(UNKNOWN_LOG)?;
        if !webhook.is_active {
            return Err(inactive());
        }
        if !deliveries::has_payload(work.conn(), tenant, log, self.events_kept_since()).await? {
            return Err(conflict("event_pruned", "the event is no longer in the log", "pruned"));
        }
        if deliveries::attempts(work.conn(), tenant, log).await?.is_empty() && entry.attempts > 0 {
            deliveries::keep_only_attempt(work.conn(), tenant, log, &only_attempt(&entry)).await?;
        }
        if !deliveries::queue_again(work.conn(), tenant, log, self.broadcaster.clock.now()).await? {
            return Err(conflict("delivery_pending", "the delivery is still being tried", "pending"));
        }
        work.commit().await
    }
}
