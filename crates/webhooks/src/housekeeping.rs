//! The claimer's other work: endpoints that were edited, endpoints that are gone, rows that were left behind.

use crate::engine::Shared;
use crate::limits::{GIVEN_BACK_TOGETHER, PURGED_TOGETHER};
use model::{TenantId, Timestamp, WebhookId};
use std::collections::{HashMap, HashSet};
use store::Result;
use store::deliveries::{self, Key, Owned};
use tokio::time::Instant;

/// One round of it.
pub(crate) async fn run(shared: &Shared) -> Result<()> {
    while let Some(webhook) = shared.upkeep.next_review() {
        if let Err(error) = review(shared, webhook).await {
            tolerate(webhook, error).inspect_err(|_| shared.upkeep.review(webhook))?;
        }
    }
    for (webhook, tenant) in shared.upkeep.next_purges() {
        if let Err(error) = purge(shared, &tenant, webhook).await {
            tolerate(webhook, error)?;
        }
    }
    let now = Instant::now();
    let suspects: HashMap<WebhookId, Timestamp> =
        std::iter::from_fn(|| shared.upkeep.next_suspect(now)).collect();
    if let Err(error) = recover(shared, &suspects).await {
        for webhook in suspects.keys() {
            shared.upkeep.suspect(*webhook, shared.clock.now());
        }
        return Err(error);
    }
    Ok(())
}

/// What is wrong with one endpoint's rows must not keep the others waiting.
fn tolerate(webhook: WebhookId, error: store::Error) -> Result<()> {
    if error.is_unavailable() {
        return Err(error);
    }
    tracing::error!(webhook_id = %webhook, %error, "Webhook could not be looked after");
    Ok(())
}

/// Reads an edited endpoint anew and does what that means for what waits.
async fn review(shared: &Shared, webhook: WebhookId) -> Result<()> {
    let known = shared.lanes(|lanes| lanes.lanes.get(&webhook).and_then(|lane| lane.tenant.clone()));
    let tenant = match known {
        Some(tenant) => Some(tenant),
        None => {
            let mut reader = shared.store.read().await?;
            deliveries::tenant_of_waiting(reader.conn(), webhook).await?
        }
    };
    // Nothing waits for it, neither here nor in the database.
    let Some(tenant) = tenant else { return Ok(()) };
    let Some(endpoint) = shared.endpoints.get(&shared.store, &tenant, webhook).await? else {
        shared.lanes(|lanes| lanes.clear(webhook));
        shared.upkeep.purge(tenant, webhook);
        return Ok(());
    };
    shared.lanes(|lanes| {
        let lane = lanes.lane(webhook, Instant::now());
        lane.tenant = Some(tenant.clone());
        lane.closed = !endpoint.webhook.is_active;
        lanes.wanted.insert(webhook);
        lanes.wake_in_order(webhook);
    });
    Ok(())
}

/// Removes a part of what is kept of an endpoint, if it is really gone and nothing of it is under way.
async fn purge(shared: &Shared, tenant: &TenantId, webhook: WebhookId) -> Result<()> {
    if shared.lanes(|lanes| lanes.lanes.get(&webhook).is_some_and(|lane| lane.unrecorded > 0)) {
        return Ok(());
    }
    let mut tx = shared.store.begin().await?;
    let is_there = store::webhooks::find(tx.conn(), tenant, webhook).await?.is_some();
    let mut done = is_there;
    if is_there {
        // What was dropped from memory in the belief that it is gone must be claimed again.
        shared.upkeep.suspect(webhook, shared.clock.now());
    } else {
        let removed = deliveries::delete_of_webhook(tx.conn(), tenant, webhook, PURGED_TOGETHER).await?;
        done = removed < PURGED_TOGETHER.unsigned_abs();
        if done {
            deliveries::forget_webhook(tx.conn(), tenant, webhook).await?;
        }
        tx.commit().await?;
    }
    if done {
        shared.upkeep.purged(webhook);
    } else {
        shared.claims.notify_one();
    }
    Ok(())
}

/// Frees rows that belong to this server in the database and are not in its memory: those of a caller that was cancelled
/// between its commit and its report, or of a claim whose answer was lost. The moment of each suspicion is long ago enough that
/// whoever wrote rows before has reported by now. However many are suspected, what the server has is read once.
pub(crate) async fn recover(shared: &Shared, suspects: &HashMap<WebhookId, Timestamp>) -> Result<()> {
    if suspects.is_empty() {
        return Ok(());
    }
    let mut reader = shared.store.read().await?;
    let owned = deliveries::owned(reader.conn(), &shared.server).await?;
    drop(reader);
    let mut held: HashSet<Key> = shared.lanes(|lanes| lanes.keys(suspects.keys().copied()));
    held.extend(shared.tests_under_way());
    let is_suspect = |one: &Owned| suspects.get(&one.webhook).is_some_and(|since| one.created_at <= *since);
    let left: Vec<Owned> =
        owned.into_iter().filter(|one| is_suspect(one) && !held.contains(&one.key)).collect();
    if left.is_empty() {
        return Ok(());
    }
    tracing::info!(deliveries = left.len(), "Webhook deliveries that were left behind go on");
    let now = shared.clock.now();
    for some in left.chunks(GIVEN_BACK_TOGETHER) {
        let mut tx = shared.store.begin().await?;
        for Owned { key: (tenant, id), .. } in some {
            deliveries::give_back(tx.conn(), tenant, *id, &shared.server, now).await?;
        }
        tx.commit().await?;
    }
    shared.upkeep.look_around();
    Ok(())
}
