//! Events that stand in no log.

use super::client::Over;
use super::support::*;
use model::{Audience, Event, NewEvent, Role, Timestamp};
use serde_json::{Value, json};
use std::sync::Arc;

fn event(n: usize, audience: Audience) -> Arc<Event> {
    let NewEvent { id, name, .. } = custom("desk.moved", Audience::default());
    let payload = serde_json::value::to_raw_value(&json!({ "n": n })).unwrap().into();
    let created_at = Timestamp(1_700_000_000_500);
    Arc::new(Event { tenant: tenant(), seq: 0, id, name, subject: None, audience, payload, created_at })
}

fn n(document: &Value) -> usize {
    usize::try_from(document["payload"]["n"].as_u64().unwrap()).unwrap()
}

#[tokio::test]
async fn they_come_to_all_who_may_and_want_to_see_them() {
    for over in [Over::Loop, Over::Task] {
        let world = World { over, ..World::new(config()).await };
        let mut admin = world.connect_as("u1", Role::Admin).await;
        let mut other = world.connect_as("u2", Role::Admin).await;
        let mut agent = world.connect_as("u3", Role::Agent).await;
        let subscribe = json!({"type":"subscribe","payload":{"events":["order.*"]}});
        assert_eq!(other.ask(&subscribe).await["type"], "subscribed");
        let for_admins = Audience { roles: vec![Role::Admin], ..Audience::default() };
        world.hub.announce_here(&[event(7, for_admins)]);
        let document = admin.next().await;
        assert_eq!((&document["type"], n(&document)), (&json!("desk.moved"), 7));
        assert_eq!(document.get("seq"), None);
        world.publish(1).await;
        for client in [&mut admin, &mut other, &mut agent] {
            assert_eq!(client.seqs(1).await, [1]);
        }
    }
}

#[tokio::test]
async fn of_those_that_a_client_does_not_read_the_newest_are_kept() {
    for over in [Over::Loop, Over::Task] {
        let world = World { over, ..World::new(config()).await };
        let mut client = world.open_narrow(world.admission("u1", Role::Admin)).await.unwrap();
        assert_eq!(client.next().await["type"], "connection.ready");
        for number in 1..=10_000 {
            world.hub.announce_here(&[event(number, Audience::default())]);
        }
        let mut seen = vec![0];
        while seen.last() != Some(&10_000) {
            seen.push(n(&client.next().await));
        }
        assert!(seen.is_sorted() && seen.len() < 1000, "{}", seen.len());
    }
}

#[tokio::test]
async fn who_begins_to_listen_is_noted_and_told_alone() {
    for over in [Over::Loop, Over::Task] {
        let world = World { over, ..World::new(config()).await };
        world.hub.note_newcomers(model::EventName::parse("desk.moved").unwrap());
        let mut early = world.connect_as("u1", Role::Admin).await;
        let mut late = world.connect_as("u2", Role::Admin).await;
        soon(world.hub.newcomers_came()).await;
        assert_eq!(
            world.hub.take_newcomers()[&tenant()].len(),
            2,
            "everything is wanted without a subscription"
        );
        for (events, is_noted) in [("order.*", false), ("desk.*", true), ("*", true)] {
            let subscribe = json!({"type":"subscribe","payload":{"events":[events]}});
            assert_eq!(late.ask(&subscribe).await["type"], "subscribed");
            assert_eq!(!world.hub.take_newcomers().is_empty(), is_noted, "{events}");
        }
        let subscribe = json!({"type":"subscribe","payload":{"events":["*"]}});
        late.ask(&subscribe).await;
        let noted = world.hub.take_newcomers();
        world.hub.announce_to(&tenant(), &noted[&tenant()], &[event(7, Audience::default())]);
        assert_eq!(n(&late.next().await), 7);
        world.hub.announce_here(&[event(8, Audience::default())]);
        assert_eq!(n(&early.next().await), 8, "the other one was not told");
    }
}
