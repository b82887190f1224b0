//! `PUT /api/v1/agent-state/{user_id}` and the list of the available.

use super::{ME, choose};
use crate::harness::macros::on_both;
use crate::harness::ws::Ws;
use crate::harness::{Answer, Client, Server, Value, json};

async fn put(client: &Client, user: &str, body: Value) -> Answer {
    client.put(&format!("/api/v1/agent-state/{user}"), body).await
}

on_both! {
    async fn supervisors_admins_and_programs_set_an_agents_state_and_are_named(server) {
        let admin = server.admin().await;
        let (lee, lee_id) = server.user("lee@example.com", "supervisor").await;
        let (kim, kim_id) = server.user("kim@example.com", "agent").await;
        let (program, key) = server.program(&admin, &["agents:write"]).await;
        let (mut ws, _) = Ws::connect(&server, &kim).await;
        for (client, by, state) in
            [(&lee, lee_id.as_str(), "busy"), (&admin, "user-456", "available"), (&program, key.as_str(), "break")]
        {
            let answer = put(client, &kim_id, json!({ "state": state, "reason": "training" })).await.expect(200);
            assert_eq!((&answer.data()["state"], &answer.data()["changed"]), (&json!(state), &json!(true)));
            let event = ws.wait_for("agent.state.changed").await["payload"].clone();
            assert_eq!((&event["state"], &event["source"]), (&json!(state), &json!("supervisor")));
            assert_eq!((&event["changed_by"], &event["reason"]), (&json!(by), &json!("training")));
        }
        let again = put(&lee, &kim_id, json!({ "state": "break", "reason": "training" })).await.expect(200);
        assert_eq!(again.data()["changed"], false);
        put(&lee, &kim_id, json!({ "state": "offline", "force": true })).await.expect(200);
        assert_eq!(ws.wait_for("agent.logout").await["payload"]["reason"], "supervisor");
    }

    async fn agents_and_programs_without_the_scope_may_not(server) {
        let (kim, _) = server.user("kim@example.com", "agent").await;
        let (reader, _) = server.program(&server.admin().await, &["agents:read", "queues:write"]).await;
        for client in [&kim, &reader] {
            put(client, "user-456", json!({ "state": "away" })).await.assert_error(403);
        }
        assert_eq!(server.admin().await.get(ME).await.data()["state"], "offline");
    }

    async fn nobody_else_declares_an_absent_agent_available(server) {
        let (lee, _) = server.user("lee@example.com", "supervisor").await;
        let (_, kim_id) = server.user("kim@example.com", "agent").await;
        let refused = put(&lee, &kim_id, json!({ "state": "available" })).await;
        assert_eq!(refused.assert_error(409).body["error"]["code"], "agent_absent");
        assert_eq!(refused.names("state").body["error"]["details"][0]["message"], "offline");
        put(&lee, &kim_id, json!({ "state": "away" })).await.expect(200);
        put(&lee, &kim_id, json!({ "state": "available" })).await.expect(200);
    }

    async fn bad_wishes_name_their_fields_and_change_nothing(server) {
        let (lee, lee_id) = server.user("lee@example.com", "supervisor").await;
        let (kim, kim_id) = server.user("kim@example.com", "agent").await;
        choose(&kim, "busy").await.expect(200);
        let before = kim.get(ME).await.expect(200).body;
        for (body, field) in [
            (json!({}), "state"),
            (json!({ "state": "on_call" }), "state"),
            (json!({ "state": 7 }), "state"),
            (json!({ "state": "away", "reason": "x".repeat(101) }), "reason"),
            (json!({ "state": "away", "force": true }), "force"),
            (json!({ "state": "offline", "force": "yes" }), "force"),
            (json!({ "state": "offline", "force": null }), "force"),
            (json!({ "state": "away", "if_version": "1" }), "if_version"),
            (json!({ "state": "away", "presence": "away" }), "presence"),
        ] {
            put(&lee, &kim_id, body).await.assert_error(422).names(field);
        }
        put(&lee, &kim_id, json!({ "state": "away", "if_version": 0 })).await.assert_error(409).names("version");
        assert_eq!(kim.get(ME).await.expect(200).body, before);
        put(&lee, &lee_id, json!({ "state": "offline", "force": true })).await.assert_error(422).names("force");
        let own = put(&lee, &lee_id, json!({ "state": "available", "force": false })).await.expect(200);
        assert_eq!(own.data()["state"], "available", "one's own availability is one's own to declare");
    }

    async fn only_the_tenants_own_active_users_have_a_state_to_set(server) {
        let admin = server.admin().await;
        let (kim, kim_id) = server.user("kim@example.com", "agent").await;
        choose(&kim, "available").await.expect(200);
        let stranger = server.other_tenant("other").await;
        for client in [&stranger, &server.program(&stranger, &["agents:write"]).await.0] {
            put(client, &kim_id, json!({ "state": "offline" })).await.assert_error(404);
        }
        put(&admin, "nobody", json!({ "state": "offline" })).await.assert_error(404);
        assert_eq!(kim.get(ME).await.data()["state"], "available");
        admin.patch(&format!("/api/v1/users/{kim_id}"), json!({ "is_active": false })).await.expect(200);
        put(&admin, &kim_id, json!({ "state": "away" })).await.assert_error(409).names("is_active");
        let now = admin.get(&format!("/api/v1/agent-state/{kim_id}")).await.expect(200);
        assert_eq!(now.data()["state"], "offline");
        let log = admin.get("/api/v1/events?types=agent.logout").await.expect(200);
        let logout = &log.data()[0]["payload"];
        assert_eq!((&logout["user_id"], &logout["reason"]), (&json!(kim_id), &json!("account_disabled")));
        admin.delete(&format!("/api/v1/users/{kim_id}")).await.expect(200);
        put(&admin, &kim_id, json!({ "state": "away" })).await.assert_error(404);
    }

    async fn another_role_keeps_the_state(server) {
        let (kim, kim_id) = server.user("kim@example.com", "agent").await;
        let before = choose(&kim, "busy").await.expect(200).data()["version"].clone();
        let path = format!("/api/v1/users/{kim_id}");
        server.admin().await.patch(&path, json!({ "role": "supervisor" })).await.expect(200);
        let after = kim.get(ME).await.expect(200);
        assert_eq!((&after.data()["state"], &after.data()["version"]), (&json!("busy"), &before));
    }

    async fn of_two_with_the_same_version_one_loses(server) {
        let (lee, _) = server.user("lee@example.com", "supervisor").await;
        let (kim, kim_id) = server.user("kim@example.com", "agent").await;
        for round in 0..5 {
            let version = choose(&kim, "available").await.expect(200).data()["version"].clone();
            let reason = format!("round {round}");
            let (own, other) = tokio::join!(
                kim.post(ME, json!({ "state": "busy", "reason": reason, "if_version": version })),
                put(&lee, &kim_id, json!({ "state": "break", "if_version": version }))
            );
            let mut statuses = [own.status, other.status];
            statuses.sort_unstable();
            assert_eq!(statuses, [200, 409], "{} {}", own.text, other.text);
            let winner = if own.status == 200 { &own } else { &other };
            assert_eq!(winner.data()["previous_state"], "available");
            let now = kim.get(ME).await.expect(200);
            assert_eq!(now.data()["version"], winner.data()["version"]);
        }
    }

    async fn the_available_are_listed_page_by_page_and_without_what_concerns_colleagues(server) {
        let admin = server.admin().await;
        let mut ids = Vec::new();
        for name in ["kim", "lee", "ida", "bob"] {
            let (client, id) = server.user(&format!("{name}@example.com"), "agent").await;
            choose(&client, if name == "bob" { "busy" } else { "available" }).await.expect(200);
            ids.push((id, client));
        }
        let list = "/api/v1/agent-state/available";
        let (program, _) = server.program(&admin, &["agents:read"]).await;
        let all = program.get(list).await.expect(200);
        let listed = |answer: &Answer| -> Vec<String> {
            answer.data().as_array().unwrap().iter().map(|one| one["user_id"].as_str().unwrap().into()).collect()
        };
        let mut available: Vec<String> = ids[..3].iter().map(|(id, _)| id.clone()).collect();
        available.sort();
        assert_eq!(listed(&all), available);
        assert!(all.body["meta"]["seq"].is_number());
        let first = admin.get(&format!("{list}?limit=2")).await.expect(200);
        let cursor = first.body["meta"]["next_cursor"].as_str().unwrap();
        let second = admin.get(&format!("{list}?limit=2&cursor={cursor}")).await.expect(200);
        assert_eq!([listed(&first), listed(&second)].concat(), available);
        let (id, kim) = &ids[0];
        for one in kim.get(list).await.expect(200).data().as_array().unwrap() {
            let is_own = one["user_id"] == json!(id);
            for field in ["presence", "routable", "duty_since"] {
                assert_eq!(one[field].is_null(), !is_own, "{field}: {one}");
            }
        }
        for (state, count) in [("available", 3), ("busy", 1), ("offline", 1), ("on_call", 0)] {
            let of = admin.get(&format!("/api/v1/agent-state?state={state}")).await.expect(200);
            assert_eq!(of.data().as_array().unwrap().len(), count, "{state}: {}", of.text);
        }
    }
}
