//! Constructors of the catalogue's events: the only place that shapes their payloads.

mod agents;
pub(crate) mod calls;
pub(crate) mod queues;

pub(crate) use agents::agent;

use model::{
    Audience, Event, EventId, EventName, NewEvent, TenantId, Timestamp, UserId, WebhookId, catalogue,
};
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use std::sync::Arc;

/// Writes a payload as compact JSON. The payloads here have no map with keys other than texts, so it cannot fail.
pub(crate) fn payload(fields: &impl Serialize) -> Arc<RawValue> {
    to_raw_value(fields).map_or_else(|_| RawValue::NULL.to_owned().into(), Into::into)
}

fn event(name: EventName, subject: String, audience: Audience, fields: &impl Serialize) -> NewEvent {
    NewEvent { id: EventId::generate(), name, subject: Some(subject), audience, payload: payload(fields) }
}

#[derive(Serialize)]
struct UserOnline<'a> {
    user_id: &'a UserId,
    tenant_id: &'a TenantId,
    at: Timestamp,
    connections: usize,
}

/// `user.online`
pub(crate) fn user_online(tenant: &TenantId, user: &UserId, at: Timestamp, connections: usize) -> NewEvent {
    let fields = UserOnline { user_id: user, tenant_id: tenant, at, connections };
    event(catalogue::USER_ONLINE, format!("user:{user}"), Audience::user(user), &fields)
}

#[derive(Serialize)]
struct UserOffline<'a> {
    user_id: &'a UserId,
    tenant_id: &'a TenantId,
    at: Timestamp,
    last_seen_at: Timestamp,
    reason: &'a str,
}

/// `user.offline`
pub(crate) fn user_offline(
    tenant: &TenantId,
    user: &UserId,
    at: Timestamp,
    last_seen_at: Timestamp,
    reason: &str,
) -> NewEvent {
    let fields = UserOffline { user_id: user, tenant_id: tenant, at, last_seen_at, reason };
    event(catalogue::USER_OFFLINE, format!("user:{user}"), Audience::user(user), &fields)
}

#[derive(Serialize)]
struct WebhookTest<'a> {
    webhook_id: WebhookId,
    tenant_id: &'a TenantId,
    requested_by: &'a str,
    nonce: String,
}

/// The payload of `webhook.test`, which is sent to that endpoint only and is not in the log.
pub(crate) fn webhook_test(tenant: &TenantId, webhook: WebhookId, by: &str) -> Arc<RawValue> {
    let nonce = format!("{:032x}", rand::random::<u128>());
    payload(&WebhookTest { webhook_id: webhook, tenant_id: tenant, requested_by: by, nonce })
}

/// The payload of `webhook.failing`.
#[derive(Serialize)]
pub(crate) struct WebhookFailing<'a> {
    pub webhook_id: WebhookId,
    pub tenant_id: &'a TenantId,
    pub url_host: &'a str,
    pub consecutive_failures: i64,
    pub first_failure_at: Timestamp,
    pub last_status: Option<i64>,
    pub last_error: &'a str,
    pub oldest_pending_at: Option<Timestamp>,
}

/// `webhook.failing`
pub(crate) fn webhook_failing(fields: &WebhookFailing<'_>) -> NewEvent {
    let subject = format!("webhook:{}", fields.webhook_id);
    event(catalogue::WEBHOOK_FAILING, subject, Audience::default(), fields)
}

/// The payload of `webhook.disabled`.
#[derive(Serialize)]
pub(crate) struct WebhookDisabled<'a> {
    pub webhook_id: WebhookId,
    pub tenant_id: &'a TenantId,
    pub url_host: &'a str,
    pub reason: &'static str,
    pub at: Timestamp,
    pub undelivered: i64,
    pub can_replay_until: Timestamp,
}

/// `webhook.disabled`
pub(crate) fn webhook_disabled(fields: &WebhookDisabled<'_>) -> NewEvent {
    let subject = format!("webhook:{}", fields.webhook_id);
    event(catalogue::WEBHOOK_DISABLED, subject, Audience::default(), fields)
}

/// The payload of `webhook.enabled`.
#[derive(Serialize)]
pub(crate) struct WebhookEnabled<'a> {
    pub webhook_id: WebhookId,
    pub tenant_id: &'a TenantId,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<&'a UserId>,
    pub backlog: i64,
}

/// `webhook.enabled`
pub(crate) fn webhook_enabled(fields: &WebhookEnabled<'_>) -> NewEvent {
    let subject = format!("webhook:{}", fields.webhook_id);
    event(catalogue::WEBHOOK_ENABLED, subject, Audience::default(), fields)
}

/// An event that stands in no log, so that its number means nothing.
pub(crate) fn of_the_moment(tenant: &TenantId, new: NewEvent, at: Timestamp) -> Event {
    Event {
        tenant: tenant.clone(),
        seq: 0,
        id: new.id,
        name: new.name,
        subject: new.subject,
        audience: new.audience,
        payload: new.payload,
        created_at: at,
    }
}
