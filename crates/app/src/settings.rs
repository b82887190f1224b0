//! A tenant's policies: shown, checked, changed.

use crate::Result;
use crate::broadcaster::Broadcaster;
use crate::error::retrying;
use crate::fields::Problems;
use async_recursion::async_recursion as boxed;
use model::agents::DisconnectPolicy;
use model::queues::ServiceLevelCounts;
use model::{TenantId, TenantSettings};
use std::ops::RangeInclusive;
use std::sync::Arc;
use store::{agents, settings as rows};

/// An hour without a connection is no grace any more.
pub const GRACE_SECONDS: RangeInclusive<i64> = 0..=3600;
/// A day: longer than any duty.
pub const LOGOUT_SECONDS: RangeInclusive<i64> = 0..=86_400;
/// Offers in a row; 0: never away.
pub const OFFERS: RangeInclusive<i64> = 0..=100;
/// Two hours.
pub const WRAP_UP_SECONDS: RangeInclusive<i64> = 0..=7200;
/// Chats that a person can have in view.
pub const CHATS: RangeInclusive<i64> = 0..=100;
/// Whoever waited five minutes did not give up soon.
pub const SHORT_ABANDON_SECONDS: RangeInclusive<i64> = 0..=300;
/// Ten years.
pub const ERASE_DAYS: RangeInclusive<i64> = 1..=3650;

/// What is to change about a tenant's settings.
#[derive(Debug, Clone, Default)]
pub struct SettingsPatch {
    /// An IANA name.
    pub timezone: Option<String>,
    /// `two_step` or `keep`.
    pub disconnect_policy: Option<String>,
    /// Until an agent without a connection is away.
    pub grace_seconds: Option<i64>,
    /// Until an agent without a connection is off duty.
    pub logout_seconds: Option<i64>,
    /// Missed offers in a row that make away.
    pub missed_offers_to_away: Option<i64>,
    /// Declined offers in a row that make away.
    pub declined_offers_to_away: Option<i64>,
    /// How long a wrap-up may become.
    pub wrap_up_max_seconds: Option<i64>,
    /// Chats that an agent may have at a time.
    pub chat_capacity: Option<i64>,
    /// Who gives up waiting sooner is left out of every rate.
    pub short_abandon_seconds: Option<i64>,
    /// `answered` or `answered_or_abandoned`.
    pub service_level_counts: Option<String>,
    /// Days until a caller's personal data is erased, or never.
    pub erase_after_days: Option<Option<i64>>,
}

/// Manages tenants' settings.
pub struct TenantPolicies {
    broadcaster: Arc<Broadcaster>,
}

impl TenantPolicies {
    pub(crate) fn new(broadcaster: Arc<Broadcaster>) -> Self {
        Self { broadcaster }
    }

    /// The tenant's settings.
    #[boxed]
    pub async fn get(&self, tenant: &TenantId) -> Result<TenantSettings> {
        let mut reader = self.broadcaster.store.read().await?;
        Ok(rows::find(reader.conn(), tenant).await?)
    }

    /// Changes some of them, all or none.
    #[boxed]
    pub async fn update(&self, tenant: &TenantId, patch: &SettingsPatch) -> Result<TenantSettings> {
        retrying(|| async {
            let mut work = self.broadcaster.begin().await?;
            let now = self.broadcaster.clock.now();
            let before = rows::lock(work.conn(), tenant, now).await?;
            let after = patched(&before, patch)?;
            if after != before {
                rows::put(work.conn(), tenant, &after, now).await?;
            }
            if after.agents != before.agents {
                // Timers come at other moments now. All who are on duty, so that none is missed whose connection is just found
                // to be gone by the old policies.
                agents::look_at_all(work.conn(), tenant).await?;
            }
            work.commit().await?;
            Ok(after)
        })
        .await
    }
}

fn patched(before: &TenantSettings, patch: &SettingsPatch) -> Result<TenantSettings> {
    let (mut after, mut problems) = (before.clone(), Problems::default());
    if let Some(name) = &patch.timezone {
        let is_known = TenantSettings::is_timezone(name);
        problems.check(is_known, "timezone", "must be an IANA name such as UTC or Europe/Berlin");
        after.timezone.clone_from(name);
    }
    if let Some(word) = &patch.disconnect_policy {
        let policy = DisconnectPolicy::parse(word);
        problems.check(policy.is_some(), "disconnect_policy", "must be two_step or keep");
        after.agents.disconnect_policy = policy.unwrap_or(after.agents.disconnect_policy);
    }
    if let Some(word) = &patch.service_level_counts {
        let counts = ServiceLevelCounts::parse(word);
        let allowed = "must be answered or answered_or_abandoned";
        problems.check(counts.is_some(), "service_level_counts", allowed);
        after.service_level_counts = counts.unwrap_or(after.service_level_counts);
    }
    let agents = &mut after.agents;
    for (field, value, allowed, place) in [
        ("grace_seconds", patch.grace_seconds, GRACE_SECONDS, &mut agents.grace_seconds),
        ("logout_seconds", patch.logout_seconds, LOGOUT_SECONDS, &mut agents.logout_seconds),
        ("missed_offers_to_away", patch.missed_offers_to_away, OFFERS, &mut agents.missed_offers_to_away),
        (
            "declined_offers_to_away",
            patch.declined_offers_to_away,
            OFFERS,
            &mut agents.declined_offers_to_away,
        ),
        ("wrap_up_max_seconds", patch.wrap_up_max_seconds, WRAP_UP_SECONDS, &mut agents.wrap_up_max_seconds),
        ("chat_capacity", patch.chat_capacity, CHATS, &mut after.chat_capacity),
        (
            "short_abandon_seconds",
            patch.short_abandon_seconds,
            SHORT_ABANDON_SECONDS,
            &mut after.short_abandon_seconds,
        ),
    ] {
        if let Some(number) = value.and_then(|value| within(&mut problems, field, value, &allowed)) {
            *place = number;
        }
    }
    match patch.erase_after_days {
        Some(Some(days)) => {
            after.erase_after_days = within(&mut problems, "erase_after_days", days, &ERASE_DAYS);
        }
        Some(None) => after.erase_after_days = None,
        None => {}
    }
    if after.agents.logout_seconds < after.agents.grace_seconds {
        let (field, message) = if patch.logout_seconds.is_some() {
            ("logout_seconds", "must not be less than grace_seconds")
        } else {
            ("grace_seconds", "must not be more than logout_seconds")
        };
        problems.add(field, message);
    }
    problems.into_result()?;
    Ok(after)
}

fn within(problems: &mut Problems, field: &str, value: i64, allowed: &RangeInclusive<i64>) -> Option<u32> {
    let number = u32::try_from(value).ok().filter(|_| allowed.contains(&value));
    problems.check(
        number.is_some(),
        field,
        &format!("must be a whole number from {} to {}", allowed.start(), allowed.end()),
    );
    number
}
