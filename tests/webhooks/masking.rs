//! `mask_personal_data`

use super::{newest, path, webhook};
use crate::calls::{CALLS, Center};
use crate::harness::macros::on_both;
use crate::harness::sink::{Received, Sink};
use crate::harness::{Server, Value, json};

/// The `data` of the events of that name.
fn data(sink: &Sink, event: &str) -> Vec<Value> {
    let received = sink.received();
    let bodies = received.iter().map(Received::json).filter(|body| body["event"] == event);
    bodies.map(|body| body["data"].clone()).collect()
}

on_both! {
    async fn personal_data_is_masked_in_what_is_sent_and_shown_and_stays_in_the_log(server) {
        let (masked, full) = (Sink::start().await, Sink::start().await);
        let admin = server.admin().await;
        let events = json!(["order.paid", "call.incoming"]);
        let settings = json!({ "url": masked.url(), "secret": "s3cret", "mask_personal_data": true, "events": events });
        let id = webhook(&admin, settings).await;
        webhook(&admin, json!({ "url": full.url(), "events": events })).await;
        let payload = json!({ "from": { "number": "+49 30 901820", "name": "Anna" }, "to": { "number": "0800123" } });
        admin.post("/api/v1/events", json!({ "type": "order.paid", "payload": payload })).await.expect(202);
        let custom = masked.wait_for(1).await.remove(0);
        assert_eq!(custom.json()["data"]["from"]["name"], "Anna", "a custom event has one form");

        let mut call = payload.clone();
        call["direction"] = json!("inbound");
        admin.post(CALLS, call).await.expect(201);
        let received = masked.wait_for(2).await.remove(1);
        assert_eq!(received.json()["event"], "call.incoming");
        assert_eq!(received.json()["data"]["from"], json!({ "number": "+** ** ****20", "name": "***" }));
        assert_eq!(received.json()["data"]["to"], json!({ "number": "0800123" }));
        assert!(received.is_signed_by("s3cret"));
        let newest = newest(&admin, &id, "the delivery", |entry| entry["event"] == "call.incoming" && entry["status"] == "success").await;
        let entry = admin.get(&format!("{}/logs/{}", path(&id), newest["id"])).await.expect(200);
        assert!(!entry.text.contains("Anna") && !entry.text.contains("901820"), "{}", entry.text);
        let sent = std::str::from_utf8(&received.body).unwrap();
        let shown = &entry.data()["request"]["body"];
        assert!(*shown == json!(sent) || *shown == received.json(), "{}", entry.text);

        // Sent once more it is masked as well.
        admin.post_empty(&format!("{}/logs/{}/retry", path(&id), newest["id"])).await.expect(202);
        let again = masked.wait_for(3).await.remove(2);
        assert_eq!(again.body, received.body);
        let received = full.wait_for_event("call.incoming").await;
        assert_eq!(received.json()["data"]["from"], payload["from"]);
        let log = admin.get("/api/v1/events?types=call.incoming").await.expect(200);
        assert_eq!(log.data()[0]["payload"]["from"], payload["from"]);
    }

    async fn numbers_outside_are_masked_wherever_a_call_goes(server) {
        let center = Center::open(&server).await;
        let (masked, full) = (Sink::start().await, Sink::start().await);
        for (sink, mask) in [(&masked, true), (&full, false)] {
            let hook = json!({ "url": sink.url(), "events": ["call.*"], "ordering": "strict", "mask_personal_data": mask });
            webhook(&center.admin, hook).await;
        }
        let outside = json!({
            "id": "o1", "direction": "outbound", "user_id": center.kim_id,
            "from": { "number": "+4930555000" }, "to": { "number": "+4930901821" },
        });
        center.pbx.post(CALLS, outside).await.expect(201);
        center.of(&center.kim_id, "o1", "answer").await.expect(200);
        for target in [json!({ "user_id": center.lee_id }), json!({ "number": "+33140000022" })] {
            let to = json!({ "kind": "attended", "to": target });
            center.report("o1", "transfer", to).await.expect(200);
        }
        center.report("o1", "end", json!({})).await.expect(200);
        for (sink, dialled, reached) in
            [(&masked, "+********21", "+*********22"), (&full, "+4930901821", "+33140000022")]
        {
            sink.wait_for_event("call.ended").await;
            let placed = data(sink, "call.outgoing").remove(0);
            assert_eq!((&placed["from"]["number"], &placed["to"]["number"]), (&json!("+4930555000"), &json!(dialled)));
            let to: Vec<Value> = data(sink, "call.transferred").iter().map(|data| data["to"].clone()).collect();
            assert_eq!(to, [
                json!({ "kind": "user", "id": center.lee_id }), json!({ "kind": "number", "number": reached }),
            ]);
        }
        let all: String = masked.received().iter().map(|request| request.json().to_string()).collect();
        assert!(!all.contains("901821") && !all.contains("140000"), "{all}");
    }
}
