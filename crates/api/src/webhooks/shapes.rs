//! What requests and answers about webhooks look like.

use crate::envelope::{OkList, PageMeta};
use crate::extract::given;
use crate::paging::cursor;
use app::webhooks::Draft;
use model::Timestamp;
use model::webhook::EventPattern;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use store::deliveries::{LogEntry, Page};
use store::webhooks::{Health, Webhook};
use utoipa::ToSchema;

/// What stands in place of a secret that is not shown.
const HIDDEN: &str = "********";

/// An endpoint as a client describes it. Only `url` is required, and only when an endpoint is created or replaced.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WebhookDraft {
    /// The URL's host if not said.
    #[schema(min_length = 1, max_length = 200)]
    name: Option<String>,
    /// `http` or `https`, without user info.
    #[schema(example = "https://hooks.example.com/in")]
    url: Option<String>,
    /// Event names, prefixes such as `call.*`, or `*`; every event if not said.
    #[schema(min_items = 1, max_items = 100)]
    events: Option<Vec<String>>,
    /// Signs deliveries; a strong one is made if not said.
    #[schema(min_length = 1, max_length = 256)]
    secret: Option<String>,
    is_active: Option<bool>,
    /// Retries after the first attempt; 7 if not said.
    #[schema(minimum = 0, maximum = 20)]
    retry_count: Option<i64>,
    /// Seconds that one attempt may take; 30 if not said.
    #[schema(minimum = 1, maximum = 60)]
    timeout: Option<i64>,
    /// `none`, `subject` (one at a time for each subject, events without one side by side) or `strict` (one at a time). A
    /// change holds for events published after it; what is queued already keeps its order.
    ordering: Option<String>,
    /// Masks callers' and visitors' data in catalogue events; custom events have one form.
    mask_personal_data: Option<bool>,
    /// Further headers of every delivery.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<BTreeMap<String, String>>)]
    headers: Option<Option<BTreeMap<String, String>>>,
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>, max_length = 1000)]
    description: Option<Option<String>>,
}

impl From<WebhookDraft> for Draft {
    fn from(draft: WebhookDraft) -> Self {
        Self {
            name: draft.name,
            url: draft.url,
            events: draft.events,
            secret: draft.secret,
            is_active: draft.is_active,
            retry_count: draft.retry_count,
            timeout: draft.timeout,
            ordering: draft.ordering,
            mask_personal_data: draft.mask_personal_data,
            headers: draft.headers,
            description: draft.description,
        }
    }
}

/// An endpoint.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Webhook)]
pub(crate) struct WebhookBody {
    #[schema(example = 1)]
    id: i64,
    name: String,
    url: String,
    events: Vec<String>,
    /// In full only when just created or rotated.
    secret: String,
    is_active: bool,
    retry_count: i64,
    /// Seconds.
    timeout: i64,
    ordering: &'static str,
    mask_personal_data: bool,
    headers: BTreeMap<String, String>,
    #[schema(required = true)]
    description: Option<String>,
    created_at: String,
    updated_at: String,
    /// Why the platform switched it off; absent otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    disabled_reason: Option<String>,
    /// In words: `healthy`, `paused until …`, `failing since …` or `disabled because …`.
    health: String,
}

impl WebhookBody {
    /// With the secret in full.
    pub fn revealed(webhook: Webhook) -> Self {
        let secret = webhook.secret.clone();
        Self { secret, ..Self::hidden(webhook, Health::default()) }
    }

    /// Without the secret.
    pub fn hidden(webhook: Webhook, health: Health) -> Self {
        let health = health_word(&webhook, health);
        Self {
            id: webhook.id.0,
            name: webhook.name,
            url: webhook.url,
            events: webhook.events.iter().map(EventPattern::to_text).collect(),
            secret: HIDDEN.into(),
            is_active: webhook.is_active,
            retry_count: webhook.retry_count,
            timeout: webhook.timeout_seconds,
            ordering: webhook.ordering.as_str(),
            mask_personal_data: webhook.mask_personal_data,
            headers: webhook.headers,
            description: webhook.description,
            created_at: webhook.created_at.to_string(),
            updated_at: webhook.updated_at.to_string(),
            disabled_reason: webhook.disabled_reason,
            health,
        }
    }
}

fn health_word(webhook: &Webhook, health: Health) -> String {
    if !webhook.is_active {
        return format!("disabled because {}", webhook.disabled_reason.as_deref().unwrap_or("manual"));
    }
    match (health.paused_until, health.failing_since) {
        (Some(until), _) => format!("paused until {}", Timestamp(until)),
        (None, Some(since)) if health.consecutive_failures > 0 => {
            format!("failing since {}", Timestamp(since))
        }
        (None, _) => "healthy".into(),
    }
}

/// A delivery in the log.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LogEntryBody {
    id: i64,
    webhook_id: i64,
    event_id: String,
    event: String,
    /// `pending`, `success` or `failed`.
    status: String,
    /// Of the last attempt; null if there was no answer.
    #[schema(required = true)]
    http_status: Option<i64>,
    /// Of the last attempt.
    #[schema(required = true)]
    response_time_ms: Option<i64>,
    attempts: i64,
    retries: i64,
    #[schema(required = true)]
    error: Option<String>,
    created_at: String,
    #[schema(required = true)]
    completed_at: Option<String>,
    #[schema(required = true)]
    next_attempt_at: Option<String>,
}

impl From<LogEntry> for LogEntryBody {
    fn from(entry: LogEntry) -> Self {
        let moment = |at: Option<i64>| at.map(|at| Timestamp(at).to_string());
        Self {
            id: entry.id,
            webhook_id: entry.webhook_id,
            event_id: entry.event_id,
            event: entry.event,
            status: entry.status,
            http_status: entry.http_status,
            response_time_ms: entry.response_time_ms,
            attempts: entry.attempts,
            retries: (entry.attempts - 1).max(0),
            error: entry.error,
            created_at: Timestamp(entry.created_at).to_string(),
            completed_at: moment(entry.completed_at),
            next_attempt_at: moment(entry.next_attempt_at),
        }
    }
}

/// A page of a log, which says itself where the next one goes on.
pub(crate) fn log_page(page: Page) -> OkList<LogEntryBody, PageMeta> {
    let meta = PageMeta { next_cursor: page.next.map(|next| cursor(&next.to_string())) };
    OkList(page.entries.into_iter().map(Into::into).collect(), meta)
}
