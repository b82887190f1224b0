//! For tests: the product's inside on an SQLite of its own, with the development tenant.

use crate::passwords::Hashing;
use crate::{Broadcaster, Gate, setup};
use model::{Clock, ServerId, TenantId};
use realtime::{Hub, HubConfig};
use std::sync::Arc;
use std::time::Duration;
use store::{Database, Store};
use webhooks::{AllowedNetworks, Engine, EngineConfig, ExtraRoots};

pub(crate) struct Site {
    _folder: tempfile::TempDir,
    pub store: Store,
    pub clock: Clock,
    pub tenant: TenantId,
    pub broadcaster: Arc<Broadcaster>,
}

impl Site {
    pub(crate) async fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::connect(&Database::Sqlite(folder.path().join("test.db"))).await.unwrap();
        store::migrate(&store).await.unwrap();
        let (clock, server) = (Clock::default(), ServerId::generate());
        setup::development_tenant(&store, &clock, &Hashing::weak()).await.unwrap();
        let hub = Hub::new(HubConfig::default(), store.clone(), clock.clone(), server.clone());
        let config = EngineConfig {
            workers: 1,
            retry_schedule: vec![Duration::from_secs(5)],
            allowed_networks: AllowedNetworks::none(),
            extra_roots: ExtraRoots::default(),
            user_agent_version: "1",
        };
        let (engine, _) = Engine::new(config, store.clone(), clock.clone(), server.clone());
        let gate = Arc::new(Gate::new(store.clone(), clock.clone(), hub.clone()));
        let broadcaster = Arc::new(Broadcaster::new(store.clone(), clock.clone(), hub, engine, gate, server));
        let tenant = TenantId::parse("tenant-123").unwrap();
        Self { _folder: folder, store, clock, tenant, broadcaster }
    }
}
