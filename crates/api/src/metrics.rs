//! What `/metrics` shows. Counts requests here; everything else is read from the hub and the engine when asked.

use crate::error::ApiError;
use crate::state::ApiState;
use axum::extract::{MatchedPath, Request};
use axum::http::{Method, StatusCode};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::{encode_eof, encode_registry};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use tokio::time::Instant;

mod snapshot;

use snapshot::Snapshot;

const PREFIX: &str = "callcenter";

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    method: String,
    route: String,
    status: u16,
}

/// From half a millisecond to eight seconds.
const DURATIONS: [f64; 10] = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.05, 0.1, 0.5, 2.0, 8.0];

/// What is counted here.
pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    request_seconds: Histogram,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix(PREFIX);
        let requests = Family::default();
        registry.register("http_requests", "HTTP requests by route and status", requests.clone());
        let request_seconds = Histogram::new(DURATIONS);
        registry.register("http_request_seconds", "How long HTTP requests took", request_seconds.clone());
        Self { registry, requests, request_seconds }
    }
}

impl Metrics {
    pub async fn encode(&self, state: &ApiState) -> Result<String, ApiError> {
        let encoded = self.encode_with(Snapshot::take(state).await);
        Ok(encoded.map_err(|error| app::Error::Internal(format!("metrics: {error}")))?)
    }

    fn encode_with(&self, snapshot: Snapshot) -> Result<String, std::fmt::Error> {
        let mut others = Registry::with_prefix(PREFIX);
        others.register_collector(Box::new(snapshot));
        let mut text = String::new();
        encode_registry(&mut text, &self.registry)?;
        encode_registry(&mut text, &others)?;
        encode_eof(&mut text)?;
        Ok(text)
    }
}

/// A method's name; clients may make up words, which must not make endless series either.
fn known_method(method: &Method) -> &str {
    match *method {
        Method::GET
        | Method::HEAD
        | Method::POST
        | Method::PUT
        | Method::PATCH
        | Method::DELETE
        | Method::OPTIONS => method.as_str(),
        _ => "(other)",
    }
}

/// A request that is counted by its route when it ends, so that ids in paths do not make endless series.
pub(crate) struct Counted {
    method: String,
    route: String,
    started: Instant,
}

impl Counted {
    pub fn begin(request: &Request) -> Self {
        let route =
            request.extensions().get::<MatchedPath>().map_or("(none)", MatchedPath::as_str).to_owned();
        Self { method: known_method(request.method()).to_owned(), route, started: Instant::now() }
    }

    pub fn end(self, metrics: &Metrics, status: StatusCode) {
        let labels = RequestLabels { method: self.method, route: self.route, status: status.as_u16() };
        metrics.requests.get_or_create(&labels).inc();
        metrics.request_seconds.observe(self.started.elapsed().as_secs_f64());
    }
}
