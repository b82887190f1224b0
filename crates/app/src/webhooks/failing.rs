//! Tells of endpoints that do not take their deliveries, and gives them up in the end. What is to be said is read from the
//! database now and then, so that no crash makes it unsaid; saying it and noting that it was said is one transaction.

use super::{Webhooks, draft};
use crate::broadcaster::Work;
use crate::error::retrying;
use crate::events::{self, WebhookDisabled, WebhookFailing};
use crate::{Error, Result};
use async_recursion::async_recursion as boxed;
use model::{TenantId, Timestamp, WebhookId};
use std::time::Duration;
use store::deliveries;
use store::failing::{self, Failing, Since};
use store::webhooks::{self as rows, Webhook};

/// Attempts in a row without success that are worth telling.
const TELL_AFTER: i64 = 5;
/// Attempts in a row without success that an endpoint has in any case.
const BEAR_ATTEMPTS: i64 = 10;
/// How long before its end an endpoint is warned of again.
const WARNING: Duration = Duration::from_secs(24 * 3600);
/// How often to look. The query reads the endpoints that fail and no others.
const LOOK: Duration = Duration::from_millis(500);
/// Endpoints told of in one look.
const TOGETHER: i64 = 100;

/// What was said of an endpoint, as stored.
const TOLD_FAILING: i64 = 1;
const TOLD_ENDING: i64 = 2;
const TOLD_ENDED: i64 = 3;

/// What the store is asked for.
fn since(now: Timestamp, disable_after: Duration) -> Since {
    // Where all the time there is is a day, its begin is no news beside the first telling.
    let warned_after =
        disable_after.checked_sub(WARNING).filter(|rest| !rest.is_zero()).unwrap_or(disable_after);
    Since {
        failing_after: TELL_AFTER,
        disabled_after: BEAR_ATTEMPTS,
        warned: now.minus(warned_after),
        disabled: now.minus(disable_after),
    }
}

/// What is to be said now, as stored; `None` if nothing is.
fn next(found: &Failing, since: Since) -> Option<i64> {
    let failing_since = Timestamp(found.failing_since?);
    let ended = found.consecutive_failures >= since.disabled_after && failing_since <= since.disabled;
    if ended {
        return (found.told < TOLD_ENDED).then_some(TOLD_ENDED);
    }
    let failing = found.consecutive_failures >= since.failing_after;
    if failing && failing_since <= since.warned {
        return (found.told < TOLD_ENDING).then_some(TOLD_ENDING);
    }
    (failing && found.told == 0).then_some(TOLD_FAILING)
}

impl Webhooks {
    /// Tells of failing endpoints until it is dropped.
    #[boxed]
    pub async fn watch_failing(&self) {
        loop {
            if let Err(error) = self.tell_of_failing().await {
                tracing::debug!(%error, "Telling of failing endpoints is put off");
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    async fn tell_of_failing(&self) -> Result<()> {
        let mut reader = self.broadcaster.store.read().await?;
        let since = since(self.broadcaster.clock.now(), self.limits.disable_after);
        let due = failing::due(reader.conn(), since, TOGETHER).await?;
        drop(reader);
        for (tenant, id) in due {
            match retrying(|| self.tell(&tenant, id, since)).await {
                Ok(true) => {
                    self.make_due(&tenant, id).await;
                    self.broadcaster.engine.changed(id);
                }
                Ok(false) => {}
                Err(Error::Store(error)) if error.is_unavailable() => return Err(error.into()),
                // One row that cannot be read must not keep the others from being told of.
                Err(error) => {
                    tracing::warn!(tenant_id = %tenant, webhook_id = %id, %error, "Webhook's failures not told");
                }
            }
        }
        Ok(())
    }

    /// Gives whether the endpoint was switched off.
    async fn tell(&self, tenant: &TenantId, id: WebhookId, since: Since) -> Result<bool> {
        let mut work = self.broadcaster.begin().await?;
        let webhook = rows::lock(work.conn(), tenant, id).await?;
        let Some(found) = failing::find(work.conn(), tenant, id).await? else { return Ok(false) };
        let Some(told) = next(&found, since) else { return Ok(false) };
        let Some(webhook) = webhook.filter(|webhook| webhook.is_active) else {
            // Nobody waits for news of an endpoint that is switched off or gone.
            failing::tell(work.conn(), tenant, id, &found, TOLD_ENDED).await?;
            work.commit().await?;
            return Ok(false);
        };
        if told == TOLD_ENDED {
            self.switch_off(&mut work, webhook, "failures").await?;
        } else {
            let oldest_pending_at = failing::oldest_waiting(work.conn(), tenant, id).await?;
            work.emit(
                tenant,
                events::webhook_failing(&WebhookFailing {
                    webhook_id: id,
                    tenant_id: tenant,
                    url_host: draft::host_of(&webhook.url),
                    consecutive_failures: found.consecutive_failures,
                    first_failure_at: Timestamp(found.failing_since.unwrap_or_default()),
                    last_status: found.last_status,
                    last_error: found.last_error.as_deref().unwrap_or_default(),
                    oldest_pending_at,
                }),
            );
        }
        // Last, as deliveries lock their own rows before this one.
        if !failing::tell(work.conn(), tenant, id, &found, told).await? {
            return Ok(false);
        }
        work.commit().await?;
        Ok(told == TOLD_ENDED)
    }

    /// Switches off an endpoint that said it is gone (410), and says so.
    #[boxed]
    pub async fn disable_gone(&self, tenant: &TenantId, id: WebhookId) -> Result<()> {
        let switched_off = retrying(|| async {
            let mut work = self.broadcaster.begin().await?;
            let webhook = rows::lock(work.conn(), tenant, id).await?;
            let Some(webhook) = webhook.filter(|webhook| webhook.is_active) else { return Ok(false) };
            self.switch_off(&mut work, webhook, "gone_410").await?;
            work.commit().await?;
            Ok(true)
        });
        if switched_off.await? {
            self.make_due(tenant, id).await;
        }
        self.broadcaster.engine.changed(id);
        Ok(())
    }

    async fn switch_off(&self, work: &mut Work<'_>, webhook: Webhook, reason: &'static str) -> Result<()> {
        let now = self.broadcaster.clock.now();
        let disabled_reason = Some(reason.to_owned());
        let off = Webhook { is_active: false, disabled_reason, updated_at: now, ..webhook };
        rows::update(work.conn(), &off).await?;
        work.webhooks_edited(&off.tenant);
        self.say_switched_off(work, &off, reason, now).await
    }

    /// Says that an endpoint is inactive from `now` on.
    pub(super) async fn say_switched_off(
        &self,
        work: &mut Work<'_>,
        off: &Webhook,
        reason: &'static str,
        now: Timestamp,
    ) -> Result<()> {
        let undelivered = deliveries::count_pending(work.conn(), &off.tenant, off.id).await?;
        work.emit(
            &off.tenant,
            events::webhook_disabled(&WebhookDisabled {
                webhook_id: off.id,
                tenant_id: &off.tenant,
                url_host: draft::host_of(&off.url),
                reason,
                at: now,
                undelivered,
                can_replay_until: now.plus(self.limits.events_kept),
            }),
        );
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 24 * 3600 * 1000;
    const NOW: Timestamp = Timestamp(100 * DAY);
    const THREE_DAYS: Duration = Duration::from_secs(72 * 3600);

    fn failing(consecutive_failures: i64, days: i64, told: i64) -> Failing {
        Failing { consecutive_failures, failing_since: Some(NOW.0 - days * DAY), told, ..Failing::default() }
    }

    #[test]
    fn five_failures_then_the_last_day_then_the_end_are_told_once_each() {
        let since = since(NOW, THREE_DAYS);
        for (found, expected) in [
            (failing(4, 0, 0), None),
            (failing(5, 0, 0), Some(TOLD_FAILING)),
            (failing(9, 1, 1), None),
            (failing(9, 2, 1), Some(TOLD_ENDING)),
            (failing(9, 2, 2), None),
            (failing(9, 3, 2), None),
            (failing(10, 3, 2), Some(TOLD_ENDED)),
            (failing(10, 3, 0), Some(TOLD_ENDED)),
            (failing(99, 3, 3), None),
            (Failing::default(), None),
        ] {
            assert_eq!(next(&found, since), expected, "{found:?}");
        }
    }

    #[test]
    fn where_a_day_is_all_there_is_it_is_told_of_once() {
        let since = since(NOW, Duration::from_secs(3600));
        assert_eq!(next(&failing(5, 0, 1), since), None);
        assert_eq!(next(&failing(10, 1, 1), since), Some(TOLD_ENDED));
    }
}
