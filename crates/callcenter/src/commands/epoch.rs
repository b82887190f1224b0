//! `epoch new`: after a backup was restored.

use crate::config::Config;
use crate::output;
use serde_json::json;

/// Gives the log a new epoch.
pub async fn new(config: &Config, as_json: bool) -> anyhow::Result<()> {
    let (store, _) = super::open_to_write(config).await?;
    let epoch = app::epoch::renew(&store).await?;
    store.close().await;
    if as_json {
        output::line(json!({ "epoch": epoch }))
    } else {
        output::line(format_args!(
            "The log's epoch is now {epoch}. Servers that run go on in it within seconds; their clients start over."
        ))
    }
}
