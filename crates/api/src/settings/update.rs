//! `PATCH /api/v1/settings`

use super::SettingsBody;
use crate::envelope::{Ok200, Success};
use crate::error::Result;
use crate::extract::{Body, Caller, given, not_null};
use crate::state::ApiState;
use app::settings::SettingsPatch;
use axum::extract::State;
use serde::Deserialize;
use std::sync::Arc;
use utoipa::ToSchema;

/// What is left out stays.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct UpdateSettings {
    /// An IANA name, such as Europe/Berlin.
    #[serde(deserialize_with = "not_null")]
    #[schema(value_type = String, required = false, example = "Europe/Berlin")]
    timezone: Option<String>,
    /// `two_step` or `keep`.
    #[serde(deserialize_with = "not_null")]
    #[schema(value_type = String, required = false, example = "two_step")]
    disconnect_policy: Option<String>,
    #[serde(deserialize_with = "not_null")]
    #[schema(value_type = i64, required = false, minimum = 0, maximum = 3600)]
    grace_seconds: Option<i64>,
    /// Not less than `grace_seconds`.
    #[serde(deserialize_with = "not_null")]
    #[schema(value_type = i64, required = false, minimum = 0, maximum = 86400)]
    logout_seconds: Option<i64>,
    /// 0: never.
    #[serde(deserialize_with = "not_null")]
    #[schema(value_type = i64, required = false, minimum = 0, maximum = 100)]
    missed_offers_to_away: Option<i64>,
    /// 0: never.
    #[serde(deserialize_with = "not_null")]
    #[schema(value_type = i64, required = false, minimum = 0, maximum = 100)]
    declined_offers_to_away: Option<i64>,
    #[serde(deserialize_with = "not_null")]
    #[schema(value_type = i64, required = false, minimum = 0, maximum = 7200)]
    wrap_up_max_seconds: Option<i64>,
    #[serde(deserialize_with = "not_null")]
    #[schema(value_type = i64, required = false, minimum = 0, maximum = 100)]
    chat_capacity: Option<i64>,
    #[serde(deserialize_with = "not_null")]
    #[schema(value_type = i64, required = false, minimum = 0, maximum = 300)]
    short_abandon_seconds: Option<i64>,
    /// `answered` or `answered_or_abandoned`.
    #[serde(deserialize_with = "not_null")]
    #[schema(value_type = String, required = false, example = "answered")]
    service_level_counts: Option<String>,
    /// Null: never.
    #[serde(deserialize_with = "given")]
    #[schema(value_type = Option<i64>, minimum = 1, maximum = 3650)]
    erase_after_days: Option<Option<i64>>,
}

/// Change the tenant's settings
///
/// In force at once, also for timers that run already.
#[utoipa::path(patch, path = "/api/v1/settings", tag = "Settings", request_body = UpdateSettings,
    responses((status = 200, body = Success<SettingsBody>)))]
pub(crate) async fn update(
    State(state): State<Arc<ApiState>>,
    Caller(caller): Caller,
    Body(patch): Body<UpdateSettings>,
) -> Result<Ok200<SettingsBody>> {
    let patch = SettingsPatch {
        timezone: patch.timezone,
        disconnect_policy: patch.disconnect_policy,
        grace_seconds: patch.grace_seconds,
        logout_seconds: patch.logout_seconds,
        missed_offers_to_away: patch.missed_offers_to_away,
        declined_offers_to_away: patch.declined_offers_to_away,
        wrap_up_max_seconds: patch.wrap_up_max_seconds,
        chat_capacity: patch.chat_capacity,
        short_abandon_seconds: patch.short_abandon_seconds,
        service_level_counts: patch.service_level_counts,
        erase_after_days: patch.erase_after_days,
    };
    Ok(Ok200(state.app.settings.update(&caller.tenant, &patch).await?.into()))
}
