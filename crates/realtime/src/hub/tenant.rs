//! One tenant with listeners here: its feed and its connections. Knows nothing of other tenants.

use crate::connection::Member;
use crate::feed::{Budget, Feed};
use crate::log::{Log, PAGE_ROWS};
use crate::sync::lock;
use model::{ConnectionId, TenantId, UserId};
use std::collections::HashMap;
use std::sync::atomic::AtomicU32;
use std::sync::{Arc, Mutex};
use tokio::sync::OnceCell;

/// Events read from the log for a tenant's first listener: four pages.
const LAST_EVENTS: i64 = 4 * PAGE_ROWS;

/// A tenant as this server serves it.
#[derive(Debug)]
pub(crate) struct Tenant {
    pub id: TenantId,
    pub feed: Feed,
    /// How many times in a row the log did not hold what a hole needs.
    pub fruitless_repairs: AtomicU32,
    /// What the feed had let through when the log was first seen to end before that, and how many times in a row it has.
    pub behind: Mutex<Option<(i64, u32)>>,
    opened: OnceCell<()>,
    members: Mutex<Members>,
    /// The hole that was there at the last look: behind which event, and since when, in milliseconds of the hub's own time.
    hole: Mutex<Option<(i64, u64)>>,
}

#[derive(Debug, Default)]
struct Members {
    by_id: HashMap<ConnectionId, Arc<Member>>,
    of_user: HashMap<UserId, usize>,
    /// Since when nobody listens, in milliseconds of the hub's own time.
    idle_since: u64,
}

impl Tenant {
    pub(crate) fn new(id: TenantId, budget: Arc<Budget>) -> Self {
        Self {
            id,
            feed: Feed::new(budget),
            fruitless_repairs: AtomicU32::new(0),
            behind: Mutex::default(),
            opened: OnceCell::new(),
            members: Mutex::default(),
            hole: Mutex::default(),
        }
    }

    /// Since when the tenant's listeners hear nothing because one and the same event is missing and cannot be read. To be
    /// asked now and then.
    pub(crate) fn stuck_since(&self, now_ms: u64) -> Option<u64> {
        let after = self.feed.hole().map(|(after, _)| after);
        let mut hole = lock(&self.hole);
        *hole = after.map(|after| hole.filter(|(before, _)| *before == after).unwrap_or((after, now_ms)));
        hole.map(|(_, since)| since)
    }

    /// Reads where the log ends and its last events, once for all who wait for it: after a restart all clients come back and
    /// want them. Events committed meanwhile already wait in the feed.
    pub(crate) async fn open(&self, log: &Log) {
        let open = || async {
            let (head, last) = log.end(&self.id, LAST_EVENTS).await;
            self.feed.open(head, last);
        };
        self.opened.get_or_init(open).await;
    }

    /// Takes a connection unless its user has `limit` already.
    pub(crate) fn join(&self, member: &Arc<Member>, limit: usize) -> bool {
        let mut members = lock(&self.members);
        if let Some(user) = &member.user {
            if members.of_user.get(user).copied().unwrap_or(0) >= limit {
                return false;
            }
            *members.of_user.entry(user.clone()).or_default() += 1;
        }
        members.by_id.insert(member.id.clone(), Arc::clone(member));
        true
    }

    /// Forgets a connection. Returns whether it was its user's last.
    pub(crate) fn leave(&self, member: &Member, hub_ms: u64) -> bool {
        let mut members = lock(&self.members);
        members.by_id.remove(&member.id);
        if members.by_id.is_empty() {
            members.idle_since = hub_ms;
        }
        let Some(user) = &member.user else { return false };
        let Some(count) = members.of_user.get_mut(user) else { return false };
        *count -= 1;
        let was_last = *count == 0;
        if was_last {
            members.of_user.remove(user);
        }
        was_last
    }

    /// Since when nobody listens; `None` while somebody does.
    pub(crate) fn idle_since(&self) -> Option<u64> {
        let members = lock(&self.members);
        members.by_id.is_empty().then_some(members.idle_since)
    }

    pub(crate) fn connections(&self) -> usize {
        lock(&self.members).by_id.len()
    }

    pub(crate) fn connections_of(&self, user: &UserId) -> usize {
        lock(&self.members).of_user.get(user).copied().unwrap_or(0)
    }

    pub(crate) fn users(&self) -> Vec<UserId> {
        lock(&self.members).of_user.keys().cloned().collect()
    }

    pub(crate) fn users_count(&self) -> usize {
        lock(&self.members).of_user.len()
    }

    pub(crate) fn members(&self) -> Vec<Arc<Member>> {
        lock(&self.members).by_id.values().cloned().collect()
    }

    pub(crate) fn member(&self, id: &ConnectionId) -> Option<Arc<Member>> {
        lock(&self.members).by_id.get(id).cloned()
    }

    /// Does something with each connection; must be quick.
    pub(crate) fn for_each(&self, mut act: impl FnMut(&Arc<Member>)) {
        lock(&self.members).by_id.values().for_each(&mut act);
    }
}
