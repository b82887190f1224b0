//! The copy of a call's arrival, which comes with an offer to whom it is made.

use super::client::{Client, Over};
use super::support::*;
use crate::{Admission, Followed, HubConfig};
use model::{Audience, NewEvent, Role, Viewer, catalogue};
use serde_json::{Value, json};

/// An offer of call number `n` to that user.
fn offer(n: usize, to: &str) -> NewEvent {
    let payload = json!({
        "tenant_id": "t", "call_id": format!("c{n}"), "direction": "inbound", "user_id": to, "leg_id": format!("l{n}"),
        "at": "2026-11-25T16:56:53.123Z", "started_at": "2026-11-25T16:56:50.000Z", "attempt": 1,
        "from": { "number": "+4930901820" }, "to": { "number": "+4930555000" },
    });
    NewEvent {
        payload: serde_json::value::to_raw_value(&payload).unwrap().into(),
        ..custom(catalogue::CALL_RINGING.as_str(), Audience::user(&user(to)))
    }
}

/// What came, in short: the number in the log, or the call of a copy.
fn brief(document: &Value) -> String {
    match document["seq"].as_i64() {
        Some(seq) => seq.to_string(),
        None => format!(
            "{} {}",
            document["type"].as_str().unwrap(),
            document["payload"]["call_id"].as_str().unwrap()
        ),
    }
}

async fn briefs(client: &mut Client, count: usize) -> Vec<String> {
    let mut heard = Vec::new();
    while heard.len() < count {
        heard.push(brief(&client.next().await));
    }
    heard
}

async fn subscribe(client: &mut Client, events: &[&str]) {
    let subscribe = json!({"type":"subscribe","payload":{"events":events}});
    assert_eq!(client.ask(&subscribe).await["type"], "subscribed");
}

#[tokio::test]
async fn it_comes_right_before_the_offer_to_each_connection_of_whom_it_is_made_to_and_to_nobody_else() {
    for over in [Over::Loop, Over::Task] {
        let world = World { over, ..World::new(config()).await };
        let mut tabs = [world.connect_as("u1", Role::Agent).await, world.connect_as("u1", Role::Agent).await];
        let mut boss = world.connect_as("u2", Role::Supervisor).await;
        let mut colleague = world.connect_as("u3", Role::Agent).await;
        let program = Viewer::new(None, Role::Service);
        let mut program =
            world.open(Admission { viewer: program, ..world.admission("u4", Role::Service) }).await.unwrap();
        assert_eq!(program.next().await["type"], "connection.ready");
        let mut stream = world.hub.follow(world.admission("u1", Role::Agent), Vec::new()).await.unwrap();
        let open = || custom("order.paid", Audience::default());
        let events = world.commit(vec![open(), offer(1, "u1"), open()]).await;
        world.hub.committed(&events);
        let mut ids = Vec::new();
        for tab in &mut tabs {
            assert_eq!(tab.seqs(1).await, [1]);
            let (copy, ringing) = (tab.next().await, tab.next().await);
            assert_eq!((brief(&copy).as_str(), &ringing["seq"]), ("call.incoming c1", &json!(2)));
            assert_eq!(copy["payload"]["leg_id"], ringing["payload"]["leg_id"]);
            assert_ne!(copy["id"], ringing["id"]);
            ids.push(copy["id"].clone());
            assert_eq!(tab.seqs(1).await, [3]);
        }
        assert_eq!(ids[0], ids[1], "it is the same one");
        for client in [&mut boss, &mut program] {
            assert_eq!(client.seqs(3).await, [1, 2, 3]);
        }
        assert_eq!(colleague.seqs(2).await, [1, 3]);
        for expected in 1..=3 {
            assert!(matches!(stream.next().await, Some(Followed::Event { seq, .. }) if seq == expected));
        }
    }
}

#[tokio::test]
async fn a_subscription_decides_on_it_as_on_any_event() {
    for over in [Over::Loop, Over::Task] {
        let world = World { over, ..World::new(config()).await };
        let cases = [
            (["call.*", "order.*"], &["call.incoming c1", "1", "2"][..]),
            (["call.incoming", "order.*"], &["call.incoming c1", "2"]),
            (["call.ringing", "order.*"], &["1", "2"]),
        ];
        let mut clients = Vec::new();
        for (events, expected) in &cases {
            let mut client = world.connect_as("u1", Role::Agent).await;
            subscribe(&mut client, events).await;
            clients.push((client, expected));
        }
        let events = world.commit(vec![offer(1, "u1"), custom("order.paid", Audience::default())]).await;
        world.hub.committed(&events);
        for (mut client, expected) in clients {
            assert_eq!(briefs(&mut client, expected.len()).await, **expected);
        }
    }
}

#[tokio::test]
async fn it_comes_to_other_servers_without_a_signal() {
    let world = World::new(config()).await;
    let neighbour = world.neighbour();
    let mut client = neighbour.connect_as("u1", Role::Agent).await;
    let events = world.commit(vec![offer(1, "u1")]).await;
    world.hub.committed(&events);
    assert_eq!(briefs(&mut client, 2).await, ["call.incoming c1", "1"]);
}

#[tokio::test]
async fn who_comes_back_gets_none_with_what_was_missed() {
    for (over, tail_events) in [(Over::Loop, 1000), (Over::Task, 1000), (Over::Loop, 1), (Over::Task, 1)] {
        let world = World { over, ..World::new(HubConfig { tail_events, ..config() }).await };
        let missed = world.commit(vec![offer(1, "u1"), offer(2, "u1")]).await;
        world.hub.committed(&missed);
        for since in 0..=1 {
            let who = Admission { since: Some(since), ..world.admission("u1", Role::Agent) };
            let mut client = world.open(who).await.unwrap();
            assert_eq!(client.next().await["payload"]["seq"], 2 + since);
            let events = world.commit(vec![offer(3, "u1")]).await;
            world.hub.committed(&events);
            let missed = (since + 1..=2 + since).map(|seq| seq.to_string());
            let live = ["call.incoming c3".to_owned(), (3 + since).to_string()];
            let expected: Vec<String> = missed.chain(live).collect();
            assert_eq!(briefs(&mut client, expected.len()).await, expected);
        }
    }
}

#[tokio::test]
async fn who_reads_slowly_gets_each_once_and_right_before_its_offer() {
    for over in [Over::Loop, Over::Task] {
        let world = World { over, ..World::new(HubConfig { tail_events: 8, ..config() }).await };
        let mut all = world.open_narrow(world.admission("u1", Role::Agent)).await.unwrap();
        let mut copies = world.open_narrow(world.admission("u1", Role::Agent)).await.unwrap();
        for client in [&mut all, &mut copies] {
            assert_eq!(client.next().await["type"], "connection.ready");
        }
        subscribe(&mut copies, &["call.incoming"]).await;
        for batch in 0..20 {
            let offers = (1..=50).map(|n| offer(batch * 50 + n, "u1")).collect();
            let events = world.commit(offers).await;
            world.hub.committed(&events);
        }
        for n in 1..=1000 {
            let copy = format!("call.incoming c{n}");
            assert_eq!(briefs(&mut all, 2).await, [copy.clone(), n.to_string()]);
            assert_eq!(briefs(&mut copies, 1).await, [copy]);
        }
    }
}
