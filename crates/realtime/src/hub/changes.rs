//! Whose number of connections has changed since somebody last asked. Knows nothing of who asks.

use crate::sync::lock;
use model::{TenantId, UserId};
use std::collections::HashSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::Notify;

/// Changes remembered one by one; with more, everything is said to have changed.
const REMEMBERED: usize = 10_000;

/// A tenant, and the user whose connection it was; none for an API key.
pub(crate) type Whose = (TenantId, Option<UserId>);

/// The changes since the last `next`.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    is_wanted: AtomicBool,
    changed: Mutex<Changed>,
    news: Notify,
}

/// What has changed.
#[derive(Debug, Default)]
pub(crate) struct Changed {
    pub whose: HashSet<Whose>,
    /// Others may have changed as well.
    pub and_more: bool,
}

impl Changes {
    /// Begins to remember.
    pub(crate) fn want(&self) {
        self.is_wanted.store(true, Ordering::Relaxed);
    }

    pub(crate) fn note(&self, whose: Whose) {
        if !self.is_wanted.load(Ordering::Relaxed) {
            return;
        }
        let mut changed = lock(&self.changed);
        if changed.whose.len() < REMEMBERED {
            changed.whose.insert(whose);
        } else {
            changed.and_more = true;
        }
        drop(changed);
        self.news.notify_one();
    }

    /// Returns once something has changed. For one caller at a time.
    pub(crate) async fn wait(&self) {
        self.news.notified().await;
    }

    /// What has changed.
    pub(crate) fn take(&self) -> Changed {
        std::mem::take(&mut *lock(&self.changed))
    }
}
