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

/// The changes, as each of two askers has yet to hear of them.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    pub for_register: Slot,
    pub for_keeper: Slot,
}

impl Changes {
    pub(crate) fn note(&self, whose: &Whose) {
        self.for_register.note(whose);
        self.for_keeper.note(whose);
    }
}

/// The changes since the last `take`.
#[derive(Debug, Default)]
pub(crate) struct Slot {
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

impl Slot {
    /// Begins to remember.
    pub(crate) fn want(&self) {
        self.is_wanted.store(true, Ordering::Relaxed);
    }

    fn note(&self, whose: &Whose) {
        if !self.is_wanted.load(Ordering::Relaxed) {
            return;
        }
        let mut changed = lock(&self.changed);
        if changed.whose.len() < REMEMBERED {
            changed.whose.insert(whose.clone());
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
