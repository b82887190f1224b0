//! What is reported twice happens once.

use super::{CALLS, Center};
use crate::harness::macros::on_both;
use crate::harness::{Server, json};
use futures_util::future::join_all;

on_both! {
    async fn a_repeated_report_changes_nothing_and_says_nothing(server) {
        let center = Center::open(&server).await;
        let (kim, lee) = (json!({ "user_id": center.kim_id }), json!({ "user_id": center.lee_id }));
        center.caller("c1").await;
        let missed = json!({ "user_id": center.kim_id, "outcome": "declined" });
        for (what, body) in [
            ("dequeue", json!({ "reason": "timeout" })),
            ("enqueue", json!({ "queue_id": center.queue })),
            ("ring", kim.clone()),
            ("miss", missed),
            ("ring", lee.clone()),
            ("answer", lee.clone()),
            ("hold", lee.clone()),
            ("unhold", lee.clone()),
            ("transfer", json!({ "kind": "blind", "to": { "user_id": center.kim_id } })),
            ("answer", kim),
            ("end", json!({ "outcome": "answered" })),
        ] {
            let first = center.report("c1", what, body.clone()).await.expect(200);
            let head = center.head().await;
            let again = center.report("c1", what, body).await.expect(200);
            assert_eq!(first.data()["state"], again.data()["state"], "{what}");
            assert_eq!(first.data()["legs"].as_array().map(Vec::len), again.data()["legs"].as_array().map(Vec::len));
            assert_eq!(center.head().await, head, "{what}");
        }
        let changes = json!({ "disposition": "sold", "tags": ["x"], "attributes": { "a": "1", "b": null } });
        for _ in 0..2 {
            center.admin.patch(&format!("{CALLS}/c1"), changes.clone()).await.expect(200);
        }
        let said = center.said(0).await;
        assert_eq!(said.iter().filter(|event| *event == "call.updated").count(), 1, "{said:?}");
    }

    async fn a_call_begins_once(server) {
        let center = Center::open(&server).await;
        let body = json!({ "id": "c1", "direction": "inbound", "from": { "number": "1" }, "to": { "number": "2" } });
        let (one, other) = tokio::join!(async { center.pbx.post(CALLS, body.clone()).await }, async {
            center.pbx.post(CALLS, body.clone()).await
        });
        let mut statuses = [one.status, other.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 201], "{} {}", one.text, other.text);
        center.report("c1", "end", json!({})).await.expect(200);
        let head = center.head().await;
        let again = center.pbx.post(CALLS, body).await.expect(200);
        assert_eq!(again.data()["state"], "ended", "as it is now");
        let another = json!({ "id": "c1", "direction": "inbound", "from": { "number": "3" }, "to": { "number": "2" } });
        let refused = center.pbx.post(CALLS, another).await;
        refused.assert_error(409).names("state");
        assert_eq!(center.head().await, head);
        let unnamed = json!({ "direction": "inbound", "from": { "number": "1" }, "to": { "number": "2" } });
        let first = center.pbx.post(CALLS, unnamed.clone()).await.expect(201);
        let second = center.pbx.post(CALLS, unnamed).await.expect(201);
        assert_ne!(first.data()["id"], second.data()["id"]);
    }

    async fn calls_that_come_and_go_at_once_have_places_of_their_own(server) {
        let center = Center::open(&server).await;
        let arriving = (0..10).map(async |number| {
            let body = json!({
                "id": format!("c{number}"), "direction": "inbound", "queue_id": center.queue,
                "from": { "number": "1" }, "to": { "number": "2" },
            });
            center.pbx.post(CALLS, body).await.expect(201).data()["entries"][0]["position"].as_u64()
        });
        let mut places = join_all(arriving).await;
        places.sort_unstable();
        assert_eq!(places, (1..=10).map(Some).collect::<Vec<_>>());
        let going = (0..10).map(async |number| {
            let user = if number % 2 == 0 { &center.kim_id } else { &center.lee_id };
            for what in ["ring", "answer"] {
                center.of(user, &format!("c{number}"), what).await.expect(200);
            }
            center.report(&format!("c{number}"), "end", json!({})).await.expect(200);
        });
        join_all(going).await;
        let said = center.said(0).await;
        for (event, count) in [("queue.left answered", 10), ("call.ended answered", 10)] {
            assert_eq!(said.iter().filter(|one| *one == event).count(), count, "{said:?}");
        }
        let stats = center.admin.get(&format!("/api/v1/queues/{}/stats", center.queue)).await.expect(200);
        assert_eq!((&stats.data()["waiting"], &stats.data()["today"]["answered"]), (&json!(0), &json!(10)));
    }
}
