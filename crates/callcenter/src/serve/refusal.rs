//! Production's refusals at start: all reasons at once, before anything is made or changed.

use crate::config::{Config, refusals};
use crate::database;

/// Fails with every reason not to start. Development starts with anything.
pub async fn check(config: &Config) -> anyhow::Result<()> {
    if !config.is_production() {
        return Ok(());
    }
    let mut reasons: Vec<String> =
        refusals(config).into_iter().map(|(variable, reason)| format!("{variable} {reason}")).collect();
    if development_admin_is_open(config).await {
        let email = app::setup::DEVELOPMENT_EMAIL;
        reasons.push(format!(
            "the account {email} has the password that everybody knows: run callcenter user reset-password --email {email}"
        ));
    }
    if reasons.is_empty() {
        return Ok(());
    }
    anyhow::bail!("production does not start like this:\n  {}", reasons.join("\n  "))
}

/// Whether the account of development is there with its password. A database that cannot be asked has its own error
/// later, and one without that table has no such account.
async fn development_admin_is_open(config: &Config) -> bool {
    let Ok(Some(store)) = database::connect_untouched(&config.database).await else { return false };
    let is_open = app::setup::development_admin_is_open(&store).await.unwrap_or(false);
    store.close().await;
    is_open
}
