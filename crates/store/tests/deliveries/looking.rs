//! Looks over all endpoints and lanes in which something waits.

use super::{NOW, delivery, prepare, stores};
use model::{ServerId, WebhookId};
use store::deliveries::{self, NewDelivery, Owner};
use store::{Store, lanes};

/// Endpoints of a tenant, at odd numbers: of each a few deliveries, of one many, all in this way.
async fn backlogs(store: &Store, endpoints: i64, owner: impl Fn(i64) -> Owner) -> Vec<WebhookId> {
    let (tenant, _) = prepare(store).await;
    let hooks: Vec<WebhookId> = (0..endpoints).map(|at| WebhookId(1_000_001 + 2 * at)).collect();
    let backlog = |at: usize| if at == 7 { 700 } else { 1 + at % 3 };
    let hook_of = hooks.iter().enumerate().flat_map(|(at, hook)| std::iter::repeat_n(*hook, backlog(at)));
    let rows: Vec<NewDelivery> =
        (1..).zip(hook_of).map(|(id, hook)| delivery(&tenant, id, hook, owner(id))).collect();
    let mut tx = store.begin().await.unwrap();
    for rows in rows.chunks(100) {
        deliveries::insert(tx.conn(), rows, NOW).await.unwrap();
    }
    tx.commit().await.unwrap();
    hooks
}

/// What may have been known of them before a look: nothing, all, some, and what is there no more.
fn known_before(hooks: &[WebhookId]) -> Vec<Vec<WebhookId>> {
    let some = hooks.iter().copied().filter(|hook| hook.0 % 3 == 0).collect();
    let gone = hooks.iter().flat_map(|hook| [*hook, WebhookId(hook.0 + 1)]).collect();
    vec![Vec::new(), hooks.to_vec(), some, hooks[..1].to_vec(), hooks[449..].to_vec(), gone]
}

#[tokio::test]
async fn a_look_finds_each_endpoint_once_whatever_is_known_before() {
    let folder = tempfile::tempdir().unwrap();
    for store in stores(folder.path()).await {
        let hooks = backlogs(&store, 450, |_| Owner::Nobody).await;
        for known in known_before(&hooks) {
            let waiting = deliveries::waiting(store.read().await.unwrap().conn(), &known).await.unwrap();
            let found: Vec<WebhookId> = waiting
                .iter()
                .map(|one| one.webhook)
                .filter(|id| hooks[0] <= *id && *id <= hooks[449])
                .collect();
            assert_eq!(found, hooks, "{} known", known.len());
            assert!(waiting.iter().filter(|one| hooks.contains(&one.webhook)).all(|one| one.due_at == NOW));
        }
    }
}

#[tokio::test]
async fn a_look_finds_each_lane_once_and_each_of_its_queues() {
    let folder = tempfile::tempdir().unwrap();
    let server = ServerId::generate();
    for store in stores(folder.path()).await {
        // Every other one is in the first queue, the others in one of their own.
        let queue = |id: i64| Owner::Lane(if id % 2 == 0 { 1000 } else { 1000 + id });
        let hooks = backlogs(&store, 450, queue).await;
        for known in known_before(&hooks) {
            let seen = lanes::look(store.read().await.unwrap().conn(), &server, &known).await.unwrap();
            let seen: Vec<_> =
                seen.iter().filter(|lane| hooks[0] <= lane.webhook && lane.webhook <= hooks[449]).collect();
            assert_eq!(
                seen.iter().map(|lane| lane.webhook).collect::<Vec<_>>(),
                hooks,
                "{} known",
                known.len()
            );
            assert!(seen.windows(2).all(|two| two[0].newest < two[1].newest), "as they were made");
        }
        let seen = lanes::look(store.read().await.unwrap().conn(), &server, &[]).await.unwrap();
        let long = seen.iter().find(|lane| lane.webhook == hooks[7]).unwrap();
        let (mut after, mut queues) = (-1, Vec::new());
        loop {
            let mut reader = store.read().await.unwrap();
            let some =
                lanes::queue::queues(reader.conn(), &long.tenant, long.webhook, after, 128).await.unwrap();
            let Some((last, _)) = some.last() else { break };
            assert!(some.len() <= 128 && some.iter().all(|(_, due_at)| *due_at == NOW));
            after = *last;
            queues.extend(some.into_iter().map(|(queue, _)| queue));
        }
        let first = long.newest.0 - 699;
        let odd = (first..=long.newest.0).filter(|id| id % 2 == 1).map(|id| 1000 + id);
        assert_eq!(queues, std::iter::once(1000).chain(odd).collect::<Vec<_>>());
    }
}
