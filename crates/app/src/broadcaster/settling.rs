//! After a commit without an answer: finds out whether it took place.

use crate::{Error, Result};
use model::{ApiKeyId, Event, TenantId, UserId, WebhookId};
use std::sync::Arc;
use store::{Conn, Store, api_keys, journal, users, webhooks};

/// A transaction whose commit got no answer may hold its locks for a while: each look waits 2 s for them.
const SETTLING_ATTEMPTS: usize = 3;

/// What is there if the transaction took place and not otherwise. One row tells for all: they stand or fall together.
pub(crate) enum Trace {
    /// An event in the log.
    Event(Arc<Event>),
    /// An endpoint with a secret that it did not have before.
    Secret(TenantId, WebhookId, String),
    /// A new key.
    Key(TenantId, ApiKeyId),
    /// A new user.
    User(TenantId, UserId),
}

impl Trace {
    /// Waits for whoever holds the row, so that the answer is final.
    async fn is_there(&self, conn: Conn<'_>) -> store::Result<bool> {
        Ok(match self {
            Self::Event(event) => journal::was_committed(conn, &event.tenant, event.seq, &event.id).await?,
            Self::Secret(tenant, id, secret) => {
                webhooks::lock(conn, tenant, *id).await?.is_some_and(|webhook| webhook.secret == *secret)
            }
            Self::Key(tenant, id) => api_keys::lock(conn, tenant, id).await?,
            Self::User(tenant, id) => users::lock(conn, tenant, id).await?.is_some(),
        })
    }
}

/// Fails if the commit did not take place, or if nobody can say; then never with what `retrying` takes for leave to write
/// everything again.
pub(super) async fn settle(store: &Store, trace: Option<&Trace>, error: store::Error) -> Result<()> {
    let (Some(trace), true) = (trace, error.is_unavailable()) else { return Err(error.into()) };
    for _ in 0..SETTLING_ATTEMPTS {
        match look(store, trace).await {
            Ok(true) => return Ok(()),
            Ok(false) => return Err(error.into()),
            // Somebody holds the row, perhaps the very transaction in question.
            Err(why) if why.is_contention() => {}
            Err(why) => return Err(unknown_outcome(&why)),
        }
    }
    Err(unknown_outcome(&error))
}

async fn look(store: &Store, trace: &Trace) -> store::Result<bool> {
    let mut tx = store.begin().await?;
    trace.is_there(tx.conn()).await
}

fn unknown_outcome(why: &store::Error) -> Error {
    store::Error::Unavailable(format!("it is not known whether the commit took place: {why}")).into()
}
