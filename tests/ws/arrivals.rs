//! The copy of `call.incoming` for the agent whom a call is offered to, whichever server hears of the offer.

use super::several_servers::heard_by;
use crate::calls::Center;
use crate::harness::macros::on_both;
use crate::harness::ws::Ws;
use crate::harness::{Client, Server, Value, json};

/// A call that rings for Kim until the caller is gone.
async fn rings(center: &Center, id: &str) {
    center.caller(id).await;
    center.of(&center.kim_id, id, "ring").await.expect(200);
    let gone = json!({ "user_id": center.kim_id, "outcome": "caller_gone" });
    center.report(id, "miss", gone).await.expect(200);
    center.report(id, "end", json!({ "ended_by": "customer" })).await.expect(200);
}

/// All that comes until the caller of that call has given up, which everybody hears who serves the queue.
async fn until_gone(ws: &mut Ws, call: &str) -> Vec<Value> {
    let mut heard: Vec<Value> = Vec::new();
    while heard
        .last()
        .is_none_or(|last| last["type"] != "call.abandoned" || last["payload"]["call_id"] != *call)
    {
        heard.push(ws.next_json().await);
    }
    heard
}

fn count(heard: &[Value], kind: &str) -> usize {
    heard.iter().filter(|frame| frame["type"] == kind).count()
}

/// Of what was heard of one call: its arrival once, right before the offer.
async fn pops_up_once(heard: &[Value], center: &Center, call: &str) {
    assert_eq!((count(heard, "call.incoming"), count(heard, "call.ringing")), (1, 1), "{heard:#?}");
    let at = heard.iter().position(|frame| frame["type"] == "call.ringing").unwrap();
    let (copy, ringing) = (&heard[at - 1], &heard[at]);
    assert_eq!(copy["type"], "call.incoming", "right before it rings: {heard:#?}");
    assert_eq!(copy.get("seq"), None, "of the moment: {copy}");
    assert_ne!(copy["id"], ringing["id"]);
    let (told, began) = (&ringing["payload"], center.call(call).await["started_at"].clone());
    let expected = json!({
        "call_id": call, "tenant_id": "tenant-123", "external_id": format!("pbx-{call}"), "direction": "inbound",
        "queue_id": center.queue, "user_id": center.kim_id, "at": told["at"], "leg_id": told["leg_id"],
        "from": { "number": "+4930901820", "name": "Anna" }, "to": { "number": "+4930555000" },
        "started_at": began,
    });
    assert_eq!(copy["payload"], expected);
    assert!(told["leg_id"].is_string(), "{told}");
}

/// Who hears of Kim's calls on one server.
struct Listeners {
    tabs: [Ws; 2],
    lee: Ws,
    boss: Ws,
}

impl Listeners {
    async fn at(server: &Server, center: &Center) -> Self {
        let connect = async |client: &Client| Ws::connect(server, client).await.0;
        let tabs = [connect(&center.kim).await, connect(&center.kim).await];
        Self { tabs, lee: connect(&center.lee).await, boss: connect(&center.admin).await }
    }

    /// Each of Kim's sessions gets the arrival, nobody else does but for who hears it from the log.
    async fn hear(&mut self, center: &Center, call: &str) {
        for tab in &mut self.tabs {
            pops_up_once(&until_gone(tab, call).await, center, call).await;
        }
        let heard = until_gone(&mut self.lee, call).await;
        assert_eq!((count(&heard, "call.incoming"), count(&heard, "call.ringing")), (0, 0), "{heard:#?}");
        let heard = until_gone(&mut self.boss, call).await;
        assert_eq!((count(&heard, "call.incoming"), count(&heard, "call.ringing")), (1, 1), "{heard:#?}");
        let arrival = heard.iter().find(|frame| frame["type"] == "call.incoming").unwrap();
        assert!(arrival["seq"].is_i64(), "from the log: {arrival}");
    }
}

async fn resume(server: &Server, client: &Client, since: i64) -> Ws {
    let bearer = format!("Bearer {}", client.token());
    Ws::open(server, &format!("/ws?since={since}"), &[("authorization", &bearer)])
        .await
        .expect("a connection")
}

/// What was missed comes with its offer, and without the arrival; what comes then, with it.
async fn who_comes_back_hears(ws: &mut Ws, center: &Center, missed: &[&str], next: &str) {
    for call in missed {
        let heard = until_gone(ws, call).await;
        assert_eq!((count(&heard, "call.incoming"), count(&heard, "call.ringing")), (0, 1), "{heard:#?}");
    }
    rings(center, next).await;
    pops_up_once(&until_gone(ws, next).await, center, next).await;
}

on_both! {
    async fn who_comes_back_gets_no_arrival_of_what_was_missed(server) {
        let center = Center::open(&server).await;
        let begin = center.head().await;
        let (mut ws, _) = Ws::connect(&server, &center.kim).await;
        rings(&center, "c1").await;
        pops_up_once(&until_gone(&mut ws, "c1").await, &center, "c1").await;
        ws.close().await;
        rings(&center, "c2").await;
        let mut ws = resume(&server, &center.kim, begin).await;
        who_comes_back_hears(&mut ws, &center, &["c1", "c2"], "c3").await;
        // And when nothing of it is in memory any more.
        server.restart().await;
        let mut ws = resume(&server, &center.kim, begin).await;
        who_comes_back_hears(&mut ws, &center, &["c1", "c2", "c3"], "c4").await;
    }

    async fn whom_a_colleagues_call_is_offered_gets_no_arrival(server) {
        let center = Center::open(&server).await;
        let (mut ws, _) = Ws::connect(&server, &center.lee).await;
        let internal = json!({
            "id": "c1", "direction": "internal", "user_id": center.kim_id,
            "from": { "number": "101" }, "to": { "number": "102" },
        });
        center.pbx.post(crate::calls::CALLS, internal).await.expect(201);
        center.of(&center.lee_id, "c1", "ring").await.expect(200);
        let ringing = ws.wait_for_any(&["call.incoming", "call.ringing"]).await;
        assert_eq!(ringing["type"], "call.ringing", "{ringing}");
        let payload = &ringing["payload"];
        assert_eq!((payload["started_at"].is_string(), payload.get("to")), (true, None), "{payload}");
    }
}

#[tokio::test]
async fn on_every_server_an_agent_gets_the_arrival_with_redis_and_while_it_is_away() {
    let here = Server::builder().mariadb().redis().start().await;
    let there = here.elsewhere().start().await;
    let center = Center::open(&here).await;
    let mut all = [Listeners::at(&here, &center).await, Listeners::at(&there, &center).await];
    let mut ring = async |call: &str| {
        rings(&center, call).await;
        for listeners in &mut all {
            listeners.hear(&center, call).await;
        }
    };
    heard_by(here.redis(), "2").await;
    ring("with-redis").await;
    here.redis().kill_9();
    ring("without").await;
    here.redis().start_again().await;
    heard_by(here.redis(), "2").await;
    ring("again").await;
    here.redis().freeze();
    ring("frozen").await;
    here.redis().thaw();
}

#[tokio::test]
async fn on_every_server_an_agent_gets_the_arrival_without_redis() {
    let here = Server::builder().mariadb().start().await;
    let there = here.elsewhere().start().await;
    let center = Center::open(&here).await;
    let begin = center.head().await;
    let mut all = [Listeners::at(&here, &center).await, Listeners::at(&there, &center).await];
    for call in ["c1", "c2"] {
        rings(&center, call).await;
        for listeners in &mut all {
            listeners.hear(&center, call).await;
        }
    }
    // On a third server, whose first listener this is.
    let third = here.elsewhere().start().await;
    let mut ws = resume(&third, &center.kim, begin).await;
    who_comes_back_hears(&mut ws, &center, &["c1", "c2"], "c3").await;
}
