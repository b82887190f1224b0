//! `tenant create`.

use crate::config::Config;
use crate::{database, output};
use model::TenantId;
use serde_json::json;

/// Adds a tenant; to a new database, too, so that production can be set up before its first start.
pub async fn create(config: &Config, id: Option<TenantId>, name: &str, as_json: bool) -> anyhow::Result<()> {
    let (store, clock) = super::prepared(database::connect(&config.database).await?).await?;
    let id = app::setup::create_tenant(&store, &clock, id, name).await?;
    store.close().await;
    if as_json {
        output::line(json!({ "id": id.as_str(), "name": name }))
    } else {
        output::line(format_args!("Created the tenant {id}."))
    }
}
