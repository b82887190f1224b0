//! Where the hub and the relay meet: what other servers are to hear, and what the hub wants the relay to see to. Knows
//! nothing of Redis.

use crate::sync::lock;
use model::{Event, TenantId};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use tokio::sync::Notify;

/// What may wait to be told: 4,096 events and 8 MiB, a fifth of a second of a busy server. What does not fit is not told;
/// other servers find it in the log a second later.
const EVENTS: usize = 4096;
const BYTES: usize = 8 << 20;
/// What an event costs beside its payload.
const FIXED_COST: usize = 512;

/// Something that other servers are to hear.
#[derive(Debug, Clone)]
pub(crate) enum News {
    /// An event of the log.
    Event(Arc<Event>),
    /// Users of the tenant have come or gone: who that is, stands in the database.
    Edges(TenantId),
}

impl News {
    pub(super) fn tenant(&self) -> &TenantId {
        match self {
            Self::Event(event) => &event.tenant,
            Self::Edges(tenant) => tenant,
        }
    }

    /// The length of its payload.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Event(event) => event.payload.get().len(),
            Self::Edges(_) => 0,
        }
    }

    fn cost(&self) -> usize {
        FIXED_COST + self.bytes()
    }
}

/// The meeting place.
#[derive(Debug, Default)]
pub(crate) struct Exchange {
    /// Whether there is anybody who tells others.
    is_wanted: AtomicBool,
    waiting: Mutex<Waiting>,
    news: Notify,
    /// A tenant has its first listener here.
    pub newcomer: Notify,
    /// Events may have been missed: compare with the log now.
    pub compare: Notify,
    /// Another server has found out who came or went.
    pub edges: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    news: VecDeque<News>,
    bytes: usize,
}

impl Exchange {
    /// From now on, or no longer, there is somebody who tells others.
    pub(super) fn want(&self, is_wanted: bool) {
        self.is_wanted.store(is_wanted, Ordering::Relaxed);
        if !is_wanted {
            *lock(&self.waiting) = Waiting::default();
        }
    }

    /// Leaves news for other servers. Never waits.
    pub(crate) fn tell(&self, news: impl IntoIterator<Item = News>) {
        if !self.is_wanted.load(Ordering::Relaxed) {
            return;
        }
        let mut waiting = lock(&self.waiting);
        for one in news {
            let bytes = waiting.bytes + one.cost();
            if waiting.news.len() >= EVENTS || bytes > BYTES {
                break;
            }
            waiting.bytes = bytes;
            waiting.news.push_back(one);
        }
        drop(waiting);
        self.news.notify_one();
    }

    /// What waits, once there is something. For one caller at a time.
    pub(super) async fn next(&self) -> VecDeque<News> {
        loop {
            let waiting = std::mem::take(&mut *lock(&self.waiting));
            if !waiting.news.is_empty() {
                return waiting.news;
            }
            self.news.notified().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;
    use model::{Audience, EventId, EventName, Timestamp};
    use serde_json::value::RawValue;

    fn news(bytes: usize) -> News {
        let payload = format!("{{\"a\":\"{}\"}}", "x".repeat(bytes));
        News::Event(Arc::new(Event {
            tenant: TenantId::parse("t").unwrap(),
            seq: 1,
            id: EventId::generate(),
            name: EventName::parse("order.paid").unwrap(),
            subject: None,
            audience: Audience::default(),
            payload: RawValue::from_string(payload).unwrap().into(),
            created_at: Timestamp(0),
        }))
    }

    #[test]
    fn what_waits_is_bounded_by_count_and_bytes() {
        let exchange = Exchange::default();
        exchange.tell([news(1)]);
        assert!(exchange.next().now_or_never().is_none(), "nobody tells others");
        exchange.want(true);
        exchange.tell((0..5000).map(|_| news(1)));
        assert_eq!(exchange.next().now_or_never().unwrap().len(), EVENTS);
        exchange.tell((0..200).map(|_| news(64 << 10)));
        let waiting = exchange.next().now_or_never().unwrap().len();
        assert!((120..=128).contains(&waiting), "{waiting}");
        exchange.tell([news(1)]);
        exchange.want(false);
        assert!(exchange.next().now_or_never().is_none());
    }
}
