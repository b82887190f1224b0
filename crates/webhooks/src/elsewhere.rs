//! Endpoints in whose lanes something was queued here although this server does not send from them: whoever does would find
//! it by looking, half a second later. Knows nothing of how servers tell each other.

use crate::Engine;
use model::WebhookId;
use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use tokio::sync::Notify;

/// Endpoints remembered, 8 bytes each. With more, the last ones wait to be looked at.
const REMEMBERED: usize = 10_000;

#[derive(Default)]
pub(crate) struct Elsewhere {
    endpoints: Mutex<BTreeSet<WebhookId>>,
    news: Notify,
}

impl Elsewhere {
    pub(crate) fn note(&self, webhook: WebhookId) {
        let mut endpoints = self.endpoints.lock().unwrap_or_else(PoisonError::into_inner);
        if endpoints.len() < REMEMBERED {
            endpoints.insert(webhook);
        }
        drop(endpoints);
        self.news.notify_one();
    }

    async fn take(&self) -> Vec<WebhookId> {
        loop {
            let endpoints =
                std::mem::take(&mut *self.endpoints.lock().unwrap_or_else(PoisonError::into_inner));
            if !endpoints.is_empty() {
                return endpoints.into_iter().collect();
            }
            self.news.notified().await;
        }
    }
}

impl Engine {
    /// Returns once something was queued in lanes that are not this server's: those whose they are may be told, and need not
    /// be. For one caller at a time.
    pub async fn queued_elsewhere(&self) -> Vec<WebhookId> {
        self.0.elsewhere.take().await
    }

    /// Another server has queued something in these lanes: those that are this server's are read on now.
    pub fn rung(&self, webhooks: impl IntoIterator<Item = WebhookId>) {
        self.0.lanes(|lanes| {
            for webhook in webhooks.into_iter().filter(|webhook| lanes.holds(*webhook)).collect::<Vec<_>>() {
                lanes.wake_in_order(webhook);
            }
        });
    }
}
