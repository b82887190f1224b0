//! Which deliveries some events cause, and which of them this server sends from memory.

use super::Broadcaster;
use super::work::Committed;
use model::{Event, LogId, NewEvent, TenantId, WebhookId};
use std::collections::BTreeSet;
use std::sync::Arc;
use store::deliveries::{Delivery, NewDelivery, Owner};
use store::journal::Head;
use store::webhooks::Subscription;
use webhooks::Reservation;

/// The deliveries of some events, before they are written.
#[derive(Default)]
pub(super) struct Plan {
    pub rows: Vec<NewDelivery>,
    in_memory: Vec<Kept>,
    left_in_database: BTreeSet<WebhookId>,
    in_order: BTreeSet<WebhookId>,
    /// Events planned so far.
    events: usize,
}

/// A delivery for which this server has room in memory.
struct Kept {
    row: usize,
    event: usize,
    room: Reservation,
}

impl Kept {
    fn delivery(&self, rows: &[NewDelivery], events: &[Arc<Event>]) -> Delivery {
        let (row, event) = (&rows[self.row], &events[self.event]);
        Delivery {
            tenant: event.tenant.clone(),
            id: row.id,
            webhook: row.webhook,
            event_id: event.id.clone(),
            event_seq: Some(event.seq),
            event: event.name.clone(),
            subject: event.subject.clone(),
            attempts: 0,
            retries: 0,
            created_at: event.created_at,
            payload: Some(event.payload.clone()),
        }
    }
}

/// An endpoint never hears of itself, so that a broken one cannot feed itself.
fn wants(subscription: &Subscription, event: &NewEvent) -> bool {
    let about = event.subject.as_deref().and_then(|subject| subject.strip_prefix("webhook:"));
    about != Some(subscription.webhook.to_string().as_str())
        && subscription.events.iter().any(|pattern| pattern.matches(&event.name))
}

impl Plan {
    /// Adds the deliveries of one tenant's events, which come behind `head`. Gives how many those are.
    pub fn add(
        &mut self,
        broadcaster: &Broadcaster,
        tenant: &TenantId,
        subscriptions: &[Subscription],
        events: &[NewEvent],
        head: Head,
    ) -> usize {
        let before = self.rows.len();
        let (mut seq, mut log_id) = (head.seq, head.log_id);
        for event in events {
            seq += 1;
            for subscription in subscriptions.iter().filter(|subscription| wants(subscription, event)) {
                log_id += 1;
                self.add_one(broadcaster, tenant, subscription, event, (seq, LogId(log_id)));
            }
            self.events += 1;
        }
        self.rows.len() - before
    }

    fn add_one(
        &mut self,
        broadcaster: &Broadcaster,
        tenant: &TenantId,
        subscription: &Subscription,
        event: &NewEvent,
        (seq, id): (i64, LogId),
    ) {
        let row = self.rows.len();
        let queue = subscription.ordering.queue(event.subject.as_deref(), id);
        // What goes in order is read from the database by whichever server owns the endpoint's lane.
        let room = match queue {
            None => broadcaster.engine.reserve(subscription.webhook, event.payload.get().len()),
            Some(_) => None,
        };
        let owner = match (queue, &room) {
            (Some(queue), _) => Owner::Lane(queue),
            (None, Some(_)) => Owner::Server(broadcaster.server.clone()),
            (None, None) => Owner::Nobody,
        };
        self.rows.push(NewDelivery {
            tenant: tenant.clone(),
            id,
            webhook: subscription.webhook,
            event_id: event.id.clone(),
            event_seq: Some(seq),
            event: event.name.clone(),
            subject: event.subject.clone(),
            owner,
            payload: None,
        });
        match (room, queue) {
            (Some(room), _) => self.in_memory.push(Kept { row, event: self.events, room }),
            (None, Some(_)) => drop(self.in_order.insert(subscription.webhook)),
            (None, None) => drop(self.left_in_database.insert(subscription.webhook)),
        }
    }

    /// The same, once they are written with their events.
    pub fn committed(self, events: Vec<Arc<Event>>) -> Committed {
        let Self { rows, in_memory, left_in_database, in_order, .. } = self;
        let deliveries =
            in_memory.into_iter().map(|kept| (kept.delivery(&rows, &events), kept.room)).collect();
        Committed { events, deliveries, left_in_database, in_order }
    }
}
