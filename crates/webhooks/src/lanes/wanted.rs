//! Lanes that the database should be asked about, each once, in the order in which that was found out.

use model::WebhookId;
use std::collections::{HashSet, VecDeque};

#[derive(Default)]
pub(crate) struct Wanted {
    order: VecDeque<WebhookId>,
    members: HashSet<WebhookId>,
}

impl Wanted {
    pub(crate) fn insert(&mut self, webhook: WebhookId) {
        if self.members.insert(webhook) {
            self.order.push_back(webhook);
        }
    }

    pub(crate) fn pop(&mut self) -> Option<WebhookId> {
        let webhook = self.order.pop_front()?;
        self.members.remove(&webhook);
        Some(webhook)
    }

    pub(crate) fn contains(&self, webhook: WebhookId) -> bool {
        self.members.contains(&webhook)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = WebhookId> {
        self.order.iter().copied()
    }
}

impl Extend<WebhookId> for Wanted {
    fn extend<I: IntoIterator<Item = WebhookId>>(&mut self, webhooks: I) {
        webhooks.into_iter().for_each(|webhook| self.insert(webhook));
    }
}
