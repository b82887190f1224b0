//! Connections that have begun to listen to events of one name, for whoever sends them what is true already: such events
//! stand in no log, so that nobody could resume them. Knows nothing of what they say.

use crate::connection::Member;
use crate::sync::lock;
use model::{ConnectionId, EventName, TenantId};
use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, OnceLock};
use tokio::sync::Notify;

/// Newcomers by tenant. A connection stands here once, so that there are as many as connections at most, but for some that
/// have gone meanwhile.
pub type Waiting = HashMap<TenantId, HashSet<ConnectionId>>;

/// Newcomers that nobody has looked at yet.
#[derive(Debug, Default)]
pub(crate) struct Newcomers {
    name: OnceLock<EventName>,
    waiting: Mutex<Waiting>,
    news: Notify,
}

impl Newcomers {
    /// Begins to note who wants events of that name; the first name counts.
    pub(super) fn want(&self, name: EventName) {
        // Set once, by the one who asks.
        let _ = self.name.set(name);
    }

    /// Notes a connection that wants other events from now on, if the one in question is among them.
    pub(crate) fn note(&self, member: &Member, wants: impl Fn(&EventName) -> bool) {
        if member.is_mute || !self.name.get().is_some_and(wants) {
            return;
        }
        lock(&self.waiting).entry(member.tenant.clone()).or_default().insert(member.id.clone());
        self.news.notify_one();
    }

    /// Returns once there are some. For one caller at a time, who loses nothing by going away.
    pub(super) async fn wait(&self) {
        while lock(&self.waiting).is_empty() {
            self.news.notified().await;
        }
    }

    /// All that have come since the last time.
    pub(super) fn take(&self) -> Waiting {
        std::mem::take(&mut *lock(&self.waiting))
    }
}
