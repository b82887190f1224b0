//! What `/metrics` shows. Counts requests here; everything else is read from the hub and the engine when asked.

use crate::error::ApiError;
use crate::state::{ApiState, RedisHealth};
use axum::extract::{MatchedPath, Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::Response;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use std::sync::Arc;
use tokio::time::Instant;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    method: String,
    route: String,
    status: u16,
}

/// From half a millisecond to eight seconds.
const DURATIONS: [f64; 10] = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.05, 0.1, 0.5, 2.0, 8.0];

/// The server's own metrics.
pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    request_seconds: Histogram,
    connections: Gauge,
    redis_up: Gauge,
    deliveries_queued: Gauge,
    deliveries_in_flight: Gauge,
    delivered: Gauge,
    retried: Gauge,
    failed: Gauge,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("callcenter");
        let requests = Family::default();
        registry.register("http_requests", "HTTP requests by route and status", requests.clone());
        let request_seconds = Histogram::new(DURATIONS);
        registry.register("http_request_seconds", "How long HTTP requests took", request_seconds.clone());
        let mut gauge = |name: &str, help: &str| {
            let gauge = Gauge::default();
            registry.register(name, help, gauge.clone());
            gauge
        };
        Self {
            connections: gauge("realtime_connections", "WebSockets open on this server"),
            redis_up: gauge("redis_up", "1 while Redis is connected"),
            deliveries_queued: gauge(
                "webhook_deliveries_queued",
                "Deliveries in this server's memory, not being sent",
            ),
            deliveries_in_flight: gauge("webhook_deliveries_in_flight", "Deliveries being sent"),
            delivered: gauge("webhook_deliveries_successful", "Deliveries that succeeded since the start"),
            retried: gauge("webhook_attempts_retried", "Attempts that will be repeated, since the start"),
            failed: gauge("webhook_deliveries_failed", "Deliveries given up since the start"),
            requests,
            request_seconds,
            registry,
        }
    }
}

impl Metrics {
    pub fn encode(&self, state: &ApiState) -> Result<String, ApiError> {
        let engine = state.app.engine.gauges();
        let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        let total = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        self.connections.set(number(state.app.hub.total_connections()));
        self.redis_up.set(i64::from(state.redis() == RedisHealth::Up));
        self.deliveries_queued.set(number(engine.queued));
        self.deliveries_in_flight.set(number(engine.in_flight));
        self.delivered.set(total(engine.delivered));
        self.retried.set(total(engine.retried));
        self.failed.set(total(engine.failed));
        let mut text = String::new();
        encode(&mut text, &self.registry)
            .map_err(|error| app::Error::Internal(format!("metrics: {error}")))?;
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

/// Counts a request by its route, so that ids in paths do not make endless series.
pub(crate) async fn count(State(state): State<Arc<ApiState>>, request: Request, next: Next) -> Response {
    let method = known_method(request.method()).to_owned();
    let route = request.extensions().get::<MatchedPath>().map_or("(none)", MatchedPath::as_str).to_owned();
    let started = Instant::now();
    let response = next.run(request).await;
    let labels = RequestLabels { method, route, status: response.status().as_u16() };
    state.metrics.requests.get_or_create(&labels).inc();
    state.metrics.request_seconds.observe(started.elapsed().as_secs_f64());
    response
}
