//! A call whose turn does not come in time.

use super::*;
use crate::Gate;
use ::webhooks::{AllowedNetworks, Engine, EngineConfig, ExtraRoots};
use model::{Clock, ServerId};
use realtime::{Hub, HubConfig};
use serde_json::value::RawValue;
use store::{Database, Store};

struct Site {
    _folder: tempfile::TempDir,
    store: Store,
    tenant: TenantId,
    publishing: Publishing,
}

async fn site(patience: Duration) -> Site {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::connect(&Database::Sqlite(folder.path().join("test.db"))).await.unwrap();
    store::migrate(&store).await.unwrap();
    let (clock, server) = (Clock::default(), ServerId::generate());
    crate::setup::development_tenant(&store, &clock, &crate::passwords::Hashing::weak()).await.unwrap();
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
    let broadcaster = Arc::new(Broadcaster::new(store.clone(), clock, hub, engine, gate, server));
    let publishing = Publishing { patience, ..Publishing::new(broadcaster) };
    let tenant = TenantId::parse("tenant-123").unwrap();
    Site { _folder: folder, store, tenant, publishing }
}

impl Site {
    async fn publish(&self, key: Option<&str>) -> Result<Vec<Accepted>> {
        let draft = EventDraft {
            path: String::new(),
            name: "order.paid".into(),
            payload: RawValue::from_string("{}".into()).unwrap(),
            subject: None,
            has_audience: false,
            users: Vec::new(),
            roles: Vec::new(),
            queues: Vec::new(),
        };
        let key = key.map(|key| Key { credential: "c".into(), key: key.into(), body_hash: "h".into() });
        self.publishing.publish(&self.tenant, vec![draft], key).await
    }

    fn waiting(&self) -> Option<usize> {
        self.publishing.queues().get(&self.tenant).map(|queue| queue.calls.len())
    }
}

fn seq(answer: Result<Vec<Accepted>>) -> i64 {
    answer.unwrap()[0].seq
}

#[tokio::test]
async fn a_call_whose_turn_does_not_come_is_refused_and_never_written() {
    let site = site(Duration::from_millis(50)).await;
    // Whoever holds the only writer holds everybody up.
    let holding = site.store.begin().await.unwrap();
    let first = site.publish(None);
    let others = async {
        while site.waiting() != Some(0) {
            tokio::task::yield_now().await;
        }
        let (one, other) = tokio::join!(site.publish(Some("key")), site.publish(None));
        assert!(matches!(one, Err(Error::Busy)) && matches!(other, Err(Error::Busy)), "{one:?} {other:?}");
        let queue = (site.waiting(), site.publishing.queues()[&site.tenant].bytes);
        assert_eq!(queue, (Some(0), 0));
        drop(holding);
    };
    // The first was being written when its time was over: it is told what became of it.
    let (first, ()) = tokio::join!(first, others);
    assert_eq!(seq(first), 1);
    let patient = Site { publishing: Publishing { patience: PATIENCE, ..site.publishing.clone() }, ..site };
    assert_eq!(seq(patient.publish(Some("key")).await), 2, "its key is free");
    assert_eq!(seq(patient.publish(Some("key")).await), 2);
    assert_eq!(seq(patient.publish(None).await), 3);
}
