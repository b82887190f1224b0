//! Places among those who read the log: a few in all, and fewer for one tenant, so that however many of its clients come back
//! at once the others' readers wait behind two of them at most.

use crate::sync::lock;
use model::TenantId;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, Weak};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Reads at a time, of SQLite's four readers and of MySQL's pool of twenty: the rest belongs to requests. A page keeps its place
/// until it has been used, so that there are never more in memory. Those who wait are as many as there are connections at
/// most.
const READS_AT_A_TIME: usize = 3;
/// Of those, one tenant's.
const OF_ONE_TENANT: usize = 2;
/// Tenants among which none is looked for that does not read any more.
const LEAST_KEPT: usize = 64;

/// A place; given back when it is dropped. Never refused: nobody closes a semaphore.
#[derive(Debug)]
pub(super) struct Place {
    _of_all: Option<OwnedSemaphorePermit>,
    _of_tenant: Option<OwnedSemaphorePermit>,
}

pub(super) struct Places {
    all: Arc<Semaphore>,
    tenants: Mutex<Tenants>,
}

#[derive(Default)]
struct Tenants {
    /// Of those that read now, and of some that have.
    places: HashMap<TenantId, Weak<Semaphore>>,
    /// Those that have are forgotten when there are so many.
    most: usize,
}

impl Places {
    pub(super) fn new() -> Self {
        Self { all: Arc::new(Semaphore::new(READS_AT_A_TIME)), tenants: Mutex::default() }
    }

    /// A place for a reader of that tenant's log, once there is one.
    pub(super) async fn take(&self, tenant: &TenantId) -> Place {
        let of_tenant = self.of(tenant).acquire_owned().await.ok();
        let of_all = Arc::clone(&self.all).acquire_owned().await.ok();
        Place { _of_all: of_all, _of_tenant: of_tenant }
    }

    fn of(&self, tenant: &TenantId) -> Arc<Semaphore> {
        let mut tenants = lock(&self.tenants);
        if let Some(own) = tenants.places.get(tenant).and_then(Weak::upgrade) {
            return own;
        }
        if tenants.places.len() >= tenants.most {
            tenants.places.retain(|_, own| own.strong_count() > 0);
            tenants.most = (2 * tenants.places.len()).max(LEAST_KEPT);
        }
        let own = Arc::new(Semaphore::new(OF_ONE_TENANT));
        tenants.places.insert(tenant.clone(), Arc::downgrade(&own));
        own
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    #[tokio::test]
    async fn one_tenants_readers_leave_a_place_for_anothers() {
        let (places, many, other) =
            (Places::new(), TenantId::parse("t").unwrap(), TenantId::parse("u").unwrap());
        let first = places.take(&many).await;
        let _second = places.take(&many).await;
        let mut third = Box::pin(places.take(&many));
        assert!(third.as_mut().now_or_never().is_none(), "one tenant has two");
        let its = places.take(&other).now_or_never().expect("a place");
        assert!(places.take(&other).now_or_never().is_none(), "there are three in all");
        drop(first);
        assert!(third.as_mut().now_or_never().is_some());
        drop(its);
        let _again = places.take(&other).now_or_never().expect("a place");
        assert_eq!(lock(&places.tenants).places.len(), 2);
    }

    #[tokio::test]
    async fn tenants_that_do_not_read_are_forgotten() {
        let places = Places::new();
        for number in 0..1000 {
            drop(places.take(&TenantId::parse(&format!("t{number}")).unwrap()).await);
        }
        assert!(lock(&places.tenants).places.len() <= LEAST_KEPT);
    }
}
