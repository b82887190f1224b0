//! Lanes that wait for a turn. Tenants take turns, and within each its lanes, so that one with many endpoints keeps nobody
//! waiting for longer than one with a single endpoint does.

use model::{TenantId, WebhookId};
use std::collections::{HashMap, VecDeque};

#[derive(Default)]
pub(super) struct Queue {
    /// Those with lanes, in the order of their turns.
    tenants: VecDeque<TenantId>,
    lanes: HashMap<TenantId, VecDeque<WebhookId>>,
    len: usize,
}

impl Queue {
    pub(super) fn push(&mut self, tenant: &TenantId, webhook: WebhookId) {
        self.len += 1;
        if let Some(lanes) = self.lanes.get_mut(tenant) {
            return lanes.push_back(webhook);
        }
        self.tenants.push_back(tenant.clone());
        self.lanes.insert(tenant.clone(), VecDeque::from([webhook]));
    }

    /// The next lane of the next tenant that has something `left` of its share, with that.
    pub(super) fn pop(&mut self, left: impl Fn(&TenantId) -> usize) -> Option<(WebhookId, usize)> {
        let mut turns = self.tenants.iter().enumerate();
        let (at, left) =
            turns.find_map(|(at, tenant)| Some((at, left(tenant))).filter(|(_, left)| *left > 0))?;
        let tenant = self.tenants.remove(at)?;
        let lanes = self.lanes.get_mut(&tenant)?;
        let webhook = lanes.pop_front()?;
        self.len -= 1;
        if lanes.is_empty() {
            self.lanes.remove(&tenant);
        } else {
            self.tenants.push_back(tenant);
        }
        Some((webhook, left))
    }

    /// Whether a tenant with lanes here `may` have a turn.
    pub(super) fn any(&self, may: impl Fn(&TenantId) -> bool) -> bool {
        self.tenants.iter().any(may)
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }
}
