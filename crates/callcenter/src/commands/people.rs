//! `admin create` and `user reset-password`.

use crate::cli::PasswordSource;
use crate::config::Config;
use crate::{output, passwords};
use model::TenantId;
use serde_json::json;

/// Who is to be an admin.
pub struct NewAdmin {
    /// Where.
    pub tenant: TenantId,
    /// The address to sign in with.
    pub email: String,
    /// The name to show.
    pub name: Option<String>,
}

/// Adds an admin to a tenant.
pub async fn create_admin(
    config: &Config,
    new: NewAdmin,
    source: PasswordSource,
    as_json: bool,
) -> anyhow::Result<()> {
    let password = passwords::read(source.password_stdin)?;
    let (store, clock) = super::open_to_write(config).await?;
    let NewAdmin { tenant, email, name } = new;
    let hashing = config.hashing();
    let id = app::setup::create_admin(&store, &clock, &hashing, &tenant, &email, name.as_deref(), &password)
        .await?;
    store.close().await;
    if as_json {
        output::line(json!({ "id": id.as_str(), "tenant_id": tenant.as_str(), "email": email }))
    } else {
        output::line(format_args!("Created the admin {email} ({id}) of the tenant {tenant}."))
    }
}

/// Sets a user's password and ends the user's sessions on every server.
pub async fn reset_password(
    config: &Config,
    email: &str,
    source: PasswordSource,
    as_json: bool,
) -> anyhow::Result<()> {
    let password = passwords::read(source.password_stdin)?;
    let (store, clock) = super::open_to_write(config).await?;
    app::setup::reset_password(&store, &clock, &config.hashing(), email, &password).await?;
    store.close().await;
    if as_json {
        output::line(json!({ "email": email }))
    } else {
        output::line(format_args!("Set the password of {email} and ended the user's sessions."))
    }
}
