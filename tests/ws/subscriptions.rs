//! `subscribe` and `unsubscribe`: which of the visible events a client hears.

use crate::harness::macros::on_both;
use crate::harness::ws::Ws;
use crate::harness::{Client, Server, Value, json};

/// Says what is wanted or not, and gives the answer to it.
async fn ask(ws: &mut Ws, kind: &str, events: Value) -> Value {
    ws.send(&json!({ "type": kind, "payload": { "events": events }, "ref": "r" })).await;
    loop {
        let answer = ws.next_json().await;
        if answer["ref"] == "r" {
            return answer;
        }
    }
}

async fn changes(ws: &mut Ws, kind: &str, events: Value, now: Value) {
    let answer = ask(ws, kind, events).await;
    assert_eq!((&answer["type"], &answer["payload"]), (&json!("subscribed"), &json!({ "events": now })));
}

/// Of the same few events, these are heard.
async fn hears(ws: &mut Ws, admin: &Client, expected: &[&str]) {
    let all: Vec<Value> = ["order.paid", "order.lines.added", "ship.sent", "desk.moved"]
        .map(|name| json!({ "type": name, "payload": {} }))
        .into();
    admin.post("/api/v1/events", all).await.expect(202);
    for name in expected {
        assert_eq!(ws.next_event().await["type"], *name, "of {expected:?}");
    }
}

const ALL: &[&str] = &["order.paid", "order.lines.added", "ship.sent", "desk.moved"];

on_both! {
    async fn the_first_one_replaces_the_default_and_further_ones_add(server) {
        let admin = server.admin().await;
        let (mut ws, _) = Ws::connect(&server, &admin).await;
        hears(&mut ws, &admin, ALL).await;
        changes(&mut ws, "subscribe", json!(["order.*"]), json!(["order.*"])).await;
        hears(&mut ws, &admin, &ALL[..2]).await;
        changes(&mut ws, "subscribe", json!(["ship.sent", "order.*"]), json!(["order.*", "ship.sent"])).await;
        hears(&mut ws, &admin, &ALL[..3]).await;
        changes(&mut ws, "unsubscribe", json!(["order.*", "never.asked"]), json!(["ship.sent"])).await;
        hears(&mut ws, &admin, &ALL[2..3]).await;
        changes(&mut ws, "unsubscribe", json!(["ship.sent"]), json!([])).await;
        hears(&mut ws, &admin, &[]).await;
        changes(&mut ws, "subscribe", json!(["desk.moved"]), json!(["desk.moved"])).await;
        hears(&mut ws, &admin, &ALL[3..]).await;
        changes(&mut ws, "subscribe", json!(["*"]), json!(["*"])).await;
        hears(&mut ws, &admin, ALL).await;
    }

    async fn a_name_that_the_catalogue_could_have_and_has_not_is_refused_and_named(server) {
        let admin = server.admin().await;
        let (mut ws, _) = Ws::connect(&server, &admin).await;
        changes(&mut ws, "subscribe", json!(["ship.sent"]), json!(["ship.sent"])).await;
        for name in ["call.nonsense", "agent.state.change", "queue.stat", "chat.messages", "connection.ready"] {
            for kind in ["subscribe", "unsubscribe"] {
                let answer = ask(&mut ws, kind, json!(["order.paid", name])).await;
                assert_eq!((&answer["type"], &answer["payload"]["code"]), (&json!("error"), &json!("invalid_message")));
                let message = answer["payload"]["message"].as_str().unwrap();
                assert!(message.contains(name) && !message.contains("order.paid"), "{kind} {name}: {message}");
            }
        }
        changes(&mut ws, "subscribe", json!(["call.incoming"]), json!(["ship.sent", "call.incoming"])).await;
        hears(&mut ws, &admin, &ALL[2..3]).await;
    }

    async fn a_bad_one_gets_an_error_and_changes_nothing(server) {
        let admin = server.admin().await;
        let (mut ws, _) = Ws::connect(&server, &admin).await;
        changes(&mut ws, "subscribe", json!(["ship.sent"]), json!(["ship.sent"])).await;
        let many: Vec<String> = (0..65).map(|n| format!("name.n{n}")).collect();
        for bad in [
            json!([]),
            json!("order.*"),
            json!([7]),
            json!(null),
            json!(["order.*", "Order"]),
            json!(["order*"]),
            json!([""]),
            json!(["*.paid"]),
            json!(many),
        ] {
            for kind in ["subscribe", "unsubscribe"] {
                let answer = ask(&mut ws, kind, bad.clone()).await;
                assert_eq!(answer["type"], "error", "{kind} {bad}: {answer}");
                let payload = &answer["payload"];
                assert!(payload["code"].is_string() && payload["message"].is_string(), "{answer}");
            }
        }
        ws.send(&json!({ "type": "subscribe" })).await;
        ws.wait_for("error").await;
        hears(&mut ws, &admin, &ALL[2..3]).await;
    }
}

#[tokio::test]
async fn another_servers_events_are_chosen_from_in_the_same_way() {
    let here = Server::builder().mariadb().redis().start().await;
    let there = here.elsewhere().start().await;
    let admin = here.admin().await;
    let (mut ws, _) = Ws::connect(&there, &admin).await;
    changes(&mut ws, "subscribe", json!(["order.*"]), json!(["order.*"])).await;
    hears(&mut ws, &admin, &ALL[..2]).await;
    changes(&mut ws, "subscribe", json!(["desk.moved"]), json!(["order.*", "desk.moved"])).await;
    hears(&mut ws, &admin, &["order.paid", "order.lines.added", "desk.moved"]).await;
    changes(&mut ws, "unsubscribe", json!(["order.*"]), json!(["desk.moved"])).await;
    hears(&mut ws, &admin, &ALL[3..]).await;
    changes(&mut ws, "unsubscribe", json!(["desk.moved"]), json!([])).await;
    hears(&mut ws, &admin, &[]).await;
    changes(&mut ws, "subscribe", json!(["*"]), json!(["*"])).await;
    hears(&mut ws, &admin, ALL).await;
}
