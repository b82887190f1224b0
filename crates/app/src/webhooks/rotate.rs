//! A new secret for an endpoint, with a time in which receivers may still verify by the old one.

use super::{Webhooks, draft};
use crate::{Caller, Result};
use async_recursion::async_recursion as boxed;
use model::WebhookId;
use std::time::Duration;
use store::webhooks::Webhook;

/// How long the old secret signs beside the new one.
const OVERLAP: Duration = Duration::from_secs(24 * 3600);

impl Webhooks {
    /// Gives the endpoint a new secret: that one, or a strong one made here. What was still valid before the old one no
    /// longer is.
    #[boxed]
    pub async fn rotate_secret(
        &self,
        caller: &Caller,
        id: WebhookId,
        secret: Option<&str>,
    ) -> Result<Webhook> {
        draft::check_new_secret(secret)?;
        let made = ::webhooks::secret::generate();
        let secret = secret.unwrap_or(&made);
        let (webhook, _) = self
            .edit(caller, id, |before, now| {
                let mut after = Webhook { updated_at: now, ..before };
                let old = std::mem::replace(&mut after.secret, secret.to_owned());
                // A call repeated with the same secret must not shorten the old one's time.
                if old != after.secret {
                    after.previous_secret = Some((old, now.plus(OVERLAP)));
                }
                Ok(after)
            })
            .await?;
        Ok(webhook)
    }
}
