//! `GET /api/v1/agent-state/{user_id}/history`

use super::{ME, choose};
use crate::calls::Center;
use crate::harness::macros::on_both;
use crate::harness::{Answer, Server, Value, json};
use std::time::Duration;

fn states(answer: &Answer) -> Vec<&str> {
    answer.data().as_array().unwrap().iter().map(|entry| entry["state"].as_str().unwrap()).collect()
}

on_both! {
    async fn the_changes_of_an_interval_tell_all_of_it(server) {
        let admin = server.admin().await;
        for state in ["available", "break", "available", "offline"] {
            choose(&admin, state).await.expect(200);
            server.advance(Duration::from_secs(60)).await;
        }
        let path = "/api/v1/agent-state/user-456/history";
        let all = admin.get(path).await.expect(200);
        assert_eq!(states(&all), ["offline", "available", "break", "available"]);
        let moment = |entry: usize| all.data()[entry]["changed_at"].as_str().unwrap().to_owned();
        let within = async |query: String| admin.get(&format!("{path}?{query}")).await.expect(200);
        let (first, second, last) = (moment(3), moment(2), moment(0));
        let middle = within(format!("from={second}&to={last}")).await;
        assert_eq!(states(&middle), ["available", "break"], "from counts, to does not");
        let lasted = middle.data()[0]["previous_state_seconds"].as_f64().unwrap();
        assert!(lasted >= 60.0 && middle.data()[0]["previous_state"] == "break", "{}", middle.text);
        assert_eq!((&middle.data()[0]["presence"], &middle.data()[0]["call_id"]), (&json!("available"), &json!(null)));
        assert_eq!(states(&within(format!("to={second}&limit=1")).await), ["available"], "what held before");
        assert!(states(&within(format!("to={first}")).await).is_empty());
        assert!(states(&within("from=2100-01-01T00:00:00Z".into()).await).is_empty());
        let page = within(format!("from={second}&limit=2")).await;
        assert_eq!(states(&page), ["offline", "available"]);
        let cursor = page.body["meta"]["next_cursor"].as_str().unwrap();
        let rest = within(format!("from={second}&limit=2&cursor={cursor}")).await;
        assert_eq!((states(&rest), &rest.body["meta"]["next_cursor"]), (vec!["break"], &json!(null)));
        for bad in ["from=yesterday", "to=12", "limit=0", "cursor=!", "from="] {
            admin.get(&format!("{path}?{bad}")).await.assert_error(400);
        }
    }

    async fn what_a_deleted_agent_did_stays_known(server) {
        let admin = server.admin().await;
        let (kim, kim_id) = server.user("kim@example.com", "agent").await;
        choose(&kim, "busy").await.expect(200);
        admin.delete(&format!("/api/v1/users/{kim_id}")).await.succeeded();
        let history = admin.get(&format!("/api/v1/agent-state/{kim_id}/history")).await.expect(200);
        assert_eq!(states(&history), ["offline", "busy"]);
        let stranger = server.other_tenant("other").await;
        stranger.get(&format!("/api/v1/agent-state/{kim_id}/history")).await.assert_error(404);
        let (idle, idle_id) = server.user("lee@example.com", "agent").await;
        idle.get(&format!("/api/v1/agent-state/{idle_id}/history")).await.expect(200);
        admin.get("/api/v1/agent-state/nobody/history").await.assert_error(404);
    }

    async fn agents_see_their_own_history_only_and_programs_with_the_scope_all(server) {
        let admin = server.admin().await;
        let (kim, kim_id) = server.user("kim@example.com", "agent").await;
        let (lee, _) = server.user("lee@example.com", "supervisor").await;
        choose(&kim, "busy").await.expect(200);
        let (path, boss) =
            (format!("/api/v1/agent-state/{kim_id}/history"), "/api/v1/agent-state/user-456/history");
        for client in [&kim, &lee, &admin, &server.program(&admin, &["agents:read"]).await.0] {
            assert_eq!(states(&client.get(&path).await.expect(200)), ["busy"]);
        }
        kim.get(boss).await.assert_error(403);
        server.program(&admin, &["agents:write"]).await.0.get(&path).await.assert_error(403);
    }

    async fn each_change_tells_why_it_was_and_who_or_what_caused_it(server) {
        let center = Center::open(&server).await;
        let (sam, sam_id) = server.user("sam@example.com", "supervisor").await;
        let (program, key) = server.program(&center.admin, &["agents:write"]).await;
        let (kim, kim_id) = (&center.kim, center.kim_id.as_str());
        let one = format!("/api/v1/agent-state/{kim_id}");
        kim.post(ME, json!({ "state": "break", "reason": "lunch" })).await.expect(200);
        sam.put(&one, json!({ "state": "busy", "reason": "meeting" })).await.expect(200);
        program.put(&one, json!({ "state": "away", "reason": "planned" })).await.expect(200);
        choose(kim, "available").await.expect(200);
        center.caller("c1").await;
        center.of(kim_id, "c1", "ring").await.expect(200);
        center.report("c1", "miss", json!({ "user_id": kim_id, "outcome": "no_answer" })).await.expect(200);
        sam.put(&one, json!({ "state": "offline" })).await.expect(200);

        let history = center.admin.get(&format!("{one}/history")).await.expect(200);
        let told = |entry: &Value| json!([entry["state"], entry["reason"], entry["source"], entry["changed_by"], entry["call_id"]]);
        let mut told: Vec<Value> = history.data().as_array().unwrap().iter().map(told).collect();
        told.reverse();
        assert_eq!(told, [
            json!(["available", null, "self", kim_id, null]),
            json!(["break", "lunch", "self", kim_id, null]),
            json!(["busy", "meeting", "supervisor", sam_id, null]),
            json!(["away", "planned", "supervisor", key, null]),
            json!(["available", null, "self", kim_id, null]),
            json!(["ringing", null, "telephony", null, "c1"]),
            json!(["away", "missed_call", "system", null, null]),
            json!(["offline", null, "supervisor", sam_id, null]),
        ]);
    }
}
