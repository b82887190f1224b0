//! `serve`: the order of start and stop.

mod bind;
mod handover;
mod http;
mod parts;
mod refusal;
pub mod roots;
mod running;
mod signals;
pub mod tls;

use crate::config::Config;
use crate::{database, descriptors, logging, single_instance};
use bind::Reserved;
use descriptors::Limits;
use running::Running;
use signals::Signals;
use single_instance::SingleInstance;
use std::time::Duration;
use store::{Database, Store};
use tokio::time::timeout;
use tracing::{info, warn};

/// The process is to be gone ten seconds after the signal.
const STOP_WITHIN: Duration = Duration::from_secs(9);

/// Runs the server until it is told to stop.
pub async fn run(config: Config) -> anyhow::Result<()> {
    logging::start(&config.log)?;
    let mut signals = Signals::install()?;
    let running = tokio::select! {
        started = start(&config) => started?,
        () = signals.next() => return Ok(()),
    };
    signals.next().await;
    info!("Stopping");
    // Further signals change nothing: supervisors send them twice, and the end is near anyway.
    match timeout(STOP_WITHIN, running.stop()).await {
        Ok(()) => info!("Stopped"),
        Err(_) => warn!("Stopped before everything had ended"),
    }
    Ok(())
}

/// What can be refused is refused before anything is opened or changed.
async fn start(config: &Config) -> anyhow::Result<Running> {
    refusal::check(config).await?;
    let tls = config.tls.as_ref().map(tls::Certificates::load).transpose()?;
    let roots = roots::load(config.webhook_ca_file.as_deref())?;
    let address = Reserved::bind(&config.host, config.port).await?;
    let instance = lock(&config.database)?;
    let store = open(&config.database).await?;
    let limits = limits(config.ws_max_connections);
    let parts = parts::start(config, roots, store, limits.websockets).await?;
    Running::serve(config, parts, address, tls, limits, instance)
}

/// One server per SQLite file; MySQL serves many.
fn lock(database: &Database) -> anyhow::Result<Option<SingleInstance>> {
    match database {
        Database::Sqlite(path) => single_instance::acquire(path).map(Some),
        Database::MySql { .. } => Ok(None),
    }
}

fn limits(websockets_wanted: usize) -> Limits {
    let descriptors = descriptors::lift();
    let limits = Limits::under(descriptors, websockets_wanted);
    if limits.websockets < websockets_wanted {
        warn!(
            "WS_MAX_CONNECTIONS is cut from {websockets_wanted} to {}: the descriptor limit is {descriptors}",
            limits.websockets
        );
    }
    limits
}

/// Connects and brings the schema up to date.
async fn open(database: &Database) -> anyhow::Result<Store> {
    let store = database::connect(database).await?;
    info!("Database connected successfully");
    store::migrate(&store).await?;
    Ok(store)
}
