//! Pausing members in one queue.

use super::{fields, join, kinds, mark, member, path, queue, until_mark};
use crate::harness::macros::on_both;
use crate::harness::ws::Ws;
use crate::harness::{Server, Value, json};
use std::time::Duration;

on_both! {
    async fn a_pause_is_of_one_queue_and_leaves_the_agents_state(server) {
        let admin = server.admin().await;
        let (kim, kim_id) = server.user("kim@example.com", "agent").await;
        let (lee, lee_id) = server.user("lee@example.com", "agent").await;
        let id = queue(&admin, "Sales").await;
        for user in [&kim_id, &lee_id] {
            join(&admin, &id, user).await;
        }
        kim.post("/api/v1/agent-state/me", json!({ "state": "available" })).await.expect(200);
        let own = member(&id, &kim_id);
        let (mut of_kim, _) = Ws::connect(&server, &kim).await;
        let (mut of_lee, _) = Ws::connect(&server, &lee).await;

        let paused = kim.post(&format!("{own}/pause"), json!({ "reason": "training" })).await.expect(200);
        assert_eq!((&paused.data()["paused"], &paused.data()["pause_reason"]), (&json!(true), &json!("training")));
        kim.post(&format!("{own}/pause"), json!({ "reason": "training" })).await.expect(200);
        let state = kim.get("/api/v1/agent-state/me").await.expect(200);
        assert_eq!((&state.data()["state"], &state.data()["routable"]), (&json!("available"), &json!(true)));
        let stats = kim.get(&format!("{}/stats", path(&id))).await.expect(200);
        let agents = json!({ "available": 0, "ringing": 0, "on_call": 0, "wrap_up": 0, "paused": 1, "offline": 1 });
        assert_eq!(stats.data()["agents"], agents);

        server.advance(Duration::from_secs(90)).await;
        admin.post(&format!("{own}/pause"), json!({ "reason": "meeting" })).await.expect(200);
        let unpaused = admin.post_empty(&format!("{own}/unpause")).await.expect(200);
        assert_eq!((&unpaused.data()["paused"], &unpaused.data()["paused_at"]), (&json!(false), &Value::Null));
        admin.post_empty(&format!("{own}/unpause")).await.expect(200);
        mark(&admin).await;

        let seen = until_mark(&mut of_kim).await;
        assert_eq!(kinds(&seen), ["queue.member.paused", "queue.member.paused", "queue.member.unpaused"]);
        let said = |field: &str| seen.iter().map(|event| event["payload"][field].clone()).collect::<Vec<_>>();
        assert_eq!(said("reason"), [json!("training"), json!("meeting"), json!("meeting")]);
        assert_eq!(said("source"), [json!("self"), json!("supervisor"), json!("supervisor")]);
        assert_eq!(said("by"), [json!(kim_id), json!("user-456"), json!("user-456")]);
        assert!(seen[2]["payload"]["paused_seconds"].as_f64() >= Some(90.0), "of the whole pause: {}", seen[2]);
        let seen = until_mark(&mut of_lee).await;
        assert_eq!(kinds(&seen), ["queue.member.paused", "queue.member.paused", "queue.member.unpaused"]);
        for event in &seen {
            assert!(!fields(event).contains(&"reason"), "a colleague's reasons are nobody's business: {event}");
        }
    }

    async fn agents_pause_only_themselves(server) {
        let admin = server.admin().await;
        let (kim, kim_id) = server.user("kim@example.com", "agent").await;
        let (lee, lee_id) = server.user("lee@example.com", "agent").await;
        let (sam, _) = server.user("sam@example.com", "supervisor").await;
        let (writer, _) = server.program(&admin, &["queues:write"]).await;
        let id = queue(&admin, "Sales").await;
        for user in [&kim_id, &lee_id] {
            join(&admin, &id, user).await;
        }
        let other = member(&id, &lee_id);
        for what in ["pause", "unpause"] {
            kim.post_empty(&format!("{other}/{what}")).await.assert_error(403);
        }
        let (mut ws, _) = Ws::connect(&server, &sam).await;
        for (client, source) in [(&sam, "supervisor"), (&writer, "telephony"), (&lee, "self")] {
            client.post(&format!("{other}/pause"), json!({ "reason": "lunch" })).await.expect(200);
            let paused = ws.wait_for("queue.member.paused").await;
            assert_eq!(paused["payload"]["source"], source);
            client.post_empty(&format!("{other}/unpause")).await.expect(200);
        }
        sam.post(&format!("{other}/pause"), json!({ "reason": "lunch" })).await.expect(200);
        let members = |answer: crate::harness::Answer| answer.data().as_array().unwrap().clone();
        let seen = members(kim.get(&format!("{}/members", path(&id))).await.expect(200));
        let of_lee = seen.iter().find(|one| one["user_id"] == json!(lee_id)).expect("a member");
        assert_eq!((&of_lee["paused"], &of_lee["pause_reason"]), (&json!(true), &Value::Null));
        let seen = members(lee.get(&format!("{}/members", path(&id))).await.expect(200));
        assert!(seen.iter().any(|one| one["pause_reason"] == "lunch"), "{seen:?}");
        for reason in [json!(""), json!("x".repeat(101)), json!("a\nb"), json!(7)] {
            sam.post(&format!("{other}/pause"), json!({ "reason": reason })).await.assert_error(422).names("reason");
        }
        sam.post(&format!("{other}/pause"), json!({ "why": "x" })).await.assert_error(422).names("why");
    }
}
