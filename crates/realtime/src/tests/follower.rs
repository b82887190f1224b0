//! Readers within the process.

use super::support::*;
use crate::{Admission, Followed, Follower, HubConfig, Refusal};
use model::webhook::EventPattern;
use model::{Audience, Role, SessionId};

async fn follow(world: &World, since: Option<i64>, events: &[&str]) -> Follower {
    let who = Admission { since, ..world.admission("u1", Role::Agent) };
    let events = events.iter().map(|text| EventPattern::parse(text).unwrap()).collect();
    world.hub.follow(who, events).await.unwrap()
}

async fn seqs(follower: &mut Follower, count: usize) -> Vec<i64> {
    let mut seqs = Vec::new();
    while seqs.len() < count {
        match soon(follower.next()).await {
            Some(Followed::Event { seq, document, .. }) => {
                let document: serde_json::Value = serde_json::from_slice(&document).unwrap();
                assert_eq!(document["seq"], seq);
                seqs.push(seq);
            }
            other => panic!("{other:?}"),
        }
    }
    seqs
}

#[tokio::test]
async fn a_follower_reads_the_log_then_what_comes_and_only_what_it_may_see() {
    let world = World::new(HubConfig { tail_events: 3, ..config() }).await;
    let names = ["order.paid", "agent.login", "ticket.opened"];
    for _ in 0..100 {
        let events = names.map(|name| custom(name, Audience::default()));
        world.hub.committed(&world.commit(events.into()).await);
    }
    let mut all = follow(&world, Some(0), &[]).await;
    let mut tickets = follow(&world, Some(10), &["ticket.*"]).await;
    let mut live = follow(&world, None, &[]).await;
    assert_eq!(live.seq(), 300);
    world.publish(1).await;
    let seen: Vec<i64> = (1..=301).filter(|seq| seq % 3 != 2).collect();
    assert_eq!(self::seqs(&mut all, seen.len()).await, seen);
    let seen: Vec<i64> = (11..=300).filter(|seq| seq % 3 == 0).collect();
    assert_eq!(self::seqs(&mut tickets, seen.len()).await, seen);
    assert_eq!(seqs(&mut live, 1).await, [301]);
}

#[tokio::test]
async fn a_follower_whose_events_are_gone_is_told_and_goes_on() {
    let world = World::new(config()).await;
    world.publish(10).await;
    world.prune(6).await;
    let mut follower = follow(&world, Some(2), &[]).await;
    let reset = Followed::Reset { oldest_seq: 7, seq: 10, epoch: EPOCH.into() };
    assert_eq!(soon(follower.next()).await, Some(reset));
    world.publish(1).await;
    assert_eq!(seqs(&mut follower, 1).await, [11]);
}

#[tokio::test]
async fn a_follower_has_a_place_and_ends_with_its_session() {
    let world = World::new(HubConfig { max_connections_per_user: 1, ..config() }).await;
    let mut follower = follow(&world, None, &[]).await;
    let again = world.hub.follow(world.admission("u1", Role::Agent), Vec::new()).await;
    assert_eq!(again.map(|_| ()), Err(Refusal::UserFull));
    world.hub.end_session(&tenant(), &SessionId::parse("session-u1").unwrap());
    assert_eq!(soon(follower.next()).await, None);
    drop(follower);
    assert_eq!(world.hub.total_connections(), 0);
}
