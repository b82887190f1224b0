//! When users were last heard of whose last connection has ended, and why it did. Knows nothing of connections.

use model::{TenantId, Timestamp, UserId};
use std::collections::{HashMap, VecDeque};

/// Users remembered: with ids of 36 characters about 3 MiB.
const REMEMBERED: usize = 10_000;

type Key = (TenantId, UserId);

/// The users that left last, and when.
#[derive(Debug, Default)]
pub(crate) struct Departed {
    seen: HashMap<Key, (Timestamp, &'static str)>,
    order: VecDeque<(Key, Timestamp)>,
}

impl Departed {
    pub(crate) fn note(&mut self, tenant: &TenantId, user: &UserId, at: Timestamp, because: &'static str) {
        let key = (tenant.clone(), user.clone());
        self.seen.insert(key.clone(), (at, because));
        self.order.push_back((key, at));
        if self.order.len() > REMEMBERED {
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        if let Some((key, at)) = self.order.pop_front()
            && self.seen.get(&key).is_some_and(|(seen, _)| *seen == at)
        {
            self.seen.remove(&key);
        }
    }

    pub(crate) fn seen(&self, tenant: &TenantId, user: &UserId) -> Option<Timestamp> {
        self.seen.get(&(tenant.clone(), user.clone())).map(|(at, _)| *at)
    }

    pub(crate) fn because(&self, tenant: &TenantId, user: &UserId) -> Option<&'static str> {
        self.seen.get(&(tenant.clone(), user.clone())).map(|(_, because)| *because)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_ones_are_remembered_and_no_more() {
        let tenant = TenantId::parse("t").unwrap();
        let user = |n: i64| UserId::parse(&format!("u{n}")).unwrap();
        let mut departed = Departed::default();
        for n in 0..25_000 {
            departed.note(&tenant, &user(n % 20_000), Timestamp(n), "closed");
        }
        assert_eq!(departed.seen(&tenant, &user(4_999)), Some(Timestamp(24_999)));
        assert_eq!(departed.seen(&tenant, &user(15_000)), Some(Timestamp(15_000)));
        assert_eq!(departed.seen(&tenant, &user(14_999)), None);
        assert!(departed.order.len() <= REMEMBERED && departed.seen.len() <= REMEMBERED);
    }
}
