//! What agents may choose during calls and wrap-up.

use super::ME;
use crate::calls::Center;
use crate::harness::macros::on_both;
use crate::harness::ws::Ws;
use crate::harness::{Server, json};
use std::time::Duration;

on_both! {
    async fn a_wrap_up_ends_by_itself_or_by_hand_and_can_be_extended(server) {
        let center = Center::open(&server).await;
        let kim = &center.kim;
        for (id, by_hand) in [("c1", true), ("c2", false)] {
            center.with_kim(id).await;
            center.report(id, "end", json!({})).await.expect(200);
            let before = kim.get(ME).await.expect(200);
            assert_eq!((&before.data()["state"], &before.data()["call_id"]), (&json!("wrap_up"), &json!(id)));
            let extend = format!("{ME}/wrap-up/extend");
            let longer = kim.post(&extend, json!({ "seconds": 60 })).await.expect(200);
            assert!(longer.text_of("until") > before.text_of("until"), "{}", longer.text);
            kim.post(&extend, json!({ "seconds": 211 })).await.assert_error(422).names("seconds");
            if by_hand {
                let done = kim.post_empty(&format!("{ME}/wrap-up/end")).await.expect(200);
                assert_eq!((&done.data()["state"], &done.data()["until"]), (&json!("available"), &json!(null)));
                kim.post_empty(&format!("{ME}/wrap-up/end")).await.assert_error(409).names("state");
            } else {
                let (mut ws, _) = Ws::connect(&server, kim).await;
                server.advance(Duration::from_secs(91)).await;
                let over = ws.wait_for("agent.state.changed").await["payload"].clone();
                assert_eq!((&over["state"], &over["source"]), (&json!("available"), &json!("system")));
            }
        }
        let history = kim.get(&format!("/api/v1/agent-state/{}/history", center.kim_id)).await.expect(200);
        let first = &history.data()[1];
        assert_eq!((&first["state"], &first["call_id"], &first["presence"]), (&json!("wrap_up"), &json!("c2"), &json!("available")));
    }

    async fn a_supervisor_extends_and_ends_an_agents_wrap_up(server) {
        let center = Center::open(&server).await;
        let (boss, boss_id) = server.user("boss@example.com", "supervisor").await;
        let path = format!("/api/v1/agent-state/{}/wrap-up", center.kim_id);
        boss.post_empty(&format!("{path}/end")).await.assert_error(409).names("state");
        center.with_kim("c1").await;
        center.report("c1", "end", json!({})).await.expect(200);
        let before = center.state_of(&center.kim_id).await;
        server.advance(Duration::from_secs(5)).await;
        let longer = boss.post(&format!("{path}/extend"), json!({ "seconds": 60 })).await.expect(200);
        assert!(longer.text_of("until") > before["until"].as_str().unwrap(), "{}", longer.text);
        let same = |field: &str| (longer.data()[field].clone(), before[field].clone());
        let (since, previous) = (same("since"), same("previous_state"));
        assert_eq!((&since.0, &previous.0), (&since.1, &previous.1), "the wrap-up goes on, and so does its time");
        for denied in ["end", "extend"] {
            center.lee.post(&format!("{path}/{denied}"), json!({ "seconds": 1 })).await.assert_error(403);
        }
        let done = boss.post_empty(&format!("{path}/end")).await.expect(200);
        assert_eq!(done.data()["state"], "available");
        let history = center.admin.get(&format!("/api/v1/agent-state/{}/history", center.kim_id)).await.expect(200);
        let told = |at: usize| history.data()[at].clone();
        assert_eq!((&told(0)["source"], &told(0)["changed_by"]), (&json!("supervisor"), &json!(boss_id)));
        // What the states lasted adds up: the extension has begun none.
        assert_eq!(told(1)["previous_state_seconds"], 0.0, "{}", history.text);
        boss.post_empty("/api/v1/agent-state/nobody/wrap-up/end").await.assert_error(404);
    }

    async fn policies_are_in_force_at_once(server) {
        let center = Center::open(&server).await;
        let kim = center.kim_id.as_str();
        let policies = json!({ "missed_offers_to_away": 2, "declined_offers_to_away": 1, "wrap_up_max_seconds": 40 });
        center.admin.patch("/api/v1/settings", policies).await.expect(200);
        center.with_kim("c1").await;
        center.report("c1", "end", json!({})).await.expect(200);
        let extend = format!("{ME}/wrap-up/extend");
        center.kim.post(&extend, json!({ "seconds": 11 })).await.assert_error(422).names("seconds");
        center.kim.post(&extend, json!({ "seconds": 10 })).await.expect(200);
        center.kim.post_empty(&format!("{ME}/wrap-up/end")).await.expect(200);
        center.caller("c2").await;
        for (outcome, state) in
            [("no_answer", "available"), ("caller_gone", "available"), ("unreachable", "away"), ("declined", "away")]
        {
            center.of(kim, "c2", "ring").await.expect(200);
            center.report("c2", "miss", json!({ "user_id": kim, "outcome": outcome })).await.expect(200);
            assert_eq!(center.state_of(kim).await["state"], state, "{outcome}");
            if outcome == "unreachable" {
                center.kim.post_empty(&format!("{ME}/available")).await.expect(200);
            }
        }
    }

    async fn a_choice_during_a_call_is_a_wish_that_force_alone_does_not_wait_for(server) {
        let center = Center::open(&server).await;
        let (kim, path) = (&center.kim, format!("/api/v1/agent-state/{}", center.kim_id));
        center.with_kim("c1").await;
        let wish = kim.post(&format!("{ME}/break"), json!({ "reason": "lunch" })).await.expect(200);
        assert_eq!((&wish.data()["state"], &wish.data()["presence"]), (&json!("on_call"), &json!("break")));
        let pending = &wish.data()["pending"];
        assert_eq!((&pending["state"], &pending["reason"]), (&json!("break"), &json!("lunch")));
        assert_eq!(pending["requested_by"], json!(center.kim_id));
        let withdrawn = kim.post_empty(&format!("{ME}/break/end")).await.expect(200);
        assert_eq!((&withdrawn.data()["state"], &withdrawn.data()["pending"]), (&json!("on_call"), &json!(null)));
        kim.post_empty(&format!("{ME}/break/end")).await.assert_error(409).names("state");

        let after = center.admin.put(&path, json!({ "state": "offline" })).await.expect(200);
        assert_eq!((&after.data()["state"], &after.data()["pending"]["state"]), (&json!("on_call"), &json!("offline")));
        assert_eq!(center.lee.get(&path).await.expect(200).data()["pending"], json!(null), "no colleague's business");
        let forced = center.admin.put(&path, json!({ "state": "offline", "force": true })).await.expect(200);
        assert_eq!((&forced.data()["state"], &forced.data()["duty_since"]), (&json!("offline"), &json!(null)));
        let call = center.admin.get("/api/v1/calls/c1").await.expect(200);
        assert_eq!(call.data()["state"], "active", "the call goes on");
        center.report("c1", "end", json!({})).await.expect(200);
        assert_eq!(kim.get(ME).await.expect(200).data()["state"], "offline");
    }
}
