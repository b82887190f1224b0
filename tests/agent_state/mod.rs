//! `/api/v1/agent-state/…`

mod connections;
mod duty;
mod history;
mod shortcuts;
mod stats;
mod supervising;
mod work;

use crate::harness::macros::on_both;
use crate::harness::paging::{each, one_by_one};
use crate::harness::sink::Sink;
use crate::harness::ws::Ws;
use crate::harness::{Answer, Client, Server, Value, json};

const ME: &str = "/api/v1/agent-state/me";

async fn choose(client: &Client, state: &str) -> Answer {
    client.post(ME, json!({ "state": state })).await
}

on_both! {
    async fn an_agent_begins_off_duty_and_comes_on(server) {
        let admin = server.admin().await;
        let before = admin.get(ME).await.expect(200);
        assert_eq!(before.data()["state"], "offline");
        assert_eq!(before.data()["routable"], false);

        let answer = choose(&admin, "available").await.expect(200);
        let data = answer.data();
        assert_eq!(data["user_id"], "user-456");
        assert_eq!(data["tenant_id"], "tenant-123");
        assert_eq!(data["state"], "available");
        assert_eq!(data["previous_state"], "offline");
        assert_eq!(data["presence"], "available");
        assert_eq!(data["routable"], true);
        assert_eq!(data["changed"], true);
        assert!(answer.text_of("since").ends_with('Z'), "{}", answer.text);
        assert!(data["version"].as_i64() > before.data()["version"].as_i64(), "{}", answer.text);

        let after = admin.get(ME).await.expect(200);
        assert_eq!(after.data()["state"], "available");
        assert_eq!(after.data()["version"], data["version"]);
    }

    async fn the_same_state_and_reason_again_change_nothing_and_send_nothing(server) {
        let admin = server.admin().await;
        let (mut ws, _) = Ws::connect(&server, &admin).await;
        let lunch = json!({ "state": "break", "reason": "lunch" });
        let first = admin.post(ME, lunch.clone()).await.expect(200);
        let second = admin.post(ME, lunch).await.expect(200);
        assert_eq!(second.data()["changed"], false);
        assert_eq!(second.data()["version"], first.data()["version"]);
        assert_eq!(second.data()["since"], first.data()["since"]);

        choose(&admin, "available").await.expect(200);
        assert_eq!(ws.wait_for("agent.state.changed").await["payload"]["state"], "break");
        assert_eq!(ws.wait_for("agent.state.changed").await["payload"]["state"], "available");
    }

    async fn another_reason_is_a_change_of_its_own(server) {
        let admin = server.admin().await;
        admin.post(ME, json!({ "state": "break", "reason": "lunch" })).await.expect(200);
        let (mut ws, _) = Ws::connect(&server, &admin).await;
        let answer = admin.post(ME, json!({ "state": "break", "reason": "training" })).await.expect(200);
        assert_eq!(answer.data()["changed"], true);
        assert_eq!(answer.data()["reason"], "training");
        let event = ws.wait_for("agent.state.changed").await["payload"].clone();
        assert_eq!((&event["state"], &event["previous_state"]), (&json!("break"), &json!("break")));
        assert_eq!(event["reason"], "training");
    }

    async fn duty_begins_before_the_change_and_ends_after_it(server) {
        let admin = server.admin().await;
        let (mut ws, _) = Ws::connect(&server, &admin).await;
        choose(&admin, "available").await.expect(200);
        choose(&admin, "away").await.expect(200);
        choose(&admin, "offline").await.expect(200);
        let mut seen = Vec::new();
        while seen.last().is_none_or(|kind| kind != "agent.logout") {
            seen.push(ws.next_event().await["type"].as_str().unwrap().to_owned());
        }
        let changed = "agent.state.changed";
        assert_eq!(seen, ["agent.login", changed, changed, changed, "agent.logout"]);
    }

    async fn states_that_come_from_work_or_nowhere_cannot_be_chosen(server) {
        let admin = server.admin().await;
        choose(&admin, "away").await.expect(200);
        for unknown in ["on_call", "ringing", "wrap_up", "Available", "", "lunch", " available"] {
            let answer = choose(&admin, unknown).await;
            answer.assert_error(422).names("state");
            for known in ["available", "busy", "away", "break", "offline"] {
                assert!(answer.text.contains(known), "names the known ones: {}", answer.text);
            }
        }
        let long = json!({ "state": "break", "reason": "x".repeat(5000) });
        admin.post(ME, long).await.assert_error(422).names("reason");
        assert_eq!(admin.get(ME).await.data()["state"], "away");
    }

    async fn a_stale_version_loses(server) {
        let admin = server.admin().await;
        let version = choose(&admin, "available").await.expect(200).data()["version"].clone();
        let newer = admin.post(ME, json!({ "state": "busy", "if_version": version })).await.expect(200);
        let stale = admin.post(ME, json!({ "state": "away", "if_version": version })).await;
        stale.assert_error(409);
        let after = admin.get(ME).await.expect(200);
        assert_eq!(after.data()["state"], "busy");
        assert_eq!(after.data()["version"], newer.data()["version"]);
    }

    async fn colleagues_are_listed_and_found(server) {
        let admin = server.admin().await;
        let (kim, id) = server.user("kim@example.com", "agent").await;
        choose(&kim, "busy").await.expect(200);
        choose(&admin, "available").await.expect(200);

        let all = kim.get("/api/v1/agent-state").await.expect(200);
        assert_eq!(all.data().as_array().unwrap().len(), 2, "{}", all.text);
        assert!(all.body["meta"]["seq"].is_number(), "the log position it is true for: {}", all.text);
        let busy = admin.get("/api/v1/agent-state?state=busy").await.expect(200);
        let ids: Vec<&Value> = busy.data().as_array().unwrap().iter().map(|agent| &agent["user_id"]).collect();
        assert_eq!(ids, [&json!(id)]);
        admin.get("/api/v1/agent-state?state=nonsense").await.assert_error(400);
        let one = admin.get(&format!("/api/v1/agent-state/{id}")).await.expect(200);
        assert_eq!(one.data()["state"], "busy");
    }

    async fn a_page_at_a_time_shows_each_colleague_once(server) {
        let admin = server.admin().await;
        let (mut all, mut busy) = (vec!["user-456".to_owned()], Vec::new());
        for number in 0..6 {
            let (agent, id) = server.user(&format!("agent{number}@example.com"), "agent").await;
            all.push(id.clone());
            if number % 2 == 0 {
                choose(&agent, "busy").await.expect(200);
                busy.push(id);
            }
        }
        for (query, mut expected) in [("", all), ("?state=busy", busy)] {
            expected.sort();
            let list = format!("/api/v1/agent-state{query}");
            let found = one_by_one(&admin, &list).await;
            assert_eq!(each(&found, "user_id"), expected, "{query}");
            assert_eq!(json!(found), *admin.get(&list).await.expect(200).data(), "{query}");
        }
    }

    async fn another_tenants_agents_do_not_exist(server) {
        choose(&server.admin().await, "available").await.expect(200);
        let other = server.other_tenant("other").await;
        other.get("/api/v1/agent-state/user-456").await.assert_error(404);
        other.get("/api/v1/agent-state/user-456/history").await.assert_error(404);
        other.get("/api/v1/agent-state/nobody").await.assert_error(404);
        let all = other.get("/api/v1/agent-state").await.expect(200);
        assert!(!all.text.contains("user-456"), "{}", all.text);
    }

    async fn the_history_tells_what_was(server) {
        let admin = server.admin().await;
        for state in ["available", "away", "available", "offline"] {
            choose(&admin, state).await.expect(200);
        }
        let history = admin.get("/api/v1/agent-state/user-456/history").await.expect(200);
        let mut states: Vec<&str> =
            history.data().as_array().unwrap().iter().map(|entry| entry["state"].as_str().unwrap()).collect();
        states.reverse();
        assert_eq!(states, ["available", "away", "available", "offline"], "newest first: {}", history.text);
    }

    async fn changes_at_the_same_time_each_get_a_version_and_a_number_of_their_own(server) {
        let sink = Sink::start().await;
        let admin = server.admin().await;
        let hook = json!({ "url": sink.url(), "events": ["agent.state.changed"] });
        admin.post("/api/v1/webhooks", hook).await.expect(201);
        choose(&admin, "available").await.expect(200);
        let change = async |start: usize| {
            let mut acknowledged = 0;
            for number in 0..10 {
                let reason = format!("{start}-{number}");
                let answer = admin.post(ME, json!({ "state": "busy", "reason": reason })).await.expect(200);
                acknowledged += usize::from(answer.data()["changed"] == true);
            }
            acknowledged
        };
        let (a, b, c, d) = tokio::join!(change(1), change(2), change(3), change(4));
        assert_eq!(a + b + c + d, 40);

        let received = sink.wait_for(41).await;
        let sorted = |field: &dyn Fn(&Value) -> i64| {
            let mut all: Vec<i64> = received.iter().map(|request| field(&request.json())).collect();
            all.sort_unstable();
            all
        };
        let versions = sorted(&|body| body["data"]["version"].as_i64().unwrap());
        assert!(versions.windows(2).all(|pair| pair[1] == pair[0] + 1), "{versions:?}");
        let numbers = sorted(&|body| body["seq"].as_i64().unwrap());
        assert!(numbers.windows(2).all(|pair| pair[1] == pair[0] + 1), "{numbers:?}");
    }

    async fn what_tenants_change_at_the_same_time_stays_apart_and_refusals_disturb_nobody(server) {
        let (kim, lee) = (server.admin().await, server.user("lee@example.com", "agent").await.0);
        let other = server.other_tenant("other").await;
        let change = async |agent: &Client| {
            for state in ["available", "break", "away"].iter().cycle().take(12) {
                let changed = choose(agent, state).await.expect(200);
                assert_eq!((&changed.data()["changed"], &changed.data()["state"]), (&json!(true), &json!(state)));
                let stale = json!({ "state": "busy", "if_version": 0 });
                assert_eq!(agent.post(ME, stale).await.expect(409).body["error"]["code"], "stale_version");
            }
        };
        tokio::join!(change(&kim), change(&lee), change(&other));
        for (reader, agents) in [(&kim, 2), (&other, 1)] {
            let log = reader.get("/api/v1/events?limit=200").await.expect(200);
            let events = log.data().as_array().unwrap();
            let seqs = events.iter().map(|event| event["seq"].as_u64().unwrap());
            assert!(seqs.eq(1..=u64::try_from(events.len()).unwrap()), "{}", log.text);
            let mut last = std::collections::BTreeMap::new();
            for event in events.iter().filter(|event| event["type"] == "agent.state.changed") {
                let payload = &event["payload"];
                let before = last.entry(payload["user_id"].to_string()).or_insert((json!("offline"), 0));
                assert_eq!((&payload["previous_state"], &payload["version"]), (&before.0, &json!(before.1 + 1)));
                *before = (payload["state"].clone(), before.1 + 1);
            }
            assert_eq!(last.len(), agents);
            assert!(last.values().all(|(state, version)| *state == "away" && *version == 12), "{last:?}");
        }
    }
}
