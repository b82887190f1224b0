//! What ends a connection, and what does not.

use super::client::{Client, Heard, Over};
use super::support::*;
use crate::{Admission, Refusal};
use model::{Audience, Memberships, Role, SessionId};
use serde_json::json;
use std::time::Duration;

#[tokio::test]
async fn a_bad_message_gets_an_error_and_the_connection_stays() {
    let world = World::new(config()).await;
    let mut client = world.connect().await;
    let answer = client.ask(&json!({"type":"dance","ref":"r"})).await;
    assert_eq!(
        (&answer["type"], &answer["payload"]["code"], &answer["ref"]),
        (&json!("error"), &json!("unknown_type"), &json!("r"))
    );
    client.say(0x81, b"{").await;
    assert_eq!(client.next().await["payload"]["code"], "invalid_json");
    assert_eq!(client.ask(&json!({"type":"ping"})).await["type"], "pong");
}

#[tokio::test]
async fn what_breaks_the_rules_closes_with_its_code() {
    let world = World::new(config()).await;
    let large = vec![b' '; (64 << 10) + 1];
    for (first, payload, code) in
        [(0x82, &b"{}"[..], 1003), (0x81, &large, 1009), (0x81, b"\xff", 1007), (0xc1, b"{}", 1002)]
    {
        for over in [Over::Loop, Over::Task] {
            let world = World { over, ..World::new(config()).await };
            let mut client = world.connect().await;
            client.say(first, payload).await;
            assert_eq!(client.closed().await, code);
            client.given_up().await;
        }
    }
    let mut client = world.connect().await;
    client.say(0x81, &vec![b' '; 64 << 10]).await;
    assert_eq!(client.next().await["payload"]["code"], "invalid_json");
}

#[tokio::test]
async fn a_ping_is_answered_and_a_close_echoed_also_in_the_middle_of_a_message() {
    for over in [Over::Loop, Over::Task] {
        let world = World { over, ..World::new(config()).await };
        let mut client = world.connect().await;
        client.say(0x01, br#"{"type":"#).await;
        client.say(0x89, b"are you there").await;
        assert!(matches!(client.hear().await, Heard::Pong(payload) if payload == b"are you there"));
        client.say(0x80, br#""ping"}"#).await;
        assert_eq!(client.next().await["type"], "pong");
        client.say(0x88, &[0x0f, 0xa0]).await;
        assert!(matches!(client.hear().await, Heard::Closed(Some(4000))));
        client.given_up().await;
    }
}

#[tokio::test]
async fn half_a_frame_is_no_sign_of_life() {
    let world = World::new(config()).await;
    let mut client = world.connect().await;
    client.write(&[0x81, 0xfe]).await;
    world.clock.advance(Duration::from_secs(30));
    assert!(matches!(client.hear().await, Heard::Ping));
    client.write(&[0x10]).await;
    world.clock.advance(Duration::from_secs(30));
    assert_eq!(client.closed().await, 1001);
}

#[tokio::test]
async fn a_client_that_answers_pings_stays() {
    let world = World::new(config()).await;
    let mut client = world.connect().await;
    for _ in 0..5 {
        world.clock.advance(Duration::from_secs(30));
        assert!(matches!(client.hear().await, Heard::Ping));
        client.say(0x8a, b"").await;
        // What is answered has been heard.
        assert_eq!(client.ask(&json!({"type":"ping"})).await["type"], "pong");
    }
}

#[tokio::test]
async fn a_flood_of_messages_closes_with_4429() {
    let world = World::new(config()).await;
    let mut client = world.connect().await;
    for _ in 0..101 {
        client.text(&json!({"type":"ping"})).await;
    }
    assert_eq!(client.closed().await, 4429);
}

#[tokio::test]
async fn a_client_that_asks_and_does_not_read_is_not_read_from() {
    let world = World::new(config()).await;
    let mut client = world.open_narrow(world.admission("u1", Role::Admin)).await.unwrap();
    for _ in 0..90 {
        client.text(&json!({"type":"ping"})).await;
    }
    let mut other = world.connect_as("u2", Role::Admin).await;
    world.publish(1).await;
    assert_eq!(other.seqs(1).await, [1]);
    world.hub.end_session(&tenant(), &SessionId::parse("session-u1").unwrap());
    client.given_up().await;
}

#[tokio::test]
async fn a_session_that_ends_takes_its_connections_along() {
    let world = World::new(config()).await;
    let mut ended = world.connect_as("u1", Role::Agent).await;
    let mut other = world.connect_as("u2", Role::Agent).await;
    world.hub.end_session(&tenant(), &SessionId::parse("session-u1").unwrap());
    assert_eq!(ended.closed().await, 4401);
    assert_eq!(other.ask(&json!({"type":"ping"})).await["type"], "pong");
}

#[tokio::test]
async fn a_user_who_is_gone_is_put_out() {
    let world = World::new(config()).await;
    let mut client = world.connect_as("u1", Role::Agent).await;
    world.hub.user_changed(&tenant(), &user("u1"), None);
    assert_eq!(client.closed().await, 4403);
    let mut client = world.connect_as("u2", Role::Agent).await;
    let id =
        world.hub.connections(&tenant()).iter().find(|it| it.user == Some(user("u2"))).unwrap().id.clone();
    assert!(world.hub.close_connection(&tenant(), &id));
    assert_eq!(client.closed().await, 4403);
}

#[tokio::test]
async fn another_role_changes_what_is_seen() {
    let world = World::new(config()).await;
    let mut client = world.connect_as("u1", Role::Agent).await;
    let secret = || vec![custom("agent.login", Audience::user(&user("u2")))];
    world.hub.committed(&world.commit(secret()).await);
    world.publish(1).await;
    assert_eq!(client.seqs(1).await, [2]);
    world.hub.user_changed(&tenant(), &user("u1"), Some(&(Role::Supervisor, Memberships::default())));
    world.hub.committed(&world.commit(secret()).await);
    assert_eq!(client.seqs(1).await, [3]);
    world.hub.user_changed(&tenant(), &user("u1"), Some(&(Role::Agent, Memberships::default())));
    world.hub.committed(&world.commit(secret()).await);
    world.publish(1).await;
    assert_eq!(client.seqs(1).await, [5]);
}

#[tokio::test]
async fn a_token_is_announced_to_end_and_ends() {
    let world = World::new(config()).await;
    let mut client = world.connect().await;
    world.clock.advance(Duration::from_secs(3600 - 59));
    let expiring = client.next().await;
    assert_eq!(expiring["type"], "auth.expiring");
    assert!(expiring["payload"]["expires_at"].is_string());
    world.clock.advance(Duration::from_secs(60));
    assert_eq!(client.closed().await, 4401);
}

#[tokio::test]
async fn a_server_that_drains_closes_everyone_and_takes_nobody() {
    let world = World::new(config()).await;
    let mut first = world.connect_as("u1", Role::Agent).await;
    let mut second = world.connect_as("u2", Role::Agent).await;
    world.hub.drain(Duration::from_millis(100)).await;
    assert_eq!((first.closed().await, second.closed().await), (1012, 1012));
    assert_eq!(world.hub.admit(world.admission("u3", Role::Agent)).map(|_| ()), Err(Refusal::ServerFull));
    first.leave().await;
    second.leave().await;
    soon(world.hub.drained()).await;
    assert_eq!(world.hub.total_connections(), 0);
}

#[tokio::test]
async fn many_are_sent_away_one_after_the_other_and_very_many_within_a_bound() {
    let world = World::new(config()).await;
    let mut clients = Vec::new();
    for n in 0..100 {
        clients.push(world.connect_as(&format!("u{n}"), Role::Agent).await);
    }
    tokio::time::pause();
    let begun = tokio::time::Instant::now();
    world.hub.drain(Duration::from_secs(3)).await;
    let took = begun.elapsed();
    assert!((Duration::from_millis(190)..Duration::from_secs(1)).contains(&took), "2 ms each: {took:?}");
    let begun = tokio::time::Instant::now();
    world.hub.drain(Duration::from_millis(50)).await;
    assert!(begun.elapsed() < Duration::from_millis(190));
    tokio::time::resume();
    for mut client in clients {
        assert_eq!(client.closed().await, 1012);
    }
}

#[tokio::test]
async fn a_socket_that_reads_nothing_can_still_be_closed() {
    let world = World::new(config()).await;
    let stuck = world.open_narrow(world.admission("u1", Role::Admin)).await.unwrap();
    world.publish(100).await;
    world.hub.end_session(&tenant(), &SessionId::parse("session-u1").unwrap());
    stuck.given_up().await;
    assert_eq!(world.hub.total_connections(), 0);
}

#[tokio::test]
async fn a_token_that_is_over_already_closes_soon() {
    let world = World::new(config()).await;
    let who = Admission { expires_at: world.clock.now(), ..world.admission("u1", Role::Admin) };
    let mut client = world.open(who).await.unwrap();
    assert_eq!(client.closed().await, 4401);
}

/// As after a restored backup: the log ends at 5, this server and a client have heard of 6.
async fn heard_of_more() -> (World, Client) {
    let world = World::new(config()).await;
    let mut client = world.connect().await;
    let events = world.publish(5).await;
    assert_eq!(client.seqs(5).await, [1, 2, 3, 4, 5]);
    let mut phantom = (*events[4]).clone();
    phantom.seq = 6;
    world.hub.committed(&[phantom.into()]);
    assert_eq!(client.seqs(1).await, [6]);
    (world, client)
}

#[tokio::test]
async fn a_log_that_goes_back_sends_its_listeners_away() {
    let (world, mut client) = heard_of_more().await;
    assert_eq!(client.closed().await, 1012);
    let mut client = world.resume(6).await;
    assert_eq!(client.next().await["payload"]["seq"], 5);
    assert_eq!(client.next().await["type"], "connection.reset");
}

#[tokio::test]
async fn what_was_heard_of_another_log_is_forgotten_however_far_the_new_one_has_come() {
    let (world, mut client) = heard_of_more().await;
    let written = world.commit(vec![custom("order.sent", Audience::default())]).await;
    assert_eq!(written[0].seq, 6);
    *world.hub.0.tenant(&tenant()).unwrap().behind.lock().unwrap() = Some((6, 4));
    world.hub.go_on_in("e2").await.unwrap();
    assert_eq!(
        *world.hub.0.tenant(&tenant()).unwrap().behind.lock().unwrap(),
        None,
        "counted in the old epoch"
    );
    assert_eq!(client.closed().await, 1012);
    let who = Admission { since: Some(5), epoch: Some("e2".into()), ..world.admission("u1", Role::Admin) };
    let mut client = world.open(who).await.unwrap();
    assert_eq!(client.next().await["payload"]["epoch"], "e2");
    assert_eq!(client.next().await["type"], "order.sent");
}
