//! Endpoints as their rows say, ready to be sent to, kept for a few seconds. Knows nothing of deliveries.

use crate::request;
use crate::signing::Signer;
use crate::target;
use hyper::header::{HeaderName, HeaderValue};
use hyper::{HeaderMap, Uri};
use model::{TenantId, WebhookId};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use store::Store;
use store::webhooks::Webhook;
use tokio::time::Instant;

/// How long a row is believed: people edit the table by hand.
const FRESH: Duration = Duration::from_secs(3);
/// How long after a failed look the old row goes on being used before the next look.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// How long an old row is used at most while the database is away; by then this server's lease is over.
const STALE: Duration = Duration::from_secs(10);
/// An endpoint that nobody asked for is dropped after that time.
const IDLE: Duration = Duration::from_secs(60);

/// An endpoint, prepared for requests.
#[derive(Debug)]
pub(crate) struct Endpoint {
    pub(crate) webhook: Webhook,
    /// Where to, or why nothing can be sent there.
    pub(crate) uri: Result<Uri, String>,
    /// The headers of all requests: its own further ones, and the platform's in the place of any of the same name.
    pub(crate) headers: HeaderMap,
    pub(crate) signer: Signer,
}

impl Endpoint {
    pub(crate) fn new(webhook: Webhook, version: &str) -> Self {
        let uri = target::parse(&webhook.url).and_then(|uri| {
            target::literal(uri.host().unwrap_or_default())?;
            Ok(uri)
        });
        let header = |(name, value): (&String, &String)| {
            Some((HeaderName::from_bytes(name.as_bytes()).ok()?, HeaderValue::from_str(value).ok()?))
        };
        let mut headers: HeaderMap = webhook.headers.iter().filter_map(header).collect();
        for (name, value) in request::of_all_requests(&webhook, version) {
            headers.insert(name, value);
        }
        let uri = uri.map_err(|problem| format!("the URL {problem}"));
        Self { uri, headers, signer: request::signer(&webhook), webhook }
    }

    /// The time limit of one attempt.
    pub(crate) fn timeout(&self) -> Duration {
        let range = model::webhook::TIMEOUT_SECONDS;
        let seconds = self.webhook.timeout_seconds.clamp(*range.start(), *range.end());
        Duration::from_secs(seconds.unsigned_abs())
    }

    /// For log lines.
    pub(crate) fn host(&self) -> &str {
        self.uri.as_ref().ok().and_then(Uri::host).unwrap_or("(no host)")
    }
}

struct Known {
    endpoint: Option<Arc<Endpoint>>,
    read_at: Instant,
    look_at: Instant,
}

type Entry = Arc<tokio::sync::Mutex<Option<Known>>>;

/// The cache. One entry an endpoint in use, dropped when idle.
pub(crate) struct Endpoints {
    map: Mutex<HashMap<WebhookId, (Entry, Instant)>>,
    /// What requests say of who sends them.
    version: &'static str,
}

impl Endpoints {
    pub(crate) fn new(version: &'static str) -> Self {
        Self { map: Mutex::default(), version }
    }

    /// The endpoint, or `None` if it is gone.
    pub(crate) async fn get(
        &self,
        store: &Store,
        tenant: &TenantId,
        id: WebhookId,
    ) -> store::Result<Option<Arc<Endpoint>>> {
        let entry = self.entry(id);
        // Whoever comes meanwhile waits for this one look.
        let mut known = entry.lock().await;
        let now = Instant::now();
        if let Some(known) = known.as_ref().filter(|known| known.look_at > now) {
            return Ok(known.endpoint.clone());
        }
        // In a box, because it is rare and would make each attempt's task several times as large.
        match Box::pin(read(store, tenant, id, self.version)).await {
            Ok(endpoint) => {
                let endpoint = endpoint.map(Arc::new);
                *known = Some(Known { endpoint: endpoint.clone(), read_at: now, look_at: now + FRESH });
                Ok(endpoint)
            }
            Err(error) => match known.as_mut().filter(|known| known.read_at + STALE > now) {
                Some(known) => {
                    known.look_at = now + LOOK_AGAIN;
                    Ok(known.endpoint.clone())
                }
                None => Err(error),
            },
        }
    }

    /// Forgets the endpoint. A look that is under way ends up in the entry that this removes.
    pub(crate) fn forget(&self, id: WebhookId) {
        self.map().remove(&id);
    }

    /// Drops what nobody asked for.
    pub(crate) fn sweep(&self) {
        let now = Instant::now();
        self.map().retain(|_, (_, used_at)| now.duration_since(*used_at) < IDLE);
    }

    fn entry(&self, id: WebhookId) -> Entry {
        let mut map = self.map();
        let (entry, used_at) = map.entry(id).or_insert_with(|| (Entry::default(), Instant::now()));
        *used_at = Instant::now();
        Arc::clone(entry)
    }

    fn map(&self) -> std::sync::MutexGuard<'_, HashMap<WebhookId, (Entry, Instant)>> {
        self.map.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn read(
    store: &Store,
    tenant: &TenantId,
    id: WebhookId,
    version: &str,
) -> store::Result<Option<Endpoint>> {
    let mut reader = store.read().await?;
    let webhook = store::webhooks::find(reader.conn(), tenant, id).await?;
    Ok(webhook.map(|webhook| Endpoint::new(webhook, version)))
}
