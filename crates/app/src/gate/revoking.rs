//! Forgets what the gate remembers, and closes or re-scopes connections, as soon as any server ends a session or changes a
//! user.

use super::{Gate, Present};
use crate::Result;
use async_recursion::async_recursion as boxed;
use model::{SessionId, TenantId, Timestamp, UserId};
use std::collections::HashSet;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::time::Duration;
use store::revocations::{self, Revocation, Revoked};
use tokio::time::Instant;

/// How often each server asks what to forget.
pub(super) const POLL: Duration = Duration::from_millis(500);
/// Rows are read again for this long, because they become visible out of order.
const OVERLAP: Duration = Duration::from_secs(30);

impl Gate {
    /// Forgets what was revoked, and closes or re-scopes its connections.
    pub(crate) async fn forget(&self, tenant: &TenantId, revoked: &[Revoked]) {
        for revoked in revoked {
            self.forget_one(tenant, revoked).await;
        }
    }

    async fn forget_one(&self, tenant: &TenantId, revoked: &Revoked) {
        {
            let mut sessions = self.sessions();
            self.forgotten.fetch_add(1, Ordering::SeqCst);
            sessions.retain(|id, known| match revoked {
                Revoked::Session(session) => id != session || known.tenant != *tenant,
                Revoked::User(user) => known.user != *user || known.tenant != *tenant,
                Revoked::Key(_) | Revoked::Connection(_) => true,
            });
            if let Revoked::Key(key) = revoked {
                self.programs().retain(|_, known| known.key != *key || known.tenant != *tenant);
            }
        }
        match revoked {
            Revoked::Session(session) => self.hub.end_session(tenant, session),
            Revoked::Connection(connection) => {
                self.hub.close_connection(tenant, connection);
            }
            Revoked::Key(key) => {
                if let Ok(session) = SessionId::parse(key.as_str()) {
                    self.hub.end_session(tenant, &session);
                }
            }
            Revoked::User(user) => match self.present(tenant, user).await {
                Ok(now) => self.hub.user_changed(tenant, user, now.as_ref()),
                Err(error) => {
                    // Nobody knows what the user may see now: the connections close, and come back when it is known.
                    tracing::warn!(tenant_id = %tenant, user_id = %user, %error, "User's connections closed: role and queues unknown");
                    self.hub.user_changed(tenant, user, None);
                }
            },
        }
    }

    async fn present(&self, tenant: &TenantId, user: &UserId) -> Result<Option<Present>> {
        let mut reader = self.store.read().await?;
        super::present(&mut reader, tenant, user).await
    }

    /// Follows what other servers and the command line revoke. Runs until it is dropped.
    #[boxed]
    pub async fn follow(&self) {
        // The first reading counts as well: the gate is open already, and what it remembers may be older.
        let mut seen: HashSet<i64> = HashSet::new();
        let mut read_until = self.clock.now();
        loop {
            let (asked_at, now) = (Instant::now(), self.clock.now());
            match self.read_revocations(read_until).await {
                Ok(rows) => {
                    let ids: HashSet<i64> = rows.iter().map(|row| row.id).collect();
                    let new: Vec<Revocation> =
                        rows.into_iter().filter(|row| !seen.contains(&row.id)).collect();
                    for row in &new {
                        self.forget(&row.tenant, std::slice::from_ref(&row.revoked)).await;
                    }
                    // What is no longer in the window can no longer come back.
                    seen = ids;
                    read_until = now;
                    *self.polled_at.lock().unwrap_or_else(PoisonError::into_inner) = Some(asked_at);
                }
                Err(error) => tracing::debug!(%error, "Revocations could not be read"),
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// What was revoked since the last reading that succeeded, however long ago that is, and somewhat before.
    pub(super) async fn read_revocations(&self, read_until: Timestamp) -> Result<Vec<Revocation>> {
        let since = read_until.min(self.clock.now()).minus(OVERLAP);
        let mut reader = self.store.read().await?;
        Ok(revocations::since(reader.conn(), since).await?)
    }
}
