//! What every handler can reach.

use crate::bodies::Bodies;
use crate::client_address::TrustedProxies;
use crate::cors::Origins;
use crate::metrics::Metrics;
use crate::places::Places;
use app::App;
use app::rate_limit::{Limit, RateLimiter, Source};
use realtime::Bus;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// How the edge behaves.
#[derive(Debug, Clone)]
pub struct EdgeConfig {
    /// Whether this is production: metrics for loopback only, unless there is a token.
    pub production: bool,
    /// Which pages may call.
    pub origins: Origins,
    /// Which proxies' word about the client's address counts.
    pub trusted_proxies: TrustedProxies,
    /// Requests per user; a tenth of it per address without one.
    pub rate_limit: Option<Limit>,
    /// Guards `/metrics`.
    pub metrics_token: Option<String>,
    /// Lets tests move the clock by `POST /test/clock`.
    pub test_clock: bool,
    /// The product's version.
    pub version: &'static str,
}

/// How Redis is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RedisHealth {
    /// Not configured.
    Disabled,
    /// Connected.
    Up,
    /// Configured, and away.
    Down,
}

/// The state of the edge.
pub struct ApiState {
    pub(crate) app: Arc<App>,
    pub(crate) config: EdgeConfig,
    pub(crate) metrics: Metrics,
    pub(crate) places: Places,
    pub(crate) bodies: Bodies,
    pub(crate) by_caller: RateLimiter<String>,
    pub(crate) by_address: RateLimiter<Source>,
    bus: Option<Bus>,
    stopping: AtomicBool,
}

impl ApiState {
    /// The state of a server that is ready.
    #[must_use]
    pub fn new(app: Arc<App>, bus: Option<Bus>, config: EdgeConfig) -> Self {
        let by_address = config.rate_limit.map(|limit| limit.scaled(0.1));
        Self {
            by_caller: RateLimiter::new(config.rate_limit, app.clock.clone()),
            by_address: RateLimiter::new(by_address, app.clock.clone()),
            metrics: Metrics::default(),
            places: Places::default(),
            bodies: Bodies::default(),
            stopping: AtomicBool::new(false),
            app,
            config,
            bus,
        }
    }

    /// Turns readiness off: the balancer is to send nobody here any more.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    pub(crate) fn redis(&self) -> RedisHealth {
        match &self.bus {
            None => RedisHealth::Disabled,
            Some(bus) if bus.is_connected() => RedisHealth::Up,
            Some(_) => RedisHealth::Down,
        }
    }
}
