//! Who hears what of a call.

use super::{Center, events, report};
use crate::harness::macros::on_both;
use crate::harness::sink::{Received, Sink};
use crate::harness::wait::within;
use crate::harness::ws::Ws;
use crate::harness::{Server, Value, json};

/// Events of calls and queues only, by type.
fn of_calls(log: &[Value]) -> Vec<&Value> {
    log.iter().filter(|event| !event["type"].as_str().unwrap().starts_with("agent.")).collect()
}

fn types<'a>(log: &[&'a Value]) -> Vec<&'a str> {
    log.iter().map(|event| event["type"].as_str().unwrap()).collect()
}

/// Waits for a queue's numbers that look like this.
async fn numbers(ws: &mut Ws, ready: impl Fn(&Value) -> bool) {
    within("the numbers", async { while !ready(&ws.wait_for("queue.stats").await["payload"]) {} }).await;
}

on_both! {
    async fn each_role_hears_what_is_its_own(server) {
        let center = Center::open(&server).await;
        let (sam, _) = server.user("sam@example.com", "supervisor").await;
        let (max, _) = server.user("max@example.com", "agent").await;
        let sink = Sink::start().await;
        let hook = json!({ "url": sink.url(), "events": ["queue.joined"], "mask_personal_data": true });
        center.admin.post("/api/v1/webhooks", hook).await.expect(201);
        let begin = center.head().await;
        center.caller("c1").await;
        center.of(&center.kim_id, "c1", "ring").await.expect(200);
        center.of(&center.kim_id, "c1", "answer").await.expect(200);
        center.of(&center.kim_id, "c1", "hold").await.expect(200);
        center.report("c1", "end", json!({})).await.expect(200);
        center.caller("c2").await;
        center.report("c2", "end", json!({ "ended_by": "customer" })).await.expect(200);

        let all = [
            "call.incoming", "queue.joined", "call.ringing", "queue.left", "call.answered", "call.hold", "call.unhold",
            "call.ended", "call.incoming", "queue.joined", "queue.left", "call.abandoned", "call.ended",
        ];
        for client in [&sam, &center.admin, &center.pbx] {
            let log = events(client, begin).await;
            let log = of_calls(&log);
            assert_eq!(types(&log), all);
            assert!(log.iter().all(|event| event.to_string().contains("+4930901820") == event["payload"].get("from").is_some()));
        }
        let log = events(&center.kim, begin).await;
        let log = of_calls(&log);
        assert_eq!(types(&log), [
            "queue.joined", "call.ringing", "queue.left", "call.answered", "call.hold", "call.unhold", "call.ended",
            "queue.joined", "queue.left", "call.abandoned",
        ]);
        let masked = json!({ "number": "+********20", "name": "***" });
        assert_eq!((&log[0]["payload"]["from"], &log[9]["payload"]["from"]), (&masked, &masked));
        assert_eq!(log[1]["payload"]["from"]["number"], "+4930901820", "who is offered the call sees who calls");
        let log = events(&center.lee, begin).await;
        assert_eq!(types(&of_calls(&log)), ["queue.joined", "queue.left", "queue.joined", "queue.left", "call.abandoned"]);
        assert!(!Value::from(log).to_string().contains("901820"), "a colleague learns no number");
        assert_eq!(types(&of_calls(&events(&max, begin).await)), [""; 0], "who serves another queue hears nothing");
        assert_eq!(sink.wait_for(1).await[0].json()["data"]["from"], masked);
    }

    async fn whom_a_call_is_offered_gets_a_copy_of_its_arrival_first(server) {
        let center = Center::open(&server).await;
        let (mut kim, _) = Ws::connect(&server, &center.kim).await;
        let (mut lee, _) = Ws::connect(&server, &center.lee).await;
        let (mut admin, _) = Ws::connect(&server, &center.admin).await;
        center.caller("c1").await;
        center.of(&center.kim_id, "c1", "ring").await.expect(200);
        let arrival = kim.wait_for_any(&["call.incoming", "call.ringing"]).await;
        assert_eq!(arrival["type"], "call.incoming", "before it rings: {arrival}");
        assert!(arrival.get("seq").is_none(), "of the moment: {arrival}");
        let payload = &arrival["payload"];
        assert_eq!((&payload["user_id"], &payload["from"]["number"]), (&json!(center.kim_id), &json!("+4930901820")));
        let ringing = kim.wait_for("call.ringing").await;
        assert_eq!(ringing["payload"]["leg_id"], payload["leg_id"]);
        report(&center.kim, "c1", "answer", json!({ "user_id": center.kim_id })).await.expect(200);
        report(&center.kim, "c1", "end", json!({})).await.expect(200);
        let mut heard = Vec::new();
        while !heard.iter().any(|frame: &Value| frame["type"] == "call.ended") {
            heard.push(admin.next_json().await);
        }
        assert_eq!(heard.iter().filter(|frame| frame["type"] == "call.incoming").count(), 1, "once, and from the log");
        loop {
            let frame = lee.next_json().await;
            assert_ne!(frame["type"], "call.incoming");
            if frame["type"] == "agent.state.changed" && frame["payload"]["state"] == "wrap_up" {
                break;
            }
        }
    }

    async fn what_is_told_on_sockets_alone_never_goes_to_webhooks(server) {
        let center = Center::open(&server).await;
        let begin = center.head().await;
        let sink = Sink::start().await;
        let hook = json!({ "url": sink.url(), "events": ["*"], "ordering": "strict" });
        center.admin.post("/api/v1/webhooks", hook).await.expect(201);
        let (mut kim, _) = Ws::connect(&server, &center.kim).await;
        let (mut lee, _) = Ws::connect(&server, &center.lee).await;
        center.caller("c1").await;
        center.of(&center.kim_id, "c1", "ring").await.expect(200);
        center.of(&center.lee_id, "c1", "ring").await.expect(200);
        for ws in [&mut kim, &mut lee] {
            let copy = ws.wait_for("call.incoming").await;
            assert!(copy.get("seq").is_none(), "{copy}");
            numbers(ws, |stats| stats["agents"]["ringing"] == 2).await;
        }
        center.report("c1", "end", json!({ "ended_by": "customer" })).await.expect(200);
        numbers(&mut kim, |stats| stats["today"]["offered"] == 1).await;
        // In strict order: whatever was to come before this has come.
        center.admin.post("/api/v1/events", json!({ "type": "test.mark", "payload": {} })).await.expect(202);
        sink.wait_for_event("test.mark").await;
        let came: Vec<Value> = sink.received().iter().map(Received::json).collect();
        let log = events(&center.admin, begin).await;
        let came: Vec<_> = came.iter().map(|body| (&body["seq"], &body["event"])).collect();
        assert_eq!(came, log.iter().map(|event| (&event["seq"], &event["type"])).collect::<Vec<_>>());
        let seqs = log.iter().map(|event| event["seq"].as_i64().unwrap());
        assert!(seqs.eq(begin + 1..=center.head().await), "the log without a hole: {log:?}");
        assert_eq!(types(&log.iter().collect::<Vec<_>>()).iter().filter(|kind| **kind == "call.incoming").count(), 1);
    }

    async fn who_comes_back_gets_what_was_missed_as_it_would_have_been_heard(server) {
        let center = Center::open(&server).await;
        let begin = center.head().await;
        center.with_kim("c1").await;
        center.report("c1", "end", json!({})).await.expect(200);
        center.kim.post_empty("/api/v1/agent-state/me/wrap-up/end").await.expect(200);
        center.kim.post("/api/v1/agent-state/me", json!({ "state": "break", "reason": "doctor" })).await.expect(200);
        center.lee.post("/api/v1/agent-state/me", json!({ "state": "break", "reason": "lunch" })).await.expect(200);
        let bearer = format!("Bearer {}", center.lee.token());
        let mut ws = Ws::open(&server, &format!("/ws?since={begin}"), &[("authorization", &bearer)]).await.unwrap();
        let mut heard: Vec<Value> = Vec::new();
        while heard.last().is_none_or(|frame| frame["payload"]["reason"] != "lunch") {
            heard.push(ws.next_event().await);
        }
        assert_eq!(types(&heard.iter().collect::<Vec<_>>()), [
            "queue.joined", "queue.left", "agent.state.changed", "agent.state.changed", "agent.state.changed",
            "agent.state.changed", "agent.state.changed",
        ]);
        let joined = &heard[0]["payload"];
        assert_eq!(joined["from"], json!({ "number": "+********20", "name": "***" }));
        for (frame, state) in heard[2..6].iter().zip(["on_call", "wrap_up", "available", "break"]) {
            let payload = &frame["payload"];
            assert_eq!((&payload["user_id"], &payload["state"]), (&json!(center.kim_id), &json!(state)));
            for field in ["reason", "source", "changed_by", "routable", "call_id", "until"] {
                assert_eq!(payload.get(field), None, "{frame}");
            }
        }
        assert_eq!((&heard[6]["payload"]["user_id"], &heard[6]["payload"]["source"]), (&json!(center.lee_id), &json!("self")));
        // The same as when the log is read.
        let seen = |log: &[Value]| log.iter().map(|event| json!([event["seq"], event["type"], event["payload"]])).collect::<Vec<_>>();
        assert_eq!(seen(&heard), seen(&events(&center.lee, begin).await));
    }
}

/// The next events of calls and queues, up to the end of the caller's wait.
async fn until_abandoned(ws: &mut Ws) -> Vec<Value> {
    let mut heard: Vec<Value> = Vec::new();
    while heard.last().is_none_or(|event| event["type"] != "call.abandoned") {
        let event = ws.next_event().await;
        if !event["type"].as_str().unwrap().starts_with("agent.") {
            heard.push(event);
        }
    }
    heard
}

#[tokio::test]
async fn on_the_other_server_each_role_hears_the_same() {
    let here = Server::builder().mariadb().redis().start().await;
    let there = here.elsewhere().start().await;
    let center = Center::open(&here).await;
    let (max, _) = here.user("max@example.com", "agent").await;
    let (mut admin, _) = Ws::connect(&there, &center.admin).await;
    let (mut kim, _) = Ws::connect(&there, &center.kim).await;
    let (mut lee, _) = Ws::connect(&there, &center.lee).await;
    let (mut outside, _) = Ws::connect(&there, &max).await;
    center.caller("c1").await;
    center.of(&center.kim_id, "c1", "ring").await.expect(200);
    center
        .report("c1", "miss", json!({ "user_id": center.kim_id, "outcome": "no_answer" }))
        .await
        .expect(200);
    center.report("c1", "end", json!({ "ended_by": "customer" })).await.expect(200);
    center.admin.post("/api/v1/events", json!({ "type": "order.paid", "payload": {} })).await.expect(202);

    let masked = json!({ "number": "+********20", "name": "***" });
    let heard = until_abandoned(&mut admin).await;
    assert_eq!(types(&of_calls(&heard))[..3], ["call.incoming", "queue.joined", "call.ringing"]);
    assert_eq!(heard[1]["payload"]["from"]["number"], "+4930901820");
    let heard = until_abandoned(&mut kim).await;
    assert_eq!(types(&of_calls(&heard))[..2], ["queue.joined", "call.ringing"]);
    assert_eq!(heard[0]["payload"]["from"], masked);
    assert_eq!(
        heard[1]["payload"]["from"]["number"], "+4930901820",
        "who is offered the call sees who calls"
    );
    let heard = until_abandoned(&mut lee).await;
    assert_eq!(types(&of_calls(&heard)), ["queue.joined", "queue.left", "call.abandoned"]);
    assert_eq!((&heard[0]["payload"]["from"], &heard[2]["payload"]["from"]), (&masked, &masked));
    assert!(!Value::from(heard).to_string().contains("901820"), "a colleague learns no number");
    loop {
        let event = outside.next_event().await;
        if event["type"] == "order.paid" {
            break;
        }
        assert_eq!(
            event["type"], "agent.state.changed",
            "who serves another queue hears nothing of it: {event}"
        );
    }
}
