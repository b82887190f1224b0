//! What a connection hears.

use super::support::*;
use crate::{Admission, HubConfig, Refusal};
use model::{Audience, Role, Viewer, catalogue};
use serde_json::json;

#[tokio::test]
async fn the_first_frame_says_who_where_and_from_which_number() {
    let world = World::new(config()).await;
    world.publish(3).await;
    let mut client = world.open(world.admission("u1", Role::Supervisor)).await.unwrap();
    let ready = client.next().await;
    assert!(ready["payload"]["connection_id"].is_string());
    let expected = json!({"type":"connection.ready","payload":{"connection_id":ready["payload"]["connection_id"],
        "user_id":"u1","tenant_id":"t","role":"supervisor","seq":3,"epoch":EPOCH}});
    assert_eq!(ready, expected);
}

#[tokio::test]
async fn a_program_has_no_user() {
    let world = World::new(config()).await;
    let who = Admission { viewer: Viewer::new(None, Role::Service), ..world.admission("u1", Role::Service) };
    let mut client = world.open(who).await.unwrap();
    let ready = client.next().await;
    assert_eq!((&ready["payload"]["user_id"], &ready["payload"]["role"]), (&json!(null), &json!("service")));
    assert!(world.hub.online_users(&tenant()).is_empty());
    assert_eq!(world.hub.stats(&tenant()).tenant, 1);
}

#[tokio::test]
async fn an_event_arrives_as_one_document() {
    let world = World::new(config()).await;
    let mut client = world.connect().await;
    let events = world.publish(1).await;
    let expected = json!({"type":"order.paid","payload":{"tenant_id":"t","n":1},"id":events[0].id.as_str(),
        "seq":1,"timestamp":1_700_000_000});
    assert_eq!(client.next().await, expected);
}

#[tokio::test]
async fn events_arrive_in_the_order_of_their_numbers_whatever_order_they_are_told_in() {
    let world = World::new(config()).await;
    let mut client = world.connect().await;
    let events = world.commit((0..5).map(|_| custom("order.paid", Audience::default())).collect()).await;
    for at in [3, 0, 4, 0, 2, 1] {
        world.hub.committed(&events[at..=at]);
    }
    assert_eq!(client.seqs(5).await, [1, 2, 3, 4, 5]);
}

#[tokio::test]
async fn an_event_that_nobody_told_of_is_fetched_when_the_next_one_comes() {
    let world = World::new(config()).await;
    let mut client = world.connect().await;
    let events = world.commit((0..3).map(|_| custom("order.paid", Audience::default())).collect()).await;
    world.hub.committed(&events[2..]);
    assert_eq!(client.seqs(3).await, [1, 2, 3]);
}

#[tokio::test]
async fn events_of_another_server_arrive_without_a_signal() {
    let world = World::new(config()).await;
    let neighbour = world.neighbour();
    let mut client = world.connect().await;
    neighbour.publish(3).await;
    assert_eq!(client.seqs(3).await, [1, 2, 3]);
}

#[tokio::test]
async fn everyone_sees_what_is_meant_for_them() {
    let world = World::new(config()).await;
    let mut admin = world.connect_as("boss", Role::Admin).await;
    let mut named = world.connect_as("u1", Role::Agent).await;
    let mut other = world.connect_as("u2", Role::Agent).await;
    let mut state = custom("agent.state.changed", Audience::user(&user("u1")));
    state.payload = serde_json::from_value(json!({"tenant_id":"t","user_id":"u1","reason":"lunch"})).unwrap();
    let private = custom(catalogue::AGENT_LOGIN.as_str(), Audience::user(&user("u1")));
    let events = world.commit(vec![private, state, custom("order.paid", Audience::default())]).await;
    world.hub.committed(&events);
    assert_eq!(admin.seqs(3).await, [1, 2, 3]);
    assert_eq!(named.next().await["seq"], 1);
    assert_eq!(named.next().await["payload"]["reason"], "lunch");
    let seen = other.next().await;
    assert_eq!((&seen["seq"], &seen["payload"]), (&json!(2), &json!({"tenant_id":"t","user_id":"u1"})));
    assert_eq!(other.next().await["seq"], 3);
}

#[tokio::test]
async fn a_subscription_narrows_what_comes() {
    let world = World::new(config()).await;
    let mut client = world.connect().await;
    let subscribe = json!({"type":"subscribe","payload":{"events":["ticket.*"]},"ref":1});
    let answer = client.ask(&subscribe).await;
    assert_eq!(answer, json!({"type":"subscribed","payload":{"events":["ticket.*"]},"ref":1}));
    let names = ["order.paid", "ticket.opened", "order.paid", "ticket.closed"];
    let events = world.commit(names.iter().map(|name| custom(name, Audience::default())).collect()).await;
    world.hub.committed(&events);
    assert_eq!(client.seqs(2).await, [2, 4]);
    let answer = client.ask(&json!({"type":"subscribe","payload":{"events":["*"]}})).await;
    assert_eq!(answer["payload"]["events"], json!(["*"]));
    world.publish(1).await;
    assert_eq!(client.seqs(1).await, [5]);
}

#[tokio::test]
async fn a_client_that_reads_slowly_gets_everything_and_holds_nobody_up() {
    let world = World::new(HubConfig { tail_events: 8, ..config() }).await;
    let mut slow = world.open_narrow(world.admission("u1", Role::Admin)).await.unwrap();
    let mut quick = world.connect().await;
    for _ in 0..20 {
        world.publish(50).await;
    }
    assert_eq!(quick.seqs(1000).await, (1..=1000).collect::<Vec<_>>());
    assert_eq!(slow.next().await["type"], "connection.ready");
    assert_eq!(slow.seqs(1000).await, (1..=1000).collect::<Vec<_>>());
}

#[tokio::test]
async fn limits_hold_and_a_place_is_free_again_when_its_connection_ends() {
    let config = HubConfig { max_connections: 3, max_connections_per_user: 2, ..config() };
    let world = World::new(config).await;
    let first = world.connect_as("u1", Role::Agent).await;
    let _second = world.connect_as("u1", Role::Agent).await;
    let admit = |id: &str| world.hub.admit(world.admission(id, Role::Agent)).map(|_| ());
    assert_eq!(admit("u1"), Err(Refusal::UserFull));
    let _third = world.connect_as("u2", Role::Agent).await;
    assert_eq!(admit("u3"), Err(Refusal::ServerFull));
    first.leave().await;
    assert_eq!(admit("u1"), Ok(()));
    assert_eq!(world.hub.total_connections(), 2);
}

#[tokio::test]
async fn the_books_tell_who_is_here() {
    let world = World::new(config()).await;
    let first = world.connect_as("u1", Role::Agent).await;
    let second = world.connect_as("u1", Role::Agent).await;
    assert_eq!(world.hub.local_connections(&tenant(), &user("u1")), 2);
    assert_eq!(world.hub.online_users(&tenant()), [user("u1")]);
    let stats = world.hub.stats(&tenant());
    assert_eq!((stats.total, stats.tenant, stats.online_users), (2, 2, 1));
    let listed = world.hub.connections(&tenant());
    assert!(listed.iter().all(|it| it.user == Some(user("u1")) && it.remote_addr == "127.0.0.1:1"));
    first.leave().await;
    second.leave().await;
    assert!(world.hub.online_users(&tenant()).is_empty());
    assert!(world.hub.last_seen(&tenant(), &user("u1")).is_some());
    assert_eq!(world.hub.last_seen(&tenant(), &user("u2")), None);
}
