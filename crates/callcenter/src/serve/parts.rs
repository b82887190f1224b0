//! Puts the product together on an open database, and says so in the words of the quick start.

use crate::config::Config;
use crate::secret;
use api::{ApiState, EdgeConfig};
use app::{App, Broadcaster, EpochKeeper, Gate, MarkPlace, Settings};
use model::{Clock, ServerId};
use realtime::{Authority, Bus, Edge, Hub, HubConfig, Presence};
use std::sync::Arc;
use store::{Database, Store};
use tokio::sync::mpsc;
use tracing::{info, warn};
use webhooks::{Engine, EngineConfig, ExtraRoots, Notice};

/// The product's version.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// All that runs or is asked, without a listener yet.
pub struct Parts {
    /// The application.
    pub app: Arc<App>,
    /// The edge.
    pub api: Arc<ApiState>,
    /// Who is online.
    pub presence: Presence,
    /// Who comes online and who goes.
    pub edges: mpsc::Receiver<Edge>,
    /// Redis, if configured.
    pub bus: Option<Bus>,
    /// What the delivery engine found out.
    pub notices: mpsc::Receiver<Notice>,
    /// Keeps the log's epoch, until its task has it.
    pub epoch: Option<EpochKeeper>,
}

/// Makes all parts, in the order of the quick start's lines. Nothing of it runs before `Running` takes it over.
pub async fn start(
    config: &Config,
    roots: ExtraRoots,
    store: Store,
    websockets: usize,
) -> anyhow::Result<Parts> {
    let clock = Clock::default();
    let secret = prepare(config, &store, &clock).await?;
    info!("Repositories initialized");
    let server = ServerId::generate();
    let bus = connect_redis(config).await;
    let mut epoch = EpochKeeper::new(store.clone(), mark_place(config, bus.as_ref()));
    let hub_config = hub_config(config, epoch.begin().await?, websockets);
    let hub = Hub::new(hub_config, store.clone(), clock.clone(), server.clone());
    info!("{}", hub_line(bus.as_ref()));
    let engine_config = engine_config(config, roots);
    let (engine, notices) = Engine::new(engine_config, store.clone(), clock.clone(), server.clone());
    info!("Webhook manager started with {} workers", config.webhook_workers);
    let gate = Arc::new(Gate::new(store.clone(), clock.clone(), hub.clone()));
    let authority: Arc<dyn Authority> = gate.clone();
    hub.trust(&authority);
    let (presence, edges) = Presence::new(hub.clone(), bus.clone(), store.clone());
    let broadcaster = Arc::new(Broadcaster::new(store, clock, hub, engine, gate, server));
    info!("Event broadcaster initialized (WebSocket + Webhooks)");
    let allowed = config.webhook_allowed_networks.clone();
    let app = Arc::new(App::new(&settings(config, secret), broadcaster, allowed, presence.clone()));
    info!("Services initialized");
    let api = Arc::new(ApiState::new(app.clone(), bus.clone(), edge_config(config)));
    info!("Handlers initialized");
    Ok(Parts { app, api, presence, edges, bus, notices, epoch: Some(epoch) })
}

/// Everything that the database must hold before anybody comes in; gives the secret that signs tokens.
async fn prepare(config: &Config, store: &Store, clock: &Clock) -> anyhow::Result<String> {
    app::housekeeping::follow_database_clock(store, clock).await?;
    if let Database::Sqlite(_) = config.database {
        // The lock on the file says that no other server runs: what one before this had claimed is free.
        let mut tx = store.begin().await?;
        store::servers::expire_all(tx.conn()).await?;
        tx.commit().await?;
    }
    if !config.is_production() {
        app::setup::development_tenant(store, clock, &config.hashing()).await?;
    }
    match &config.jwt_secret {
        Some(secret) => Ok(secret.clone()),
        None => secret::kept(&config.database, store).await,
    }
}

async fn connect_redis(config: &Config) -> Option<Bus> {
    let redis = config.redis.as_ref()?;
    let bus = Bus::connect(&redis.url).await;
    match bus.first_outcome() {
        Ok(()) => info!("Redis connected successfully"),
        Err(why) => warn!("Warning: Redis connection failed: {why} (WebSocket will work in local mode only)"),
    }
    Some(bus)
}

fn hub_line(bus: Option<&Bus>) -> &'static str {
    if bus.is_some_and(|bus| bus.first_outcome().is_ok()) {
        "WebSocket PubSubHub started (multi-server mode)"
    } else {
        "WebSocket Hub started (single-server mode)"
    }
}

fn hub_config(config: &Config, epoch: String, websockets: usize) -> HubConfig {
    HubConfig {
        max_connections: websockets,
        max_connections_per_user: config.ws_max_connections_per_user,
        epoch,
        ..HubConfig::default()
    }
}

fn mark_place(config: &Config, bus: Option<&Bus>) -> MarkPlace {
    match (&config.database, bus) {
        (Database::Sqlite(path), _) => MarkPlace::beside(path),
        (Database::MySql { .. }, Some(bus)) => MarkPlace::Redis(bus.clone()),
        (Database::MySql { .. }, None) => MarkPlace::Memory,
    }
}

fn engine_config(config: &Config, extra_roots: ExtraRoots) -> EngineConfig {
    EngineConfig {
        workers: config.webhook_workers,
        retry_schedule: config.webhook_retry_schedule.clone(),
        allowed_networks: config.webhook_allowed_networks.clone(),
        extra_roots,
        user_agent_version: VERSION,
    }
}

fn settings(config: &Config, secret: String) -> Settings {
    Settings {
        jwt_secret: secret.into_bytes(),
        access_ttl: config.access_ttl,
        refresh_ttl: config.refresh_ttl,
        login_limit: config.rate_limit_login,
        webhooks: app::webhooks::Limits {
            disable_after: config.webhook_disable_after,
            events_kept: config.event_retention,
        },
        kept: app::retention::Kept {
            events: config.event_retention,
            webhook_logs: config.webhook_log_retention,
        },
        call_stale_after: config.call_stale_after,
        hashing: config.hashing(),
    }
}

fn edge_config(config: &Config) -> EdgeConfig {
    EdgeConfig {
        production: config.is_production(),
        origins: config.cors.origins.clone(),
        trusted_proxies: config.trusted_proxies.clone(),
        rate_limit: config.rate_limit_api,
        metrics_token: config.metrics_token.clone(),
        test_clock: config.test_clock,
        version: VERSION,
    }
}
