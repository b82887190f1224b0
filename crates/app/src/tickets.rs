//! Tickets for those who cannot set headers on a WebSocket, as browsers: good once, for seconds, on every server. Knows
//! nothing of WebSockets.

use crate::api_keys::hash;
use crate::broadcaster::Broadcaster;
use crate::error::retrying;
use crate::gate::{Caller, Identity};
use crate::{Error, Result};
use async_recursion::async_recursion as boxed;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use model::TenantId;
use std::sync::Arc;
use std::time::Duration;
use store::ws_tickets::{self as rows, Ticket};

/// How long a ticket is good.
pub const GOOD_FOR: Duration = Duration::from_secs(30);
/// What every ticket begins with.
const PREFIX: &str = "cct_";
/// The longest one: a tenant's 64 characters, a point, and 32 bytes in base64.
const LONGEST: usize = PREFIX.len() + 64 + 1 + 43;

/// Gives tickets out and takes them back.
pub struct Tickets {
    broadcaster: Arc<Broadcaster>,
}

impl Tickets {
    pub(crate) fn new(broadcaster: Arc<Broadcaster>) -> Self {
        Self { broadcaster }
    }

    /// A new ticket for the user, who is signed in.
    #[boxed]
    pub async fn issue(&self, to: &Identity) -> Result<String> {
        let secret = URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>());
        let text = format!("{PREFIX}{}.{secret}", to.tenant);
        let ticket = Ticket {
            tenant: to.tenant.clone(),
            hash: hash(&text),
            user: to.user.clone(),
            session: to.session.clone(),
            session_until: to.expires_at,
            expires_at: self.broadcaster.clock.now().plus(GOOD_FOR),
        };
        retrying(|| async {
            let mut tx = self.broadcaster.store.begin().await?;
            rows::insert(tx.conn(), &ticket).await?;
            Ok(tx.commit().await?)
        })
        .await?;
        Ok(text)
    }

    /// Whose ticket this is. Nobody can use it again.
    #[boxed]
    pub async fn redeem(&self, text: &str) -> Result<Caller> {
        let tenant = tenant(text).ok_or(UNKNOWN)?;
        let hash = hash(text);
        let ticket = retrying(|| async {
            let mut tx = self.broadcaster.store.begin().await?;
            let ticket = rows::take(tx.conn(), &tenant, &hash, self.broadcaster.clock.now()).await?;
            tx.commit().await?;
            Ok(ticket)
        })
        .await?
        .ok_or(UNKNOWN)?;
        let Ticket { tenant, user, session, session_until, .. } = ticket;
        let identity = self.broadcaster.gate.identity(tenant, user, session, session_until).await?;
        Ok(Caller::User(identity))
    }
}

fn tenant(text: &str) -> Option<TenantId> {
    if text.len() > LONGEST {
        return None;
    }
    let (tenant, _) = text.strip_prefix(PREFIX)?.split_once('.')?;
    TenantId::parse(tenant).ok()
}

const UNKNOWN: Error = Error::Unauthorized {
    code: "invalid_ticket",
    message: "the ticket is unknown, was used or has ended: get a new one from POST /api/v1/auth/ws-ticket",
};
