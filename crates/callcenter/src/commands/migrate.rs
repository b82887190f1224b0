//! `migrate`: brings the schema up to date, or shows how far it is.

use crate::config::Config;
use crate::{database, output};
use serde_json::json;
use store::MigrationStatus;

/// Applies what is missing, or only shows it.
pub async fn run(config: &Config, only_status: bool, as_json: bool) -> anyhow::Result<()> {
    if only_status { status(config, as_json).await } else { apply(config, as_json).await }
}

async fn status(config: &Config, as_json: bool) -> anyhow::Result<()> {
    let store = match database::connect_untouched(&config.database).await? {
        Some(store) => store,
        None => database::connect_nowhere().await?,
    };
    let status = store::migration_status(&store).await?;
    store.close().await;
    if as_json {
        return output::line(list(&status));
    }
    let line = |m: &MigrationStatus| format!("{} {}", if m.applied { "applied" } else { "open   " }, m.name);
    output::line(status.iter().map(line).collect::<Vec<_>>().join("\n"))
}

async fn apply(config: &Config, as_json: bool) -> anyhow::Result<()> {
    let store = database::connect(&config.database).await?;
    let before = store::migration_status(&store).await?;
    store::migrate(&store).await?;
    let after = store::migration_status(&store).await?;
    store.close().await;
    if as_json {
        return output::line(list(&after));
    }
    for migration in before.iter().filter(|migration| !migration.applied) {
        output::line(format_args!("applied {}", migration.name))?;
    }
    output::line("The schema is up to date.")
}

fn list(status: &[MigrationStatus]) -> serde_json::Value {
    status.iter().map(|m| json!({ "name": m.name, "applied": m.applied })).collect()
}
