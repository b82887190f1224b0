//! Random histories against the log: whatever happens on the way, a client's events are the log's.

use super::client::{Client, Over};
use super::support::*;
use crate::HubConfig;
use model::{Audience, Event, Role};
use proptest::prelude::*;
use std::sync::Arc;

/// One step of a history.
#[derive(Debug, Clone)]
enum Step {
    /// Commit so many events; tell the hub of them later, in another order, or never.
    Commit { count: usize, is_told: bool },
    /// Tell the hub of what it was not told yet, backwards.
    Tell,
    /// A client reads so many documents.
    Read { client: usize, count: usize },
    /// A client loses its connection and comes back behind its last event.
    Reconnect { client: usize },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (1..20_usize, prop::bool::weighted(0.7)).prop_map(|(count, is_told)| Step::Commit { count, is_told }),
        3 => Just(Step::Tell),
        4 => (0..3_usize, 1..12_usize).prop_map(|(client, count)| Step::Read { client, count }),
        2 => (0..3_usize).prop_map(|client| Step::Reconnect { client }),
    ]
}

/// A client with what it has seen.
struct Reader {
    client: Client,
    role: Role,
    seen: Vec<i64>,
}

impl Reader {
    async fn open(world: &World, role: Role, since: i64) -> Client {
        let who = crate::Admission { since: Some(since), ..world.admission("u1", role) };
        // The kernel's own buffers are slow when they are small: agents have those.
        match (world.over, role) {
            (Over::Loop, Role::Admin) => world.open(who).await.unwrap(),
            _ => world.open_narrow(who).await.unwrap(),
        }
    }

    fn expects(&self, log: &[Arc<Event>]) -> Vec<i64> {
        let is_seen = |event: &&Arc<Event>| self.role == Role::Admin || event.seq % 3 != 0;
        log.iter().filter(is_seen).map(|event| event.seq).collect()
    }

    async fn read(&mut self, count: usize) {
        let mut read = 0;
        while read < count {
            let document = self.client.next().await;
            assert_ne!(document["type"], "connection.reset");
            if let Some(seq) = document["seq"].as_i64() {
                self.seen.push(seq);
                read += 1;
            }
        }
    }

    async fn reconnect(&mut self, world: &World) {
        let since = self.seen.last().copied().unwrap_or(0);
        let old = std::mem::replace(&mut self.client, Self::open(world, self.role, since).await);
        old.leave().await;
    }
}

async fn play(steps: Vec<Step>, tail_events: usize, over: Over) {
    let world = World { over, ..World::new(HubConfig { tail_events, ..config() }).await };
    let reader = async |role| Reader { client: Reader::open(&world, role, 0).await, role, seen: Vec::new() };
    let mut readers = [reader(Role::Admin).await, reader(Role::Agent).await, reader(Role::Agent).await];
    let (mut log, mut untold) = (Vec::new(), Vec::new());
    for step in steps {
        match step {
            Step::Commit { count, is_told } => {
                let events = commit(&world, count, log.len()).await;
                if is_told {
                    world.hub.committed(&events);
                } else {
                    untold.extend(events.iter().cloned());
                }
                log.extend(events);
            }
            Step::Tell => untold.drain(..).rev().for_each(|event| world.hub.committed(&[event])),
            Step::Read { client, count } => {
                let reader = &mut readers[client];
                let left = reader.expects(&log).len() - reader.seen.len();
                reader.read(count.min(left)).await;
            }
            Step::Reconnect { client } => readers[client].reconnect(&world).await,
        }
    }
    for reader in &mut readers {
        let expected = reader.expects(&log);
        reader.read(expected.len() - reader.seen.len()).await;
        assert_eq!(reader.seen, expected);
    }
}

/// Every third event is for supervisors only.
async fn commit(world: &World, count: usize, before: usize) -> Vec<Arc<Event>> {
    let supervisors = || Audience { roles: vec![Role::Supervisor], ..Audience::default() };
    let audience =
        |n: usize| if (before + n + 1).is_multiple_of(3) { supervisors() } else { Audience::default() };
    world.commit((0..count).map(|n| custom("order.paid", audience(n))).collect()).await
}

fn history() -> impl Strategy<Value = (Vec<Step>, usize)> {
    let tail_events = prop_oneof![Just(1_usize), 2..12_usize, Just(1000)];
    (prop::collection::vec(step(), 1..30), tail_events)
}

fn run((steps, tail_events): (Vec<Step>, usize), over: Over) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(play(steps, tail_events, over));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn every_client_of_a_loop_sees_the_logs_events_once_and_in_order(history in history()) {
        run(history, Over::Loop);
    }

    #[test]
    fn every_client_of_a_task_sees_the_logs_events_once_and_in_order(history in history()) {
        run(history, Over::Task);
    }
}
