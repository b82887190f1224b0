//! A tenant's policies. Knows nothing of where they are kept.

use crate::agents::Policies;
use serde::{Deserialize, Serialize};
use std::time::Duration;

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
            erase_after_days: None,
        }
    }
}

impl TenantSettings {
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
    fn what_a_tenant_has_not_set_is_as_the_product_has_it() {
        let some: TenantSettings = serde_json::from_str(r#"{"grace_seconds":60}"#).unwrap();
        assert_eq!((some.agents.grace_seconds, some.agents.logout_seconds, some.chat_capacity), (60, 300, 3));
        let text = serde_json::to_string(&some).unwrap();
        assert_eq!(serde_json::from_str::<TenantSettings>(&text).unwrap(), some);
    }
}
