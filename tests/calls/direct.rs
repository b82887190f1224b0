//! Calls that agents place, to outside and to each other.

use super::{CALLS, Center, events, report};
use crate::harness::macros::on_both;
use crate::harness::{Server, json};

on_both! {
    async fn an_agent_calls_outside_and_is_answered(server) {
        let center = Center::open(&server).await;
        let begin = center.head().await;
        let body = json!({
            "id": "o1", "direction": "outbound", "client_ref": "crm-7", "user_id": center.kim_id, "queue_id": center.queue,
            "from": { "number": "+4930555000" }, "to": { "number": "+4930901820" },
        });
        let made = center.pbx.post(CALLS, body).await.expect(201);
        assert_eq!((&made.data()["state"], &made.data()["entries"]), (&json!("ringing"), &json!([])));
        center.of(&center.kim_id, "o1", "answer").await.expect(200);
        report(&center.kim, "o1", "end", json!({})).await.expect(200);
        assert_eq!(center.said(begin).await, [
            "call.outgoing kim", "kim on_call", "call.answered kim outbound", "call.ended answered", "kim wrap_up",
        ]);
        let log = events(&center.admin, begin).await;
        assert_eq!(log[0]["payload"]["client_ref"], "crm-7");
        assert_eq!(log[0]["payload"]["queue_id"], json!(center.queue));
        assert_eq!(log[0]["payload"]["leg_id"], made.data()["legs"][0]["id"]);

        // One that a program places has no agent.
        let begin = center.head().await;
        let body = json!({ "id": "o2", "direction": "outbound", "from": { "number": "1" }, "to": { "number": "2" } });
        let made = center.pbx.post(CALLS, body).await.expect(201);
        assert_eq!(made.data()["legs"], json!([]));
        center.report("o2", "end", json!({})).await.expect(200);
        assert_eq!(center.said(begin).await, ["call.outgoing", "call.ended no_answer"]);
    }

    async fn who_is_handed_a_call_to_outside_sees_the_customer(server) {
        let center = Center::open(&server).await;
        let customer = json!({ "number": "+4930901820" });
        for (id, to) in [("o1", json!({ "user_id": center.lee_id })), ("o2", json!({ "queue_id": center.queue }))] {
            let body = json!({
                "id": id, "direction": "outbound", "user_id": center.kim_id,
                "from": { "number": "+4930555000" }, "to": customer,
            });
            center.pbx.post(CALLS, body).await.expect(201);
            center.of(&center.kim_id, id, "answer").await.expect(200);
            let begin = center.head().await;
            center.report(id, "transfer", json!({ "kind": "blind", "to": to })).await.expect(200);
            let log = events(&center.admin, begin).await;
            let told = log.iter().find(|event| ["call.ringing", "queue.joined"].contains(&event["type"].as_str().unwrap()));
            assert_eq!(told.unwrap()["payload"]["from"], customer, "{id}");
        }
        let entries = center.admin.get(&format!("/api/v1/queues/{}/entries", center.queue)).await.expect(200);
        assert_eq!(entries.data()[0]["from"]["number"], customer["number"], "{}", entries.text);
    }

    async fn of_an_internal_call_that_is_handed_on_its_caller_or_the_one_who_stays_is_told(server) {
        let center = Center::open(&server).await;
        let waiting = format!("/api/v1/queues/{}/entries", center.queue);
        for (id, who, stays) in [("i1", &center.kim, "102"), ("i2", &center.lee, "101")] {
            let body = json!({
                "id": id, "direction": "internal", "user_id": center.kim_id,
                "from": { "number": "101" }, "to": { "number": "102" },
            });
            center.pbx.post(CALLS, body).await.expect(201);
            center.of(&center.lee_id, id, "answer").await.expect(200);
            let begin = center.head().await;
            report(who, id, "transfer", json!({ "kind": "blind", "to": { "queue_id": center.queue } })).await.expect(200);
            let log = events(&center.admin, begin).await;
            let told = log.iter().find(|event| event["type"] == "queue.joined").expect("a stay");
            assert_eq!(told["payload"]["from"]["number"], stays, "{id}");
            let entries = center.admin.get(&waiting).await.expect(200);
            assert_eq!(entries.data()[0]["from"]["number"], stays, "{}", entries.text);
            center.report(id, "end", json!({})).await.expect(200);
        }
    }

    async fn one_agent_calls_the_other(server) {
        let center = Center::open(&server).await;
        let begin = center.head().await;
        let body = json!({
            "id": "i1", "direction": "internal", "user_id": center.kim_id,
            "from": { "number": "101" }, "to": { "number": "102" },
        });
        center.pbx.post(CALLS, body).await.expect(201);
        center.of(&center.lee_id, "i1", "ring").await.expect(200);
        report(&center.lee, "i1", "answer", json!({ "user_id": center.lee_id })).await.expect(200);
        report(&center.lee, "i1", "end", json!({})).await.expect(200);
        assert_eq!(center.said(begin).await, [
            "call.outgoing kim", "kim on_call", "call.ringing lee", "lee ringing", "call.answered lee direct", "lee on_call",
            "call.ended answered", "kim available", "lee available",
        ]);
    }
}
