//! `GET /api/v1/wallboard`

use super::{Center, events};
use crate::harness::macros::on_both;
use crate::harness::{Server, json};

const WALLBOARD: &str = "/api/v1/wallboard";

on_both! {
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
