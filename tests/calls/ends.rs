//! What becomes of calls whose end is told in other words than the product has seen.

use super::{CALLS, Center, events};
use crate::harness::macros::on_both;
use crate::harness::{Server, Value, json};

on_both! {
    async fn an_answered_call_does_not_end_unanswered(server) {
        let center = Center::open(&server).await;
        for told in ["no_answer", "busy", "rejected"] {
            center.with_kim(told).await;
            let ended = center.report(told, "end", json!({ "outcome": told })).await.expect(200);
            assert_eq!(ended.data()["outcome"], "answered", "{told}");
        }
    }

    async fn whoever_hangs_up_waiting_has_abandoned_whatever_else_is_told(server) {
        let center = Center::open(&server).await;
        let told = [
            json!({ "ended_by": "customer", "outcome": "failed" }), json!({ "ended_by": "customer", "outcome": "no_answer" }),
            json!({ "outcome": "no_answer" }),
        ];
        for (at, told) in told.into_iter().enumerate() {
            let (id, begin) = (format!("c{at}"), center.head().await);
            center.caller(&id).await;
            center.report(&id, "end", told.clone()).await.expect(200);
            assert_eq!(
                center.said(begin).await,
                ["call.incoming", "queue.joined", "queue.left abandoned", "call.abandoned queue", "call.ended abandoned"],
                "{told}"
            );
        }
    }

    async fn a_call_that_goes_on_in_another_is_not_abandoned(server) {
        let center = Center::open(&server).await;
        center.caller("c1").await;
        center.caller("c2").await;
        let begin = center.head().await;
        for (body, field) in [
            (json!({ "merged_into": "c1" }), "merged_into"),
            (json!({ "merged_into": "unknown" }), "merged_into"),
            (json!({ "merged_into": "c2", "outcome": "answered" }), "outcome"),
        ] {
            center.report("c1", "end", body).await.assert_error(422).names(field);
        }
        let merged = center.report("c1", "end", json!({ "merged_into": "c2" })).await.expect(200);
        assert_eq!(merged.data()["outcome"], "merged");
        assert_eq!(center.said(begin).await, ["queue.left unknown", "call.ended merged"]);
        assert_eq!(events(&center.admin, begin).await[1]["payload"]["merged_into"], "c2");
    }

    async fn an_answer_reported_again_does_not_take_a_transferred_call_back(server) {
        let center = Center::open(&server).await;
        center.with_kim("c1").await;
        let to_lee = json!({ "kind": "blind", "to": { "user_id": center.lee_id } });
        center.report("c1", "transfer", to_lee).await.expect(200);
        let (begin, before) = (center.head().await, center.call("c1").await);
        let again = center.of(&center.kim_id, "c1", "answer").await.expect(200);
        let users = |call: &Value| -> Vec<Value> {
            call["legs"].as_array().unwrap().iter().map(|leg| json!([leg["user_id"], leg["ended_at"], leg["answered_at"]])).collect()
        };
        assert_eq!((users(again.data()), center.said(begin).await.len()), (users(&before), 0));
        center.of(&center.lee_id, "c1", "answer").await.expect(200);
    }

    async fn the_part_of_a_deleted_user_comes_to_its_end(server) {
        let center = Center::open(&server).await;
        center.caller("rings").await;
        center.of(&center.lee_id, "rings", "ring").await.expect(200);
        center.with_kim("held").await;
        center.of(&center.kim_id, "held", "hold").await.expect(200);
        for user in [&center.kim_id, &center.lee_id] {
            center.admin.delete(&format!("/api/v1/users/{user}")).await.succeeded();
        }
        let missed = json!({ "user_id": center.lee_id, "outcome": "no_answer" });
        let call = center.report("rings", "miss", missed).await.expect(200);
        assert_eq!(call.data()["legs"][0]["outcome"], "no_answer");
        let call = center.of(&center.kim_id, "held", "unhold").await.expect(200);
        assert_eq!(call.data()["state"], "active");
        center.of(&center.kim_id, "rings", "ring").await.assert_error(422).names("user_id");
        center.report("held", "end", json!({})).await.expect(200);
    }

    async fn a_call_for_somebody_off_duty_is_kept_and_rings_nowhere(server) {
        let center = Center::open(&server).await;
        center.kim.post("/api/v1/agent-state/me", json!({ "state": "offline" })).await.expect(200);
        let begin = center.head().await;
        let body = json!({
            "id": "c1", "direction": "inbound", "user_id": center.kim_id,
            "from": { "number": "+4930901820" }, "to": { "number": "+4930555000" },
        });
        let made = center.pbx.post(CALLS, body.clone()).await.expect(201);
        assert_eq!((&made.data()["state"], &made.data()["legs"]), (&json!("ringing"), &json!([])));
        center.pbx.post(CALLS, body).await.expect(200);
        assert_eq!(center.said(begin).await, ["call.incoming"]);
        center.of(&center.kim_id, "c1", "ring").await.assert_error(409).names("state");
        center.of(&center.lee_id, "c1", "answer").await.expect(200);
    }
}
