//! Going on where a client stopped.

use super::client::{Client, Over};
use super::support::*;
use crate::{Admission, HubConfig};
use model::Role;
use serde_json::{Value, json};

async fn ready(client: &mut Client) -> Value {
    let ready = client.next().await;
    assert_eq!(ready["type"], "connection.ready");
    ready["payload"]["seq"].clone()
}

#[tokio::test]
async fn a_client_goes_on_behind_its_last_number_from_memory() {
    let world = World::new(config()).await;
    let _keeps_the_tail = world.connect().await;
    world.publish(10).await;
    let mut client = world.resume(7).await;
    assert_eq!(ready(&mut client).await, 10);
    world.publish(2).await;
    assert_eq!(client.seqs(5).await, [8, 9, 10, 11, 12]);
}

#[tokio::test]
async fn a_client_goes_on_from_the_log_then_live() {
    let world = World::new(HubConfig { tail_events: 3, ..config() }).await;
    world.publish(300).await;
    let mut client = world.resume(5).await;
    assert_eq!(ready(&mut client).await, 300);
    world.publish(20).await;
    assert_eq!(client.seqs(315).await, (6..=320).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_client_that_has_everything_gets_what_comes() {
    let world = World::new(config()).await;
    world.publish(3).await;
    let mut client = world.resume(3).await;
    assert_eq!(ready(&mut client).await, 3);
    world.publish(1).await;
    assert_eq!(client.seqs(1).await, [4]);
}

#[tokio::test]
async fn since_0_is_the_whole_log() {
    let world = World::new(HubConfig { tail_events: 8, ..config() }).await;
    world.publish(100).await;
    let mut client = world.resume(0).await;
    ready(&mut client).await;
    assert_eq!(client.seqs(100).await, (1..=100).collect::<Vec<_>>());
    world.prune(40).await;
    let mut client = world.resume(0).await;
    ready(&mut client).await;
    assert_eq!(client.seqs(60).await, (41..=100).collect::<Vec<_>>());
    world.prune(100).await;
    let mut client = world.resume(0).await;
    ready(&mut client).await;
    world.publish(1).await;
    assert_eq!(client.seqs(1).await, [101]);
}

#[tokio::test]
async fn the_first_to_come_back_after_a_restart_finds_the_last_events_in_memory() {
    let world = World::new(config()).await;
    world.publish(300).await;
    let mut client = world.resume(200).await;
    assert_eq!(ready(&mut client).await, 300);
    assert_eq!(client.seqs(100).await, (201..=300).collect::<Vec<_>>());
    let tenant = world.hub.0.tenant(&tenant()).unwrap();
    assert!(tenant.feed.holds_after(44) && !tenant.feed.holds_after(43));
}

#[tokio::test]
async fn since_0_on_an_empty_log_is_live() {
    let world = World::new(config()).await;
    let mut client = world.resume(0).await;
    assert_eq!(ready(&mut client).await, 0);
    world.publish(2).await;
    assert_eq!(client.seqs(2).await, [1, 2]);
}

#[tokio::test]
async fn a_number_that_is_no_longer_or_not_yet_in_the_log_resets_the_client() {
    let world = World::new(config()).await;
    world.publish(10).await;
    world.prune(6).await;
    for since in [1, 5, 11, i64::MAX, -1] {
        let mut client = world.resume(since).await;
        ready(&mut client).await;
        let reset = json!({"type":"connection.reset","payload":{"oldest_seq":7,"seq":10,"epoch":EPOCH}});
        assert_eq!(client.next().await, reset, "since {since}");
    }
    let mut last = world.resume(6).await;
    ready(&mut last).await;
    assert_eq!(last.seqs(4).await, [7, 8, 9, 10]);
}

#[tokio::test]
async fn after_a_reset_the_client_goes_on_live() {
    let world = World::new(config()).await;
    world.publish(3).await;
    let mut client = world.resume(99).await;
    ready(&mut client).await;
    assert_eq!(client.next().await["type"], "connection.reset");
    world.publish(2).await;
    assert_eq!(client.seqs(2).await, [4, 5]);
}

#[tokio::test]
async fn another_epoch_resets_the_client_but_not_one_that_wants_everything() {
    let world = World::new(config()).await;
    world.publish(3).await;
    let with_epoch = async |since, epoch: &str| {
        let who = world.admission("u1", Role::Admin);
        world.open(Admission { since: Some(since), epoch: Some(epoch.into()), ..who }).await.unwrap()
    };
    let mut client = with_epoch(2, "other").await;
    ready(&mut client).await;
    assert_eq!(client.next().await["type"], "connection.reset");
    let mut client = with_epoch(2, EPOCH).await;
    ready(&mut client).await;
    assert_eq!(client.seqs(1).await, [3]);
    let mut client = with_epoch(0, "other").await;
    ready(&mut client).await;
    assert_eq!(client.seqs(3).await, [1, 2, 3]);
}

#[tokio::test]
async fn what_another_server_has_written_counts_as_the_head() {
    let world = World::new(config()).await;
    let _opens_the_feed = world.connect().await;
    world
        .neighbour()
        .commit((0..5).map(|_| custom("order.paid", model::Audience::default())).collect())
        .await;
    let mut client = world.resume(4).await;
    assert_eq!(ready(&mut client).await, 5);
    assert_eq!(client.seqs(1).await, [5]);
}

#[tokio::test]
async fn a_slow_client_whose_next_event_is_pruned_is_reset_and_goes_on_live() {
    for over in [Over::Loop, Over::Task] {
        for since in [None, Some(0)] {
            fall_behind_what_is_kept(since, over).await;
        }
    }
}

async fn fall_behind_what_is_kept(since: Option<i64>, over: Over) {
    let world = World { over, ..World::new(HubConfig { tail_events: 4, ..config() }).await };
    let who = world.admission("u1", Role::Admin);
    let mut slow = world.open_narrow(Admission { since, ..who }).await.unwrap();
    ready(&mut slow).await;
    world.publish(4).await;
    assert_eq!(slow.seqs(1).await, [1]);
    for _ in 0..8 {
        world.publish(37).await;
    }
    world.prune(295).await;
    let mut last = 1;
    loop {
        let document = slow.next().await;
        if document["type"] == "connection.reset" {
            assert_eq!(document["payload"], json!({"oldest_seq":296,"seq":300,"epoch":EPOCH}));
            break;
        }
        last += 1;
        assert_eq!(document["seq"], last);
    }
    world.publish(1).await;
    assert_eq!(slow.seqs(1).await, [301]);
}
