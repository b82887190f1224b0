//! `GET /api/v1/wallboard`

use super::{Center, events};
use crate::harness::macros::on_both;
use crate::harness::{Server, Value, json};

const WALLBOARD: &str = "/api/v1/wallboard";

/// The same, whenever it was asked for: of what is counted until then only that it is a number.
fn timeless(value: &Value) -> Value {
    match value {
        Value::Array(entries) => entries.iter().map(timeless).collect(),
        Value::Object(fields) => {
            let still = |(name, value): (&String, &Value)| match value {
                Value::Number(_) if name.ends_with("_seconds") => (name.clone(), json!("a number")),
                value => (name.clone(), timeless(value)),
            };
            Value::Object(fields.iter().map(still).collect())
        }
        value => value.clone(),
    }
}

on_both! {
    async fn each_call_and_each_queue_is_what_its_list_shows(server) {
        let center = Center::open(&server).await;
        let support = json!({
            "name": "Support", "channel": "voice", "external_name": "8001", "short_abandon_seconds": 7, "wrap_up_seconds": 9,
        });
        center.admin.post("/api/v1/queues", support).await.expect(201);
        center.with_kim("c1").await;
        center.of(&center.kim_id, "c1", "hold").await.expect(200);
        let noted = json!({ "disposition": "sold", "tags": ["a"], "attributes": { "order": "17" } });
        center.kim.patch("/api/v1/calls/c1", noted).await.expect(200);
        center.caller("c2").await;
        center.of(&center.lee_id, "c2", "ring").await.expect(200);
        let shown = center.admin.get(WALLBOARD).await.expect(200).data().clone();
        let calls = center.admin.get("/api/v1/calls?active=true").await.expect(200);
        assert_eq!(timeless(&shown["calls"]), timeless(calls.data()));
        assert_eq!(calls.data().as_array().map(Vec::len), Some(2));

        let queues = center.admin.get("/api/v1/queues").await.expect(200);
        let mut bare = shown["queues"].clone();
        for queue in bare.as_array_mut().expect("a list") {
            let mut told = queue.as_object_mut().and_then(|queue| queue.remove("stats")).expect("numbers");
            let path = format!("/api/v1/queues/{}/stats", queue["id"].as_str().expect("an id"));
            let mut asked = center.admin.get(&path).await.expect(200).data().clone();
            for stats in [&mut told, &mut asked] {
                assert!(stats.as_object_mut().and_then(|stats| stats.remove("at")).is_some(), "{stats}");
            }
            assert_eq!(timeless(&told), timeless(&asked));
        }
        assert_eq!(&bare, queues.data());
        assert_eq!(queues.data().as_array().map(Vec::len), Some(2));
    }

    async fn everything_is_shown_as_in_its_list_at_one_position_of_the_log(server) {
        let center = Center::open(&server).await;
        center.with_kim("c1").await;
        center.caller("c2").await;
        center.caller("c3").await;
        center.report("c3", "end", json!({})).await.expect(200);
        let shown = center.admin.get(WALLBOARD).await.expect(200);
        let data = shown.data();
        assert_eq!(data["agents"], *center.admin.get("/api/v1/agent-state").await.expect(200).data());
        let calls: Vec<_> = data["calls"].as_array().unwrap().iter().map(|call| &call["id"]).collect();
        assert_eq!(calls, ["c2", "c1"]);
        let queue = &data["queues"][0];
        assert_eq!((&queue["id"], &queue["name"]), (&json!(center.queue), &json!("Sales")));
        assert_eq!((&queue["stats"]["waiting"], &queue["stats"]["agents"]["on_call"]), (&json!(1), &json!(1)));
        assert_eq!(data["chats"], json!([]));
        assert_eq!(shown.body["meta"]["truncated"], false);
        let seq = shown.body["meta"]["seq"].as_i64().unwrap();
        assert_eq!(seq, center.head().await);
        assert_eq!(events(&center.admin, seq).await, [json!(null); 0]);

        center.kim.get(WALLBOARD).await.assert_error(403);
        let (some, _) = server.program(&center.admin, &["agents:read"]).await;
        some.get(WALLBOARD).await.assert_error(403);
        let (all, _) = server.program(&center.admin, &["agents:read", "queues:read", "calls:read"]).await;
        assert_eq!(all.get(WALLBOARD).await.expect(200).data()["queues"][0]["id"], json!(center.queue));
        let stranger = server.other_tenant("other").await.get(WALLBOARD).await.expect(200);
        assert_eq!((&stranger.data()["queues"], &stranger.data()["calls"]), (&json!([]), &json!([])));
    }
}
