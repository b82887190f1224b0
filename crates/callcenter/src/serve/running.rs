//! The running server: its tasks, and the order in which they end.

use super::bind::{Reserved, shown};
use super::http::HttpServer;
use super::parts::Parts;
use super::tls::Certificates;
use crate::config::Config;
use crate::descriptors::Limits;
use crate::single_instance::SingleInstance;
use app::App;
use model::WebhookId;
use realtime::{Bus, Relay};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{info, warn};
use webhooks::Notice;

// Together below `STOP_WITHIN`.
const DRAIN_WEBSOCKETS: Duration = Duration::from_secs(3);
const CLOSE_WEBSOCKETS: Duration = Duration::from_millis(4500);
const FINISH_DELIVERIES: Duration = Duration::from_secs(5);
const FINISH_REQUESTS: Duration = Duration::from_millis(1500);
const FINISH_TASKS: Duration = Duration::from_millis(1500);
const CLOSE_DATABASE: Duration = Duration::from_millis(500);

/// Other servers' rings that may wait to be heard: of 1,000 numbers each at most, 0.5 MB.
const RINGS: usize = 64;

/// A server that serves.
pub struct Running {
    parts: Parts,
    http: HttpServer,
    background: TaskTracker,
    stop_background: CancellationToken,
    /// Released last.
    _instance: Option<SingleInstance>,
}

impl Running {
    /// Starts the tasks and opens the door.
    pub fn serve(
        config: &Config,
        mut parts: Parts,
        address: Reserved,
        tls: Option<Arc<Certificates>>,
        limits: Limits,
        instance: Option<SingleInstance>,
    ) -> anyhow::Result<Self> {
        let listener = address.listen()?;
        let tasks = Tasks::default();
        tasks.start(&mut parts, tls.clone());
        let router = api::router(parts.api.clone());
        let http = HttpServer::start(listener, tls, router, limits.requests);
        info!("Starting server on {}", shown(&config.host, config.port));
        let Tasks { tracker: background, stop: stop_background } = tasks;
        Ok(Self { parts, http, background, stop_background, _instance: instance })
    }

    /// Stops: nobody new, WebSockets told to come back, deliveries finished or given back, then requests, then the rest.
    /// Until the deliveries are done, open connections are still answered, so that a balancer sees the 503 of readiness.
    pub async fn stop(self) {
        let app = &self.parts.app;
        self.http.stop_accepting();
        self.parts.api.stop();
        app.hub.refuse();
        let drained = async {
            app.hub.drain(DRAIN_WEBSOCKETS).await;
            app.hub.drained().await;
        };
        let (websockets, ()) =
            tokio::join!(timeout(CLOSE_WEBSOCKETS, drained), app.engine.drain(FINISH_DELIVERIES));
        if websockets.is_err() {
            warn!(left = app.hub.total_connections(), "Some WebSockets did not close in time");
        }
        self.http.finish(FINISH_REQUESTS).await;
        self.stop_background.cancel();
        self.background.close();
        if timeout(FINISH_TASKS, self.background.wait()).await.is_err() {
            warn!(left = self.background.len(), "Some tasks did not end in time");
        }
        if let Some(bus) = &self.parts.bus {
            bus.close();
        }
        // What is lost by not waiting longer is only the politeness towards the database.
        let _ = timeout(CLOSE_DATABASE, app.store.close()).await;
    }
}

/// The tasks beside the requests.
#[derive(Default)]
struct Tasks {
    tracker: TaskTracker,
    stop: CancellationToken,
}

impl Tasks {
    fn start(&self, parts: &mut Parts, tls: Option<Arc<Certificates>>) {
        let (hub, engine, presence) =
            (parts.app.hub.clone(), parts.app.engine.clone(), parts.presence.clone());
        let (of_hub, of_presence) = (self.stop.clone(), self.stop.clone());
        self.tracker.spawn(async move { hub.run(of_hub).await });
        self.tracker.spawn(engine.run(self.stop.clone()));
        self.tracker.spawn(async move { presence.run(of_presence).await });
        if let Some(epoch) = parts.epoch.take() {
            self.tracker.spawn(epoch.run(parts.app.hub.clone(), self.stop.clone()));
        }
        if let Some(bus) = &parts.bus {
            let (rings, rung) = mpsc::channel(RINGS);
            let relay = Relay::new(parts.app.hub.clone(), bus.clone()).with_rings(rings);
            let of_relay = self.stop.clone();
            self.tracker.spawn(async move { relay.run(of_relay).await });
            self.until_stop(ring_others(parts.app.clone(), bus.clone()));
            self.until_stop(hear_others(parts.app.clone(), rung));
        }
        let (gate, timing, noticing) = (parts.app.gate.clone(), parts.app.clone(), parts.app.clone());
        self.until_stop(async move { gate.follow().await });
        self.until_stop(async move { timing.keep_time().await });
        self.until_stop(parts.app.agents.clone().run_timers());
        let (replaying, watching, pruning) = (parts.app.clone(), parts.app.clone(), parts.app.clone());
        self.until_stop(async move { pruning.retention.run().await });
        self.until_stop(async move { watching.webhooks.watch_failing().await });
        self.until_stop(async move { replaying.webhooks.run_replays().await });
        let ending = parts.app.clone();
        let store = parts.app.store.clone();
        self.until_stop(async move { store.keep_checkpoints().await });
        self.until_stop(async move { ending.calls.give_up_stale().await });
        let counting = parts.app.clone();
        self.until_stop(async move { counting.queues.publish_stats().await });
        let notices = std::mem::replace(&mut parts.notices, mpsc::channel(1).1);
        self.until_stop(act_on(noticing, notices));
        let (telling, edges) = (parts.app.clone(), std::mem::replace(&mut parts.edges, mpsc::channel(1).1));
        self.until_stop(async move { telling.connections.tell(edges).await });
        if let Some(certificates) = tls {
            self.until_stop(async move { certificates.follow_files().await });
        }
    }

    fn until_stop(&self, task: impl Future<Output = ()> + Send + 'static) {
        let stop = self.stop.clone();
        self.tracker.spawn(async move {
            stop.run_until_cancelled_owned(task).await;
        });
    }
}

/// Tells other servers that deliveries wait in lanes which may be theirs.
async fn ring_others(app: Arc<App>, bus: Bus) {
    loop {
        let webhooks = app.engine.queued_elsewhere().await;
        let numbers: Vec<i64> = webhooks.into_iter().map(|webhook| webhook.0).collect();
        bus.ring(app.hub.server(), &numbers).await;
    }
}

/// Has lanes looked at for which other servers have rung.
async fn hear_others(app: Arc<App>, mut rung: mpsc::Receiver<Vec<i64>>) {
    while let Some(numbers) = rung.recv().await {
        app.engine.rung(numbers.into_iter().map(WebhookId));
    }
}

/// Does what the delivery engine finds necessary.
async fn act_on(app: Arc<App>, mut notices: mpsc::Receiver<Notice>) {
    while let Some(Notice::Gone { tenant, webhook }) = notices.recv().await {
        if let Err(error) = app.webhooks.disable_gone(&tenant, webhook).await {
            warn!(%error, %tenant, %webhook, "An endpoint that is gone could not be switched off");
        }
    }
}
