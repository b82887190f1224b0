//! How users go offline: after their last connection has been gone for a while, and when their server died.

use super::{AT_A_TIME, GRACE, Register, retrying};
use crate::presence::step;
use model::{TenantId, Timestamp};
use std::collections::{HashMap, HashSet};
use std::time::Duration;
use store::presence_edges::Turn;
use store::user_connections::{self as rows, Owner, Row};
use tokio::time::Instant;

/// A server that has not written for so long and has no lease is dead. Longer than a server that begins needs for its lease.
const DEAD_AFTER: Duration = Duration::from_secs(10);

impl Register<'_> {
    /// Takes users whose connections have been gone for a while as offline.
    pub(super) async fn close_gone(&mut self) -> store::Result<()> {
        let before = self.hub.0.clock.now().minus(GRACE);
        let mut reader = self.store.read().await?;
        let gone = rows::gone(reader.conn(), before, i64::try_from(AT_A_TIME).unwrap_or(i64::MAX)).await?;
        drop(reader);
        if gone.is_empty() && self.closes_at.is_some_and(|at| at < Instant::now()) {
            self.closes_at = None;
        }
        // Each user once, with rows of however many servers.
        let mut by_tenant: HashMap<TenantId, HashSet<Owner>> = HashMap::new();
        for (tenant, owner) in gone {
            by_tenant.entry(tenant).or_default().insert(owner);
        }
        for (tenant, owners) in by_tenant {
            let owners: Vec<Owner> = owners.into_iter().collect();
            let has_found = retrying(|| self.close_some(&tenant, &owners, before)).await?;
            self.note_found(&tenant, has_found);
        }
        Ok(())
    }

    async fn close_some(
        &self,
        tenant: &TenantId,
        owners: &[Owner],
        before: Timestamp,
    ) -> store::Result<bool> {
        let mut tx = self.store.begin().await?;
        let close = |owner: &Owner, rows: &[Row]| step::close(owner, rows, before);
        let edges = self.take_steps(tx.conn(), tenant, owners, close).await?;
        for edge in &edges {
            if let Turn::Offline { last_seen_at, .. } = &edge.what {
                rows::note_seen(tx.conn(), tenant, &edge.user, *last_seen_at).await?;
            }
        }
        self.note_edges(tx.conn(), tenant, &edges).await?;
        tx.commit().await?;
        Ok(!edges.is_empty())
    }

    /// Takes all connections of servers that died as ended.
    pub(super) async fn bury_the_dead(&self) -> store::Result<()> {
        let shared = &self.hub.0;
        let now = shared.steady_now();
        let mut reader = self.store.read().await?;
        let dead = rows::strays(reader.conn(), now, shared.clock.now().minus(DEAD_AFTER)).await?;
        drop(reader);
        for server in dead.iter().filter(|server| **server != shared.server) {
            let mut tx = self.store.begin().await?;
            let users = rows::abandon(tx.conn(), server, shared.clock.now(), "timeout").await?;
            tx.commit().await?;
            tracing::info!(%server, users, "The users of a server that is gone are taken as gone");
        }
        Ok(())
    }
}
