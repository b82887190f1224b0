//! Tests of what a lapse of the lease, and a caller that was cancelled, leave behind.

use super::*;
use crate::engine::Engine;
use crate::request::tests::delivery;
use crate::{AllowedNetworks, EngineConfig, housekeeping};
use model::{Clock, ServerId, WebhookId};
use store::deliveries::{Delivery, NewDelivery, Owner};
use store::{Database, Store};

const WEBHOOK: WebhookId = WebhookId(7);

struct Bench {
    _folder: tempfile::TempDir,
    engine: Engine,
}

async fn bench() -> Bench {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::connect(&Database::Sqlite(folder.path().join("test.db"))).await.unwrap();
    store::migrate(&store).await.unwrap();
    let config = EngineConfig {
        workers: 1,
        retry_schedule: vec![Duration::from_secs(5)],
        allowed_networks: AllowedNetworks::none(),
        extra_roots: crate::ExtraRoots::default(),
        user_agent_version: "0",
    };
    let (engine, _) = Engine::new(config, store, Clock::default(), ServerId::generate());
    renew(&engine.0).await.unwrap();
    Bench { _folder: folder, engine }
}

impl Bench {
    /// Writes deliveries as this server's.
    async fn write(&self, ids: std::ops::RangeInclusive<i64>) -> Vec<Delivery> {
        let shared = &self.engine.0;
        let all: Vec<Delivery> = ids.map(|id| delivery(id, Some(id))).collect();
        let new = |one: &Delivery| NewDelivery {
            tenant: one.tenant.clone(),
            id: one.id,
            webhook: WEBHOOK,
            event_id: one.event_id.clone(),
            event_seq: one.event_seq,
            event: one.event.clone(),
            subject: None,
            owner: Owner::Server(shared.server.clone()),
            payload: one.payload.clone(),
        };
        let rows: Vec<NewDelivery> = all.iter().map(new).collect();
        let mut tx = shared.store.begin().await.unwrap();
        deliveries::insert(tx.conn(), &rows, shared.clock.now()).await.unwrap();
        tx.commit().await.unwrap();
        all
    }

    fn queue(&self, all: &[Delivery]) {
        let push = |one: &Delivery| self.engine.0.lanes(|lanes| lanes.push(one.clone(), 1, Instant::now()));
        all.iter().for_each(push);
    }

    /// The numbers of the deliveries that are this server's in the database.
    async fn owned(&self) -> Vec<i64> {
        let shared = &self.engine.0;
        let mut reader = shared.store.read().await.unwrap();
        let owned = deliveries::owned(reader.conn(), &shared.server).await.unwrap();
        let mut ids: Vec<i64> = owned.iter().map(|one| one.key.1.0).collect();
        ids.sort_unstable();
        ids
    }
}

#[tokio::test]
async fn after_a_lapse_only_what_is_under_way_stays_this_servers() {
    let bench = bench().await;
    let shared = &bench.engine.0;
    bench.queue(&bench.write(1..=5).await);
    let job = shared.lanes(|lanes| lanes.take(Instant::now(), shared.clock.now())).unwrap();
    shared.lease.hold_until(shared.lease.base);
    assert!(!shared.may_send() && bench.engine.reserve(WEBHOOK, 1).is_none());
    renew(shared).await.unwrap();
    assert!(shared.may_send());
    assert_eq!(bench.owned().await, [job.delivery.id.0]);
    assert_eq!(shared.lanes(|lanes| (lanes.queued, lanes.unrecorded())), (0, 1));
    assert_ne!(shared.lanes(|lanes| lanes.generation), job.generation);
}

#[tokio::test]
async fn renewing_in_time_changes_nothing() {
    let bench = bench().await;
    bench.queue(&bench.write(1..=5).await);
    renew(&bench.engine.0).await.unwrap();
    assert_eq!(bench.owned().await, [1, 2, 3, 4, 5]);
    assert_eq!(bench.engine.gauges().queued, 5);
}

#[tokio::test]
async fn rows_that_no_memory_holds_are_freed_and_no_others() {
    let bench = bench().await;
    let shared = &bench.engine.0;
    let all = bench.write(1..=4).await;
    // 1 is being sent, 2 waits; whoever wrote 3 and 4 was cancelled before it could say so.
    bench.queue(&all[..2]);
    let _job = shared.lanes(|lanes| lanes.take(Instant::now(), shared.clock.now())).unwrap();
    housekeeping::recover(shared, &[(WEBHOOK, shared.clock.now())].into()).await.unwrap();
    assert_eq!(bench.owned().await, [1, 2]);
}

#[tokio::test]
async fn a_reservation_dropped_unused_gives_its_room_back_and_is_followed_up() {
    let bench = bench().await;
    let shared = &bench.engine.0;
    shared.lanes(|lanes| {
        lanes.lane(WEBHOOK, Instant::now()).behind = false;
    });
    let room = bench.engine.reserve(WEBHOOK, 100).unwrap();
    assert!(bench.engine.gauges().bytes > 100);
    drop(room);
    assert_eq!(bench.engine.gauges().bytes, 0);
    let now = Instant::now();
    assert_eq!(shared.upkeep.next_suspect(now), None, "its transaction may still be on its way");
    let later = now + Duration::from_secs(31);
    assert_eq!(shared.upkeep.next_suspect(later).map(|(webhook, _)| webhook), Some(WEBHOOK));
    assert_eq!(shared.upkeep.next_suspect(later), None);
}

#[tokio::test]
async fn only_notes_that_the_last_sweep_saw_are_looked_at_and_all_in_turn() {
    let bench = bench().await;
    let shared = &bench.engine.0;
    bench.write(1..=4).await;
    let mut reader = shared.store.read().await.unwrap();
    let blocks = deliveries::blocks(reader.conn(), &shared.server).await.unwrap();
    assert_eq!(blocks.len(), 1);
    let mut sweep = super::Sweep::default();
    assert!(sweep.candidates(blocks.clone()).is_empty());
    assert_eq!(sweep.candidates(blocks.clone()), blocks);
    assert_eq!(sweep.candidates(blocks.clone()), blocks, "again from the beginning");
    assert!(sweep.candidates(Vec::new()).is_empty());
    assert!(sweep.candidates(blocks).is_empty());
}
