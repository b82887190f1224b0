//! Reads who came online and who went, as any server has found out, and hands each on once, for one user in the order in
//! which it was so. Knows nothing of how it is found out.

use model::Timestamp;
use std::collections::HashSet;
use std::time::Duration;
use store::Store;
use store::presence_edges::{self as rows, Edge};
use tokio::sync::mpsc;

/// Edges read at a time.
const PAGE: i64 = 1000;
/// Numbers that may become visible late: ten servers in the midst of writing 200 edges each.
const UNDER_WAY: i64 = 2000;
/// How long a transaction takes, at most, from there to its end. What is older is not read again.
const OVERLAP: Duration = Duration::from_secs(10);

/// What was told, and what is to be told.
pub(super) struct Teller<'a> {
    store: &'a Store,
    edges: &'a mpsc::Sender<Edge>,
    begun: Timestamp,
    /// The last look that succeeded.
    looked_at: Timestamp,
    newest: i64,
    /// Numbers that were told and may be read again: `UNDER_WAY` at most, and a page.
    told: HashSet<i64>,
}

impl<'a> Teller<'a> {
    /// Begins with what is found from now on, by the clock that all servers share.
    pub(super) fn new(store: &'a Store, edges: &'a mpsc::Sender<Edge>, now: Timestamp) -> Self {
        Self { store, edges, begun: now, looked_at: now, newest: 0, told: HashSet::new() }
    }

    /// Hands on what is new.
    pub(super) async fn tell(&mut self, now: Timestamp) -> store::Result<()> {
        while self.tell_page().await? >= PAGE {}
        self.looked_at = now;
        Ok(())
    }

    /// Gives how many were read anew.
    async fn tell_page(&mut self) -> store::Result<i64> {
        let since = self.looked_at.minus(OVERLAP).max(self.begun);
        let after = self.newest.saturating_sub(UNDER_WAY);
        let mut reader = self.store.read().await?;
        let found = rows::since(reader.conn(), after, since, UNDER_WAY + PAGE).await?;
        drop(reader);
        let mut new = 0;
        for (number, edge) in found {
            if self.told.insert(number) {
                new += 1;
                self.newest = self.newest.max(number);
                // Who is not told of an edge finds the state by asking.
                let _ = self.edges.try_send(edge);
            }
        }
        let after = self.newest.saturating_sub(UNDER_WAY);
        self.told.retain(|number| *number > after);
        Ok(new)
    }
}
