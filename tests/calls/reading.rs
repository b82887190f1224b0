//! Lists and filters.

use super::{CALLS, Center, queue, report};
use crate::harness::macros::on_both;
use crate::harness::{Client, Server, json};
use std::time::Duration;

async fn ids(client: &Client, query: &str) -> Vec<String> {
    let answer = client.get(&format!("{CALLS}?{query}")).await.expect(200);
    assert!(answer.body["meta"]["seq"].is_number(), "{}", answer.text);
    answer.data().as_array().unwrap().iter().map(|call| call["id"].as_str().unwrap().to_owned()).collect()
}

on_both! {
    async fn calls_are_found_by_what_is_asked_for(server, JWT_ACCESS_TTL = "5h") {
        let center = Center::open(&server).await;
        let other = queue(&center.admin, "Other", 0, &[]).await;
        center.with_kim("c1").await;
        center.report("c1", "end", json!({})).await.expect(200);
        server.advance(Duration::from_secs(3600)).await;
        center.caller("c2").await;
        let between = center.call("c2").await["started_at"].as_str().unwrap().to_owned();
        center.of(&center.lee_id, "c2", "ring").await.expect(200);
        server.advance(Duration::from_secs(10)).await;
        let body = json!({ "id": "c3", "direction": "inbound", "queue_id": other, "from": { "number": "1" }, "to": { "number": "2" } });
        center.pbx.post(CALLS, body).await.expect(201);
        let (kim, lee) = (&center.kim_id, &center.lee_id);

        assert_eq!(ids(&center.pbx, "").await, ["c3", "c2", "c1"]);
        assert_eq!(ids(&center.pbx, "active=true").await, ["c3", "c2"]);
        assert_eq!(ids(&center.pbx, "active=false").await, ["c1"]);
        assert_eq!(ids(&center.pbx, &format!("user_id={kim}")).await, ["c1"]);
        assert_eq!(ids(&center.pbx, &format!("user_id={lee}&active=true")).await, ["c2"]);
        assert_eq!(ids(&center.pbx, &format!("user_id={kim}&active=true")).await, [""; 0]);
        assert_eq!(ids(&center.pbx, &format!("queue_id={other}")).await, ["c3"]);
        assert_eq!(ids(&center.pbx, &format!("from={between}")).await, ["c3", "c2"]);
        assert_eq!(ids(&center.pbx, &format!("to={between}")).await, ["c1"]);
        assert_eq!(ids(&center.kim, "").await, ["c1"], "agents find their own");
        center.kim.get(&format!("{CALLS}?user_id={lee}")).await.assert_error(403);

        let first = center.pbx.get(&format!("{CALLS}?limit=2")).await.expect(200);
        let cursor = first.body["meta"]["next_cursor"].as_str().unwrap().to_owned();
        assert_eq!(ids(&center.pbx, &format!("limit=2&cursor={cursor}")).await, ["c1"]);

        // Who was only offered a call keeps no number of it.
        center.report("c2", "miss", json!({ "user_id": lee, "outcome": "no_answer" })).await.expect(200);
        let seen = center.lee.get(&format!("{CALLS}/c2")).await.expect(200);
        assert_eq!(seen.data()["from"], json!({ "number": "+********20", "name": "***" }));
        let (reader, _) = server.program(&center.admin, &["calls:read"]).await;
        assert_eq!(reader.get(&format!("{CALLS}/c2")).await.expect(200).data()["from"]["name"], "Anna");
        report(&reader, "c2", "end", json!({})).await.assert_error(403);
    }

    async fn an_agents_calls_are_found_by_the_queue_that_they_are_in_now(server) {
        let center = Center::open(&server).await;
        let other = queue(&center.admin, "Other", 0, &[&center.lee_id]).await;
        for id in ["c1", "c2"] {
            center.with_kim(id).await;
            center.report(id, "end", json!({})).await.expect(200);
            center.kim.post_empty("/api/v1/agent-state/me/wrap-up/end").await.expect(200);
        }
        center.with_kim("c3").await;
        let kims = |queue: &str, more: &str| format!("user_id={}&queue_id={queue}{more}", center.kim_id);
        assert_eq!(ids(&center.pbx, &kims(&center.queue, "")).await, ["c3", "c2", "c1"]);
        let to_lee = json!({ "kind": "blind", "to": { "user_id": center.lee_id } });
        report(&center.kim, "c3", "transfer", to_lee).await.expect(200);
        center.of(&center.lee_id, "c3", "answer").await.expect(200);
        let on = json!({ "kind": "blind", "to": { "queue_id": other } });
        report(&center.lee, "c3", "transfer", on).await.expect(200);
        assert_eq!(ids(&center.pbx, &kims(&other, "")).await, ["c3"], "long after the agent's part");
        assert_eq!(ids(&center.pbx, &kims(&center.queue, "")).await, ["c2", "c1"]);
        assert_eq!(ids(&center.pbx, &kims(&other, "&active=false")).await, [""; 0]);
        center.of(&center.lee_id, "c3", "answer").await.expect(200);
        center.report("c3", "end", json!({})).await.expect(200);
        assert_eq!(ids(&center.pbx, &kims(&other, "&active=false")).await, ["c3"]);
        let lees = format!("user_id={}&queue_id=", center.lee_id);
        assert_eq!(ids(&center.pbx, &format!("{lees}{other}")).await, ["c3"]);
        assert_eq!(ids(&center.pbx, &format!("{lees}{}", center.queue)).await, [""; 0]);
    }
}
