//! A tenant's policies. Knows nothing of where they are kept.

use crate::Timestamp;
use crate::agents::Policies;
use crate::queues::ServiceLevelCounts;
use serde::{Deserialize, Serialize};
use std::time::Duration;

const MILLISECONDS_OF_A_DAY: i64 = 86_400_000;

/// What a tenant may set, with what holds where it has not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TenantSettings {
    /// The time zone of its days, an IANA name.
    pub timezone: String,
    /// Its policies for agents.
    #[serde(flatten)]
    pub agents: Policies,
    /// Chats that an agent may have at a time.
    pub chat_capacity: u32,
    /// Who gives up waiting sooner is left out of every rate.
    pub short_abandon_seconds: u32,
    /// Which entries of queues count as good ones.
    pub service_level_counts: ServiceLevelCounts,
    /// After how many days a caller's personal data is erased; none: never.
    pub erase_after_days: Option<u32>,
}

impl Default for TenantSettings {
    fn default() -> Self {
        Self {
            timezone: "UTC".into(),
            agents: Policies::default(),
            chat_capacity: 3,
            short_abandon_seconds: 5,
            service_level_counts: ServiceLevelCounts::Answered,
            erase_after_days: None,
        }
    }
}

impl TenantSettings {
    /// Whether there is a time zone of that name.
    #[must_use]
    pub fn is_timezone(name: &str) -> bool {
        jiff::tz::db().get(name).is_ok()
    }

    /// The tenant's day of that moment, counted from 1970-01-01; UTC's where the time zone is unknown.
    #[must_use]
    pub fn day_of(&self, at: Timestamp) -> i64 {
        let utc = at.0.div_euclid(MILLISECONDS_OF_A_DAY);
        let Ok(moment) = jiff::Timestamp::from_millisecond(at.0) else { return utc };
        let Ok(zone) = jiff::tz::db().get(&self.timezone) else { return utc };
        let offset = i64::from(zone.to_offset(moment).seconds()) * 1000;
        at.0.saturating_add(offset).div_euclid(MILLISECONDS_OF_A_DAY)
    }

    /// When the tenant's day of that moment began; UTC's where the time zone is unknown.
    #[must_use]
    pub fn midnight_before(&self, at: Timestamp) -> Timestamp {
        let utc = Timestamp(at.0 - at.0.rem_euclid(MILLISECONDS_OF_A_DAY));
        let Ok(moment) = jiff::Timestamp::from_millisecond(at.0) else { return utc };
        let Ok(zone) = jiff::tz::db().get(&self.timezone) else { return utc };
        let Ok(midnight) = moment.to_zoned(zone).start_of_day() else { return utc };
        Timestamp(midnight.timestamp().as_millisecond())
    }

    /// The limit below which an abandoned wait is a short one.
    #[must_use]
    pub fn short_abandon(&self) -> Duration {
        Duration::from_secs(self.short_abandon_seconds.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_begins_at_the_tenants_midnight() {
        let at = |text: &str| Timestamp::parse_rfc3339(text).unwrap();
        let zone = |name: &str| TenantSettings { timezone: name.into(), ..TenantSettings::default() };
        let utc = zone("UTC").day_of(at("2026-07-01T22:30:00Z"));
        assert_eq!(utc, 20_635);
        assert_eq!(zone("Europe/Berlin").day_of(at("2026-07-01T22:30:00Z")), utc + 1);
        assert_eq!(
            zone("Europe/Berlin").day_of(at("2026-01-01T22:30:00Z")),
            zone("UTC").day_of(at("2026-01-01T00:00:00Z"))
        );
        assert_eq!(zone("America/New_York").day_of(at("2026-07-02T03:59:59Z")), utc);
        let begins = |name: &str, at_: &str| zone(name).midnight_before(at(at_));
        assert_eq!(begins("UTC", "2026-07-01T22:30:00Z"), at("2026-07-01T00:00:00Z"));
        assert_eq!(begins("Europe/Berlin", "2026-07-01T22:30:00Z"), at("2026-07-01T22:00:00Z"));
        // The day on which clocks are set forward.
        assert_eq!(begins("Europe/Berlin", "2026-03-29T12:00:00Z"), at("2026-03-28T23:00:00Z"));
        assert_eq!(begins("Mars/Olympus", "2026-07-01T22:30:00Z"), at("2026-07-01T00:00:00Z"));
        assert!(TenantSettings::is_timezone("Asia/Kolkata") && !TenantSettings::is_timezone("Mars/Olympus"));
    }

    #[test]
    fn what_a_tenant_has_not_set_is_as_the_product_has_it() {
        let some: TenantSettings = serde_json::from_str(r#"{"grace_seconds":60}"#).unwrap();
        assert_eq!((some.agents.grace_seconds, some.agents.logout_seconds, some.chat_capacity), (60, 300, 3));
        let text = serde_json::to_string(&some).unwrap();
        assert_eq!(serde_json::from_str::<TenantSettings>(&text).unwrap(), some);
    }
}
