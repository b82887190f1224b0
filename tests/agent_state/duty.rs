//! What is said of an agent's duty, and the sign-ins beside it: many of one agent, of whom each hears all.

use super::{ME, choose};
use crate::calls::{events, queue};
use crate::harness::macros::on_both;
use crate::harness::server::PASSWORD;
use crate::harness::token::claims;
use crate::harness::ws::Ws;
use crate::harness::{Client, Server, Value, json};
use std::time::Duration;

/// The payloads of the log's events of this type.
async fn told(admin: &Client, kind: &str) -> Vec<Value> {
    let log = events(admin, 0).await;
    log.iter().filter(|event| event["type"] == kind).map(|event| event["payload"].clone()).collect()
}

on_both! {
    async fn the_beginning_of_duty_tells_the_queues_and_the_sign_in_and_its_end_how_long_it_was(server) {
        let admin = server.admin().await;
        let (kim, kim_id) = server.user("kim@example.com", "agent").await;
        let serves = [kim_id.as_str()];
        let mut queues = [queue(&admin, "Sales", 0, &serves).await, queue(&admin, "Support", 0, &serves).await];
        queue(&admin, "Other", 0, &[]).await;
        queues.sort();
        choose(&kim, "available").await.expect(200);
        server.advance(Duration::from_secs(600)).await;
        choose(&kim, "break").await.expect(200);
        server.advance(Duration::from_secs(600)).await;
        choose(&kim, "offline").await.expect(200);
        // Who is put on duty has not signed in for it.
        let path = format!("/api/v1/agent-state/{kim_id}");
        server.admin().await.put(&path, json!({ "state": "away" })).await.expect(200);

        let logins = told(&admin, "agent.login").await;
        assert_eq!(logins.len(), 2, "{logins:?}");
        for (login, state) in logins.iter().zip(["available", "away"]) {
            let mut named: Vec<&str> = login["queue_ids"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
            named.sort_unstable();
            assert_eq!((named, &login["state"]), (queues.iter().map(String::as_str).collect(), &json!(state)));
        }
        assert_eq!(logins[0]["session_id"], claims(kim.token())["sid"]);
        assert_eq!(logins[1].get("session_id"), None, "{}", logins[1]);
        let logouts = told(&admin, "agent.logout").await;
        assert_eq!((logouts.len(), &logouts[0]["reason"]), (1, &json!("self")));
        let lasted = logouts[0]["duty_seconds"].as_f64().expect("a number");
        assert!((1200.0..1260.0).contains(&lasted), "the break is part of it: {lasted}");
    }

    async fn ending_somebodys_last_sign_in_ends_the_duty_at_once(server) {
        let admin = server.admin().await;
        let (kim, kim_id) = server.user("kim@example.com", "agent").await;
        let (lee, lee_id) = server.user("lee@example.com", "agent").await;
        let (away, away_id) = server.user("away@example.com", "agent").await;
        let (desk, desk_id) = server.user("desk@example.com", "agent").await;
        server.login("lee@example.com", PASSWORD).await;
        for agent in [&kim, &lee, &away] {
            choose(agent, "available").await.expect(200);
        }
        // Who has signed out works on, and whom nobody knows to be there is not missed.
        away.post_empty("/api/v1/auth/logout").await.succeeded();
        let password = json!({ "password": "correct horse battery" });
        for id in [&kim_id, &lee_id, &away_id] {
            admin.patch(&format!("/api/v1/users/{id}"), password.clone()).await.expect(200);
        }
        let state = async |id: &str| admin.get(&format!("/api/v1/agent-state/{id}")).await.expect(200).data()["state"].clone();
        assert_eq!((state(&kim_id).await, state(&lee_id).await), (json!("offline"), json!("offline")));
        assert_eq!(state(&away_id).await, "available");
        let logouts = told(&admin, "agent.logout").await;
        let told: Vec<_> = logouts.iter().map(|logout| (&logout["user_id"], &logout["reason"])).collect();
        assert_eq!(told, [(&json!(kim_id), &json!("session_expired")), (&json!(lee_id), &json!("session_expired"))]);

        admin.patch("/api/v1/settings", json!({ "disconnect_policy": "keep" })).await.expect(200);
        choose(&desk, "available").await.expect(200);
        admin.patch(&format!("/api/v1/users/{desk_id}"), password).await.expect(200);
        desk.get(ME).await.assert_error(401);
        assert_eq!(state(&desk_id).await, "available");
    }

    async fn a_sign_in_that_has_run_out_is_none_that_is_ended(server, JWT_REFRESH_TTL = "2h") {
        let (kim, kim_id) = server.user("kim@example.com", "agent").await;
        choose(&kim, "available").await.expect(200);
        server.advance(Duration::from_secs(2 * 3600 + 1)).await;
        let admin = server.admin().await;
        let password = json!({ "password": "correct horse battery" });
        admin.patch(&format!("/api/v1/users/{kim_id}"), password).await.expect(200);
        let now = admin.get(&format!("/api/v1/agent-state/{kim_id}")).await.expect(200);
        assert_eq!(now.data()["state"], "available", "{}", now.text);
    }

    async fn a_session_outlives_its_access_tokens_so_that_who_ends_it_ends_them(server, JWT_REFRESH_TTL = "2m") {
        let (kim, kim_id) = server.user("kim@example.com", "agent").await;
        choose(&kim, "available").await.expect(200);
        server.advance(Duration::from_secs(180)).await;
        kim.get(ME).await.expect(200);
        let password = json!({ "password": "correct horse battery" });
        server.admin().await.patch(&format!("/api/v1/users/{kim_id}"), password).await.expect(200);
        kim.get(ME).await.assert_error(401);
        assert_eq!(told(&server.admin().await, "agent.logout").await[0]["reason"], "session_expired");
    }

    async fn a_stolen_refresh_token_ends_the_duty_with_the_last_sign_in(server) {
        let (kim, kim_id) = server.user("kim@example.com", "agent").await;
        let refresh = async |token: &str| server.anonymous().post("/api/v1/auth/refresh", json!({ "refresh_token": token })).await;
        let mut spent = Vec::new();
        for _ in 0..2 {
            let body = json!({ "email": "kim@example.com", "password": PASSWORD });
            let session = server.anonymous().post("/api/v1/auth/login", body).await.expect(200);
            spent.push(session.text_of("refresh_token").to_owned());
            refresh(session.text_of("refresh_token")).await.expect(200);
        }
        choose(&kim, "busy").await.expect(200);
        kim.post_empty("/api/v1/auth/logout").await.succeeded();
        server.advance(Duration::from_secs(11)).await;
        let admin = server.admin().await;
        for (stolen, left) in spent.iter().zip(["busy", "offline"]) {
            refresh(stolen).await.assert_error(401);
            let now = admin.get(&format!("/api/v1/agent-state/{kim_id}")).await.expect(200);
            assert_eq!(now.data()["state"], left, "{}", now.text);
        }
        assert_eq!(told(&admin, "agent.logout").await[0]["reason"], "session_expired");
    }

    async fn every_sign_in_of_an_agent_hears_every_change_and_the_last_one_holds(server) {
        let (kim, kim_id) = server.user("kim@example.com", "agent").await;
        let again = server.login("kim@example.com", PASSWORD).await;
        assert_ne!(claims(kim.token())["sid"], claims(again.token())["sid"]);
        let (mut first, _) = Ws::connect(&server, &kim).await;
        let (mut second, _) = Ws::connect(&server, &again).await;
        kim.post(ME, json!({ "state": "break", "reason": "lunch" })).await.expect(200);
        again.post(ME, json!({ "state": "busy", "reason": "mail" })).await.expect(200);
        for client in [&kim, &again] {
            let now = client.get(ME).await.expect(200);
            assert_eq!((&now.data()["state"], &now.data()["reason"]), (&json!("busy"), &json!("mail")));
        }
        for ws in [&mut first, &mut second] {
            for (state, reason, version) in [("break", "lunch", 1), ("busy", "mail", 2)] {
                let heard = ws.wait_for("agent.state.changed").await["payload"].clone();
                assert_eq!((&heard["user_id"], &heard["changed_by"]), (&json!(kim_id), &json!(kim_id)));
                assert_eq!((&heard["state"], &heard["reason"]), (&json!(state), &json!(reason)));
                assert_eq!(heard["version"], version);
            }
        }
    }

    async fn signing_out_of_one_window_or_of_all_is_not_the_end_of_duty(server) {
        let admin = server.admin().await;
        let (kim, kim_id) = server.user("kim@example.com", "agent").await;
        let again = server.login("kim@example.com", PASSWORD).await;
        choose(&kim, "busy").await.expect(200);
        let (mut closing, _) = Ws::connect(&server, &kim).await;
        let (mut staying, _) = Ws::connect(&server, &again).await;
        kim.post_empty("/api/v1/auth/logout").await.succeeded();
        assert_eq!(closing.close_code().await, 4401);
        kim.get(ME).await.assert_error(401);
        let now = again.get(ME).await.expect(200);
        assert_eq!((&now.data()["state"], &now.data()["version"]), (&json!("busy"), &json!(1)));
        // The next change is the next that the other one hears.
        choose(&again, "away").await.expect(200);
        let heard = staying.wait_for_any(&["agent.state.changed", "agent.logout"]).await;
        assert_eq!((&heard["payload"]["state"], &heard["payload"]["version"]), (&json!("away"), &json!(2)));

        again.post_empty("/api/v1/auth/logout").await.succeeded();
        assert_eq!(staying.close_code().await, 4401);
        let now = admin.get(&format!("/api/v1/agent-state/{kim_id}")).await.expect(200);
        assert_eq!((&now.data()["state"], &now.data()["version"]), (&json!("away"), &json!(2)));
        assert_eq!(told(&admin, "agent.logout").await, [Value::Null; 0]);
    }
}
