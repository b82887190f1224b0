//! The life of a call from outside, through a queue.

use super::{CALLS, Center, events, queue, report};
use crate::harness::macros::on_both;
use crate::harness::{Server, json};
use std::time::Duration;

on_both! {
    async fn a_caller_waits_is_served_and_goes_and_all_is_said_in_order(server) {
        let center = Center::open(&server).await;
        let (kim, lee) = (center.kim_id.as_str(), center.lee_id.as_str());
        let begin = center.head().await;
        let made = center.caller("c1").await;
        assert_eq!(made.data()["state"], "queued");
        assert_eq!(made.data()["entries"][0]["position"], 1);
        server.advance(Duration::from_secs(10)).await;
        center.of(kim, "c1", "ring").await.expect(200);
        center.of(lee, "c1", "ring").await.expect(200);
        assert_eq!(center.state_of(kim).await["state"], "ringing");
        server.advance(Duration::from_secs(5)).await;
        let answered = center.of(lee, "c1", "answer").await.expect(200);
        assert_eq!((&answered.data()["state"], &answered.data()["user_id"]), (&json!("active"), &json!(lee)));
        server.advance(Duration::from_secs(20)).await;
        center.of(lee, "c1", "hold").await.expect(200);
        assert_eq!(center.call("c1").await["state"], "held");
        server.advance(Duration::from_secs(4)).await;
        center.of(lee, "c1", "unhold").await.expect(200);
        let changes = json!({ "disposition": "sold", "tags": ["a", "b", "a"], "attributes": { "order": "17" } });
        center.lee.patch(&format!("{CALLS}/c1"), changes).await.expect(200);
        server.advance(Duration::from_secs(6)).await;
        let ended = center.report("c1", "end", json!({ "ended_by": "customer" })).await.expect(200);

        assert_eq!(center.said(begin).await, [
            "call.incoming", "queue.joined",
            "call.ringing kim", "kim ringing", "call.ringing lee", "lee ringing",
            "queue.left answered", "call.answered lee queue", "call.missed kim answered_elsewhere",
            "kim available", "lee on_call",
            "call.hold lee", "call.unhold lee", "call.updated", "call.ended answered", "lee wrap_up",
        ]);
        let call = ended.data();
        assert_eq!((&call["state"], &call["outcome"], &call["ended_by"]), (&json!("ended"), &json!("answered"), &json!("customer")));
        assert_eq!((&call["disposition"], &call["tags"]), (&json!("sold"), &json!(["a", "b"])));
        assert_eq!(call["attributes"], json!({ "order": "17" }));
        for (field, least) in [("wait_seconds", 15.0), ("talk_seconds", 26.0), ("hold_seconds", 4.0), ("duration_seconds", 45.0)] {
            let seconds = call[field].as_f64().unwrap();
            assert!((least..least + 5.0).contains(&seconds), "{field}: {seconds}");
        }
        let (first, second) = (&call["legs"][0], &call["legs"][1]);
        assert_eq!((&first["user_id"], &first["outcome"]), (&json!(kim), &json!("answered_elsewhere")));
        assert_eq!((&second["user_id"], &second["outcome"], &second["via"]), (&json!(lee), &json!("answered"), &json!("queue")));
        assert_eq!(call["entries"][0]["reason"], "answered");
        assert_eq!(*call, center.call("c1").await, "the same when it is read again");

        let log = events(&center.admin, begin).await;
        let ended = &log[14]["payload"];
        assert_eq!(ended["talk_seconds"], call["talk_seconds"]);
        assert_eq!((&ended["user_ids"], &ended["queue_ids"]), (&json!([lee]), &json!([center.queue])));
        let wrap_up = &log[15]["payload"];
        assert_eq!(wrap_up["call_id"], "c1");
        assert!(wrap_up["until"].is_string(), "{wrap_up}");
        let left = &log[6];
        assert_eq!((&left["subject"], &left["payload"]["queue_name"]), (&json!(format!("queue:{}", center.queue)), &json!("Sales")));
        assert_eq!((&left["payload"]["position"], &left["payload"]["size"]), (&json!(1), &json!(0)));
        assert_eq!(log[7]["subject"], "call:c1");
    }

    async fn who_misses_a_call_is_away_and_who_gives_up_is_counted_as_such(server) {
        let center = Center::open(&server).await;
        let kim = center.kim_id.as_str();
        center.caller("c1").await;
        let second = center.caller("c2").await;
        assert_eq!(second.data()["entries"][0]["position"], 2);
        center.of(kim, "c1", "ring").await.expect(200);
        let begin = center.head().await;
        center.report("c1", "miss", json!({ "user_id": kim, "outcome": "no_answer" })).await.expect(200);
        let state = center.state_of(kim).await;
        assert_eq!((&state["state"], &state["reason"]), (&json!("away"), &json!("missed_call")));
        server.advance(Duration::from_secs(30)).await;
        center.report("c2", "end", json!({ "ended_by": "customer" })).await.expect(200);
        assert_eq!(center.said(begin).await, [
            "call.missed kim no_answer", "kim away",
            "queue.left abandoned", "call.abandoned queue", "call.ended abandoned",
        ]);
        let abandoned = events(&center.admin, begin).await[3]["payload"].clone();
        assert_eq!((&abandoned["position"], &abandoned["short"]), (&json!(2), &json!(false)));

        // Whom no phone rings any more: out of the queue, and rung again.
        center.report("c1", "dequeue", json!({ "reason": "timeout" })).await.expect(200);
        assert_eq!(center.call("c1").await["state"], "ringing");
        center.report("c1", "enqueue", json!({ "queue_id": center.queue })).await.expect(200);
        let call = center.call("c1").await;
        assert_eq!((&call["state"], &call["entries"][0]["reason"]), (&json!("queued"), &json!("timeout")));
        assert_eq!(call["entries"][1]["position"], 1);
    }

    async fn a_wish_during_a_call_takes_effect_after_it(server) {
        let center = Center::open(&server).await;
        let body = json!({ "id": "c1", "direction": "inbound", "from": { "number": "1" }, "to": { "number": "2" }, "user_id": center.kim_id });
        center.pbx.post(CALLS, body).await.expect(201);
        center.of(&center.kim_id, "c1", "answer").await.expect(200);
        let begin = center.head().await;
        let wish = json!({ "state": "break", "reason": "lunch" });
        let answer = center.kim.post("/api/v1/agent-state/me", wish).await.expect(200);
        assert_eq!((&answer.data()["state"], &answer.data()["presence"]), (&json!("on_call"), &json!("break")));
        report(&center.kim, "c1", "end", json!({})).await.expect(200);
        assert_eq!(center.said(begin).await, ["agent.state.pending kim lunch", "call.ended answered", "kim break"]);
        assert_eq!(center.call("c1").await["ended_by"], "agent");
    }

    async fn calls_go_from_hand_to_hand(server) {
        let center = Center::open(&server).await;
        let (kim, lee) = (center.kim_id.as_str(), center.lee_id.as_str());
        let support = queue(&center.admin, "Support", 0, &[lee]).await;
        center.with_kim("c1").await;
        assert_eq!(center.call("c1").await["legs"][0]["ring_seconds"], 0.0, "an answer without a ring");
        let begin = center.head().await;
        let blind = json!({ "kind": "blind", "to": { "user_id": lee } });
        report(&center.kim, "c1", "transfer", blind).await.expect(200);
        center.of(lee, "c1", "answer").await.expect(200);
        let queue = json!({ "kind": "blind", "to": { "queue_id": support } });
        report(&center.lee, "c1", "transfer", queue).await.expect(200);
        center.of(lee, "c1", "answer").await.expect(200);
        let attended = json!({ "kind": "attended", "to": { "user_id": kim } });
        report(&center.lee, "c1", "transfer", attended).await.expect(200);
        let outside = json!({ "kind": "blind", "to": { "number": "+33140000000" } });
        let last = report(&center.kim, "c1", "transfer", outside).await.expect(200);
        assert_eq!(center.said(begin).await, [
            "call.transferred kim blind", "call.ringing lee", "kim wrap_up", "lee ringing",
            "call.answered lee transfer", "lee on_call",
            "call.transferred lee blind", "queue.joined", "lee available",
            "queue.left answered", "call.answered lee queue", "lee on_call",
            "call.transferred lee attended", "call.answered kim transfer", "kim on_call", "lee available",
            "call.transferred kim blind", "kim available",
        ]);
        let call = last.data();
        assert_eq!((&call["transfers"], &call["state"], &call["user_id"]), (&json!(4), &json!("active"), &json!(null)));
        let to = events(&center.admin, begin).await[16]["payload"]["to"].clone();
        assert_eq!(to, json!({ "kind": "number", "number": "+33140000000" }));
    }
}
