//! Who hears what of a call.

use super::{Center, events, report};
use crate::harness::macros::on_both;
use crate::harness::sink::Sink;
use crate::harness::ws::Ws;
use crate::harness::{Server, Value, json};

/// Events of calls and queues only, by type.
fn of_calls(log: &[Value]) -> Vec<&Value> {
    log.iter().filter(|event| !event["type"].as_str().unwrap().starts_with("agent.")).collect()
}

fn types<'a>(log: &[&'a Value]) -> Vec<&'a str> {
    log.iter().map(|event| event["type"].as_str().unwrap()).collect()
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
}
