//! The tenant's policies. For admins.

mod get;
mod update;

use crate::state::ApiState;
use model::TenantSettings;
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) fn routes() -> OpenApiRouter<Arc<ApiState>> {
    OpenApiRouter::new().routes(routes!(get::get, update::update))
}

/// A tenant's settings.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Settings)]
pub(crate) struct SettingsBody {
    /// The time zone of the tenant's days, an IANA name.
    #[schema(example = "UTC")]
    timezone: String,
    /// What becomes of agents without a connection. `two_step`: away, then off duty. `keep`: nothing, for agents with a desk
    /// phone and no browser.
    #[schema(example = "two_step")]
    disconnect_policy: &'static str,
    /// How long the last connection is gone before an agent is away.
    grace_seconds: u32,
    /// How long the last connection is gone before an agent who is away is off duty.
    logout_seconds: u32,
    /// So many missed offers in a row make an agent away; 0: never.
    missed_offers_to_away: u32,
    /// So many declined offers in a row make an agent away; 0: never.
    declined_offers_to_away: u32,
    /// How long a wrap-up may become by extending it.
    wrap_up_max_seconds: u32,
    /// Chats that an agent may have at a time.
    chat_capacity: u32,
    /// Who gives up waiting sooner is left out of every rate.
    short_abandon_seconds: u32,
    /// Which entries the service level counts as good ones. `answered`: those answered within the queue's threshold.
    /// `answered_or_abandoned`: those that were given up within it as well, short ones still left out.
    #[schema(example = "answered")]
    service_level_counts: &'static str,
    /// After how many days a caller's personal data is erased; null: never.
    #[schema(required = true)]
    erase_after_days: Option<u32>,
}

impl From<TenantSettings> for SettingsBody {
    fn from(settings: TenantSettings) -> Self {
        let agents = settings.agents;
        Self {
            timezone: settings.timezone,
            disconnect_policy: agents.disconnect_policy.as_str(),
            grace_seconds: agents.grace_seconds,
            logout_seconds: agents.logout_seconds,
            missed_offers_to_away: agents.missed_offers_to_away,
            declined_offers_to_away: agents.declined_offers_to_away,
            wrap_up_max_seconds: agents.wrap_up_max_seconds,
            chat_capacity: settings.chat_capacity,
            short_abandon_seconds: settings.short_abandon_seconds,
            service_level_counts: settings.service_level_counts.as_str(),
            erase_after_days: settings.erase_after_days,
        }
    }
}
