//! Masks callers' personal data that is older than its tenant wants it kept (`erase_after_days`): in calls that have ended, in
//! the log, and in the copies of payloads that deliveries keep. What is masked already looks the same masked again. What
//! endpoints answered to such deliveries goes too.

use super::Retention;
use super::failures::Failures;
use crate::Result;
use model::{EventName, TenantId, TenantSettings, Timestamp, personal};
use serde_json::value::RawValue;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use store::erasing::{self as rows, Found, Place};
use store::{calls, settings};

const DAY: Duration = Duration::from_secs(24 * 3600);
/// Tenants that one look at their settings finds.
const TENANTS: i64 = 100;
/// Payloads that one transaction looks at: of 64 KiB each at most, 6 MiB.
const PAYLOADS: i64 = 100;
/// Calls that one transaction masks.
const CALLS: i64 = 50;

/// Where personal data is.
#[derive(Debug, Clone, Copy)]
pub(super) enum Erased {
    Calls,
    Payloads(Place),
}

/// How far each tenant's payloads are masked. Only in memory: after a restart those that are still kept are looked at again.
/// Two numbers for each tenant that wants anything erased.
#[derive(Default)]
pub(super) struct Reached(Mutex<HashMap<(TenantId, Place), i64>>);

impl Reached {
    fn get(&self, tenant: &TenantId, place: Place) -> i64 {
        let reached = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        reached.get(&(tenant.clone(), place)).copied().unwrap_or(0)
    }

    fn set(&self, tenant: &TenantId, place: Place, number: i64) {
        let mut reached = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        reached.insert((tenant.clone(), place), number);
    }
}

impl Retention {
    pub(super) async fn erase_personal_data(&self, now: Timestamp, failures: &mut Failures) -> Result<()> {
        let mut last = String::new();
        loop {
            let page = self.settings_behind(&last).await;
            let tenants = match page {
                Ok(tenants) => tenants,
                failed => {
                    return self.go_on(failures, "settings", None, failed.map(|_| ())).await;
                }
            };
            let Some((end, _)) = tenants.last() else { return Ok(()) };
            last.clone_from(end);
            for (id, settings) in tenants {
                // Nothing that this program wrote.
                let Ok(tenant) = TenantId::parse(&id) else { continue };
                match settings {
                    Ok(settings) => {
                        let Some(days) = settings.erase_after_days else { continue };
                        self.erase_of(&tenant, now.minus(DAY * days), now, failures).await?;
                    }
                    Err(error) => {
                        let unread = Err(error.into());
                        self.go_on(failures, "settings", Some(&tenant), unread).await?;
                    }
                }
            }
        }
    }

    async fn settings_behind(&self, last: &str) -> Result<Vec<(String, store::Result<TenantSettings>)>> {
        let mut reader = self.store.read().await?;
        Ok(settings::page(reader.conn(), last, TENANTS).await?)
    }

    async fn erase_of(
        &self,
        tenant: &TenantId,
        before: Timestamp,
        now: Timestamp,
        failures: &mut Failures,
    ) -> Result<()> {
        for what in [Erased::Calls, Erased::Payloads(Place::Events), Erased::Payloads(Place::Deliveries)] {
            let done = self.erase_all(what, tenant, before, now).await;
            self.go_on(failures, what, Some(tenant), done).await?;
        }
        Ok(())
    }

    async fn erase_all(
        &self,
        what: Erased,
        tenant: &TenantId,
        before: Timestamp,
        now: Timestamp,
    ) -> Result<()> {
        match what {
            Erased::Calls => while self.paced(|| self.erase_calls(tenant, before, now)).await? {},
            Erased::Payloads(place) => {
                while self.paced(|| self.erase_payloads(place, tenant, before)).await? {}
            }
        }
        Ok(())
    }

    /// Masks some calls; gives whether there may be more.
    async fn erase_calls(&self, tenant: &TenantId, before: Timestamp, now: Timestamp) -> Result<bool> {
        let mut reader = self.store.read().await?;
        let ids = calls::erasable(reader.conn(), tenant, before, CALLS).await?;
        drop(reader);
        if ids.is_empty() {
            return Ok(false);
        }
        let mut tx = self.store.begin().await?;
        for id in &ids {
            if let Some(known) = calls::lock(tx.conn(), tenant, id).await? {
                let masked = personal::masked_call(known.call);
                calls::erase(tx.conn(), tenant, &masked, now).await?;
            }
        }
        tx.commit().await?;
        Ok(true)
    }

    /// Masks some payloads; gives whether there may be more.
    async fn erase_payloads(&self, place: Place, tenant: &TenantId, before: Timestamp) -> Result<bool> {
        let mut reader = self.store.read().await?;
        let after = self.erased.get(tenant, place);
        let found = rows::page(reader.conn(), place, tenant, after, before, PAYLOADS).await?;
        drop(reader);
        let Some(last) = found.last().map(|last| last.number) else { return Ok(false) };
        let answered = found.iter().filter(|found| place == Place::Deliveries && may_hold_some(found));
        let answered: Vec<i64> = answered.map(|found| found.number).collect();
        let changed: Vec<(i64, String)> = found.into_iter().filter_map(masked).collect();
        if !(changed.is_empty() && answered.is_empty()) {
            let mut tx = self.store.begin().await?;
            for (number, payload) in &changed {
                rows::replace(tx.conn(), place, tenant, *number, payload).await?;
            }
            rows::forget_answers(tx.conn(), tenant, &answered).await?;
            tx.commit().await?;
        }
        self.erased.set(tenant, place, last);
        Ok(true)
    }
}

fn may_hold_some(found: &Found) -> bool {
    EventName::parse(&found.event).is_ok_and(|name| personal::is_in(&name))
}

/// The payload masked, if that makes a difference.
fn masked(found: Found) -> Option<(i64, String)> {
    let name = EventName::parse(&found.event).ok()?;
    let payload = RawValue::from_string(found.payload?).ok()?;
    let masked = personal::masked(&name, &payload);
    (masked.get() != payload.get()).then(|| (found.number, masked.get().to_owned()))
}
