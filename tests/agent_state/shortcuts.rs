//! `POST /api/v1/agent-state/me/…`

use super::{ME, choose};
use crate::calls::Center;
use crate::harness::Server;
use crate::harness::json;
use crate::harness::macros::on_both;

on_both! {
    async fn a_shortcut_is_the_choice_that_it_is_named_after(server) {
        let (kim, _) = server.user("kim@example.com", "agent").await;
        for (path, body, state) in [
            ("available", None, "available"),
            ("away", Some(json!({})), "away"),
            ("break", Some(json!({ "reason": "lunch" })), "break"),
        ] {
            let path = format!("{ME}/{path}");
            let answer = match body.clone() {
                Some(body) => kim.post(&path, body).await,
                None => kim.post_empty(&path).await,
            };
            let answer = answer.expect(200);
            let data = answer.data();
            assert_eq!((&data["state"], &data["changed"]), (&json!(state), &json!(true)));
            assert_eq!(data["reason"], body.unwrap_or_default()["reason"]);
            assert!(data["duty_since"].is_string() && data["pending"].is_null(), "{}", answer.text);
        }
        let again = kim.post(&format!("{ME}/break"), json!({ "reason": "lunch" })).await.expect(200);
        assert_eq!(again.data()["changed"], false);
        let back = kim.post_empty(&format!("{ME}/break/end")).await.expect(200);
        assert_eq!((&back.data()["state"], &back.data()["reason"]), (&json!("available"), &json!(null)));
    }

    async fn what_a_shortcut_cannot_do_changes_nothing(server) {
        let (kim, _) = server.user("kim@example.com", "agent").await;
        for state in ["offline", "available", "away"] {
            choose(&kim, state).await.expect(200);
            let before = kim.get(ME).await.expect(200).body;
            for path in ["break/end", "wrap-up/end"] {
                kim.post_empty(&format!("{ME}/{path}")).await.assert_error(409).names("state");
            }
            let extend = format!("{ME}/wrap-up/extend");
            let refused = kim.post(&extend, json!({ "seconds": 60 })).await;
            assert_eq!(refused.assert_error(409).body["error"]["details"][0]["message"], state);
            for seconds in [json!(0), json!(-5), json!(7201), json!(1e300), json!(1.5), json!("60"), json!(null)] {
                kim.post(&extend, json!({ "seconds": seconds })).await.assert_error(422).names("seconds");
            }
            kim.post(&extend, json!({})).await.assert_error(422).names("seconds");
            for (path, body, field) in [
                ("break", json!({ "reason": "x".repeat(101) }), "reason"),
                ("break", json!({ "reason": "" }), "reason"),
                ("away", json!({ "reason": 7 }), "reason"),
                ("available", json!({ "state": "busy" }), "state"),
            ] {
                kim.post(&format!("{ME}/{path}"), body).await.assert_error(422).names(field);
            }
            kim.post(ME, json!({ "state": "offline", "force": true })).await.assert_error(422).names("force");
            assert_eq!(kim.get(ME).await.expect(200).body, before);
        }
    }

    async fn during_work_there_is_nothing_to_end_but_a_wrap_up(server) {
        let center = Center::open(&server).await;
        center.caller("c1").await;
        for (state, what) in [("ringing", "ring"), ("on_call", "answer")] {
            center.of(&center.kim_id, "c1", what).await.expect(200);
            let head = center.head().await;
            for path in ["break/end", "wrap-up/end"] {
                let refused = center.kim.post_empty(&format!("{ME}/{path}")).await;
                assert_eq!(refused.assert_error(409).body["error"]["details"][0]["message"], state, "{path}");
            }
            let refused = center.kim.post(&format!("{ME}/wrap-up/extend"), json!({ "seconds": 5 })).await;
            assert_eq!(refused.assert_error(409).body["error"]["details"][0]["message"], state);
            assert_eq!(center.head().await, head);
        }
        center.report("c1", "end", json!({})).await.expect(200);
        let refused = center.kim.post_empty(&format!("{ME}/break/end")).await;
        assert_eq!(refused.assert_error(409).body["error"]["details"][0]["message"], "wrap_up");
    }

    async fn an_api_key_has_no_state_of_its_own(server) {
        let (program, _) = server.program(&server.admin().await, &["agents:read", "agents:write"]).await;
        for path in ["", "/available", "/away", "/break", "/break/end", "/wrap-up/end", "/wrap-up/extend"] {
            program.post(&format!("{ME}{path}"), json!({ "state": "away" })).await.assert_error(403);
        }
        program.get(ME).await.assert_error(403);
    }
}
