//! What the events of a call say, value by value.

use super::{CALLS, Center, events, queue, report};
use crate::harness::macros::on_both;
use crate::harness::{Server, Value, json};

/// The payloads of a log's events of this type.
fn of(log: &[Value], kind: &str) -> Vec<Value> {
    log.iter().filter(|event| event["type"] == kind).map(|event| event["payload"].clone()).collect()
}

on_both! {
    async fn an_offer_tells_which_one_it_is_and_how_many_others_ring(server) {
        let center = Center::open(&server).await;
        let begin = center.head().await;
        let (kim, lee) = (center.kim_id.as_str(), center.lee_id.as_str());
        center.caller("c1").await;
        center.of(kim, "c1", "ring").await.expect(200);
        center.of(lee, "c1", "ring").await.expect(200);
        for _ in 0..2 {
            let missed = json!({ "user_id": kim, "outcome": "caller_gone" });
            center.report("c1", "miss", missed).await.expect(200);
            center.of(kim, "c1", "ring").await.expect(200);
        }
        for user in [lee, kim] {
            let missed = json!({ "user_id": user, "outcome": "caller_gone" });
            center.report("c1", "miss", missed).await.expect(200);
        }
        let last = center.of(lee, "c1", "ring").await.expect(200);
        let offers = of(&events(&center.admin, begin).await, "call.ringing");
        let told = |offer: &Value| json!([offer["user_id"], offer["attempt"], offer["also_ringing"]]);
        assert_eq!(offers.iter().map(told).collect::<Vec<_>>(), [
            json!([kim, 1, 0]), json!([lee, 1, 1]), json!([kim, 2, 1]), json!([kim, 3, 1]), json!([lee, 2, 0]),
        ]);
        let legs: Vec<&Value> = last.data()["legs"].as_array().unwrap().iter().map(|leg| &leg["id"]).collect();
        assert_eq!(offers.iter().map(|offer| &offer["leg_id"]).collect::<Vec<_>>(), legs, "each is a part of its own");
        let (began, dialled) = (&last.data()["started_at"], json!({ "number": "+4930555000" }));
        assert!(began.is_string() && offers.iter().all(|offer| offer["started_at"] == *began && offer["to"] == dialled));
    }

    async fn a_transfer_tells_from_whom_to_what_and_by_whom(server) {
        let center = Center::open(&server).await;
        let (sam, sam_id) = server.user("sam@example.com", "supervisor").await;
        let (kim, lee) = (center.kim_id.as_str(), center.lee_id.as_str());
        let support = queue(&center.admin, "Support", 0, &[lee]).await;
        center.with_kim("c1").await;
        let begin = center.head().await;
        let to = |kind: &str, to: Value| json!({ "kind": kind, "to": to });
        report(&center.kim, "c1", "transfer", to("attended", json!({ "user_id": lee }))).await.expect(200);
        center.report("c1", "transfer", to("blind", json!({ "queue_id": support }))).await.expect(200);
        report(&sam, "c1", "transfer", to("redirect", json!({ "queue_id": center.queue }))).await.expect(200);
        center.report("c1", "transfer", to("redirect", json!({ "number": "+33140000000" }))).await.expect(200);
        let told = |event: &Value| json!([event["kind"], event["from_user_id"], event["transferred_by"], event["to"]]);
        let log = events(&center.admin, begin).await;
        assert_eq!(of(&log, "call.transferred").iter().map(told).collect::<Vec<_>>(), [
            json!(["attended", kim, kim, { "kind": "user", "id": lee }]),
            // The telephone system reports what the agent did there.
            json!(["blind", lee, lee, { "kind": "queue", "id": support }]),
            json!(["redirect", null, sam_id, { "kind": "queue", "id": center.queue }]),
            json!(["redirect", null, "telephony", { "kind": "number", "number": "+33140000000" }]),
        ]);
    }

    async fn the_telephone_systems_own_words_of_a_call_are_passed_on(server) {
        let center = Center::open(&server).await;
        let begin = center.head().await;
        center.with_kim("c1").await;
        center.of(&center.kim_id, "c1", "hold").await.expect(200);
        center.of(&center.kim_id, "c1", "unhold").await.expect(200);
        center.kim.patch(&format!("{CALLS}/c1"), json!({ "disposition": "sold" })).await.expect(200);
        center.report("c1", "end", json!({ "hangup_cause": 16 })).await.expect(200);
        let log = events(&center.admin, begin).await;
        let of_calls: Vec<&Value> = log.iter().filter(|event| event["type"].as_str().unwrap().starts_with("call.")).collect();
        assert_eq!(of_calls.len(), 6, "{log:?}");
        for event in of_calls {
            assert_eq!((&event["payload"]["call_id"], &event["payload"]["external_id"]), (&json!("c1"), &json!("pbx-c1")));
        }
        assert_eq!(of(&log, "call.ended")[0]["hangup_cause"], 16);
        assert_eq!(center.call("c1").await["external_id"], "pbx-c1");

        // What was not said is not there.
        let begin = center.head().await;
        let plain = json!({ "id": "c2", "direction": "inbound", "from": { "number": "1" }, "to": { "number": "2" } });
        center.pbx.post(CALLS, plain).await.expect(201);
        center.report("c2", "end", json!({})).await.expect(200);
        let log = events(&center.admin, begin).await;
        for event in log.iter() {
            for field in ["external_id", "hangup_cause", "merged_into"] {
                assert_eq!(event["payload"].get(field), None, "{event}");
            }
        }
        assert_eq!(log.len(), 3, "{log:?}");
    }
}
