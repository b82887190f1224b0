//! `GET /api/v1/agent-state/me/stats` and `…/{user_id}/stats`

use super::{ME, choose};
use crate::calls::{CALLS, Center};
use crate::harness::macros::on_both;
use crate::harness::paging::one_by_one;
use crate::harness::{Client, Server, Value, json};
use std::time::Duration;

async fn today(client: &Client) -> Value {
    client.get(&format!("{ME}/stats")).await.expect(200).data()["today"].clone()
}

/// Not less than that, and not much more: the server's own time passes too.
fn near(value: &Value, seconds: f64) {
    let told = value.as_f64().expect("a number");
    assert!((seconds..seconds + 10.0).contains(&told), "{told} is not about {seconds}");
}

/// Moves to a time of day from which hours pass until midnight.
async fn early_in_the_day(server: &Server, client: &Client) {
    let at = client.get(&format!("{ME}/stats")).await.expect(200).text_of("at").to_owned();
    let number = |from: usize| at[from..from + 2].parse::<u64>().expect("digits");
    let seconds = (number(11) * 60 + number(14)) * 60 + number(17);
    server.advance(Duration::from_secs(24 * 3600 - seconds + 3600)).await;
}

on_both! {
    async fn an_agents_day_tells_calls_handle_time_misses_and_states(server) {
        let admin = server.admin().await;
        early_in_the_day(&server, &admin).await;
        let center = Center::open(&server).await;
        let (kim, kim_id) = (&center.kim, center.kim_id.as_str());
        let nothing = today(kim).await;
        assert_eq!((&nothing["handled"], &nothing["aht_seconds"]), (&json!(0), &json!(null)));

        // Of the queue: talk, hold and paper work.
        center.with_kim("c1").await;
        server.advance(Duration::from_secs(60)).await;
        center.of(kim_id, "c1", "hold").await.expect(200);
        server.advance(Duration::from_secs(20)).await;
        center.report("c1", "end", json!({})).await.expect(200);
        server.advance(Duration::from_secs(15)).await;
        kim.post_empty(&format!("{ME}/wrap-up/end")).await.expect(200);
        // To outside, for no queue; between two agents, which is nobody's work for a customer.
        for (id, direction) in [("c2", "outbound"), ("c3", "internal")] {
            let body = json!({
                "id": id, "direction": direction, "user_id": kim_id,
                "from": { "number": "101" }, "to": { "number": "+4930901820" },
            });
            center.pbx.post(CALLS, body).await.expect(201);
            let answers = if direction == "outbound" { kim_id } else { center.lee_id.as_str() };
            center.of(answers, id, "answer").await.expect(200);
            server.advance(Duration::from_secs(30)).await;
            center.report(id, "end", json!({})).await.expect(200);
        }
        // Missed, declined, and taken by somebody else.
        for (id, outcome) in [("c4", "declined"), ("c5", "no_answer"), ("c6", "answered_elsewhere")] {
            choose(kim, "available").await.expect(200);
            center.caller(id).await;
            center.of(kim_id, id, "ring").await.expect(200);
            server.advance(Duration::from_secs(5)).await;
            center.report(id, "miss", json!({ "user_id": kim_id, "outcome": outcome })).await.expect(200);
        }
        let told = today(kim).await;
        assert_eq!((&told["handled"], &told["missed_offers"]), (&json!(2), &json!(2)), "{told}");
        near(&told["talk_seconds"], 90.0);
        near(&told["hold_seconds"], 20.0);
        near(&told["wrap_up_seconds"], 15.0);
        near(&told["aht_seconds"], 62.5);
        let states = &told["state_seconds"];
        near(&states["on_call"], 140.0);
        near(&states["wrap_up"], 15.0);
        near(&states["ringing"], 15.0);
        near(&told["duty_seconds"], 170.0);
        let seconds = |state: &str| states[state].as_f64().unwrap();
        let worked = seconds("on_call") + seconds("wrap_up");
        let percent = 100.0 * worked / (worked + seconds("ringing") + seconds("available"));
        assert!((told["occupancy_percent"].as_f64().unwrap() - percent).abs() < 1e-6, "{told}");
    }

    async fn a_day_begins_at_the_tenants_midnight_with_the_state_that_goes_on(server) {
        let admin = server.admin().await;
        admin.patch("/api/v1/settings", json!({ "disconnect_policy": "keep" })).await.expect(200);
        let (_, kim_id) = server.user("kim@example.com", "agent").await;
        // Programs stay signed in, however long the day is.
        let (program, _) = server.program(&admin, &["agents:read", "agents:write"]).await;
        let path = format!("/api/v1/agent-state/{kim_id}");
        let choose = async |state: &str| program.put(&path, json!({ "state": state })).await.expect(200);
        let today = async || program.get(&format!("{path}/stats")).await.expect(200).data()["today"].clone();
        early_in_the_day(&server, &admin).await;
        choose("busy").await;
        server.advance(Duration::from_secs(22 * 3600)).await;
        choose("away").await;
        near(&today().await["state_seconds"]["busy"], 22.0 * 3600.0);
        // Past midnight by an hour, and some time from then on.
        server.advance(Duration::from_secs(2 * 3600)).await;
        let over = today().await;
        near(&over["state_seconds"]["away"], 3600.0);
        assert_eq!(over["state_seconds"]["busy"], 0.0, "{over}");
        choose("break").await;
        server.advance(Duration::from_secs(600)).await;
        let later = today().await;
        near(&later["state_seconds"]["away"], 3600.0);
        near(&later["duty_seconds"], 4200.0);
        // Where it is the last day still.
        server.admin().await.patch("/api/v1/settings", json!({ "timezone": "Etc/GMT+3" })).await.expect(200);
        near(&today().await["state_seconds"]["busy"], 20.0 * 3600.0);
    }

    async fn agents_see_their_own_numbers_only(server) {
        let admin = server.admin().await;
        let (kim, kim_id) = server.user("kim@example.com", "agent").await;
        let (boss, _) = server.user("boss@example.com", "supervisor").await;
        let path = format!("/api/v1/agent-state/{kim_id}/stats");
        choose(&kim, "busy").await.expect(200);
        for client in [&kim, &boss, &admin, &server.program(&admin, &["agents:read"]).await.0] {
            let stats = client.get(&path).await.expect(200);
            assert_eq!((stats.text_of("user_id"), stats.text_of("tenant_id")), (kim_id.as_str(), "tenant-123"));
            assert!(stats.data()["seq"].as_i64() > Some(0), "{}", stats.text);
        }
        kim.get("/api/v1/agent-state/user-456/stats").await.assert_error(403);
        server.program(&admin, &["agents:write"]).await.0.get(&path).await.assert_error(403);
        server.other_tenant("other").await.get(&path).await.assert_error(404);
        admin.get("/api/v1/agent-state/nobody/stats").await.assert_error(404);
        let all = "/api/v1/agent-state/stats";
        for client in [&boss, &admin, &server.program(&admin, &["agents:read"]).await.0] {
            let listed = client.get(all).await.expect(200);
            let numbers = listed.data().as_array().expect("a list");
            assert_eq!(numbers.len(), 3, "{}", listed.text);
            let of_kim = numbers.iter().find(|one| one["user_id"] == json!(kim_id)).expect("Kim's");
            near(&of_kim["today"]["state_seconds"]["busy"], 0.0);
            assert_eq!(listed.body["meta"]["seq"], of_kim["seq"]);
        }
        kim.get(all).await.assert_error(403);
        let pages = one_by_one(&admin, all).await;
        assert_eq!(pages.len(), 3);
        // As the history, they stay when the agent goes.
        admin.delete(&format!("/api/v1/users/{kim_id}")).await.succeeded();
        let gone = admin.get(&path).await.expect(200);
        assert!(gone.data()["today"]["duty_seconds"].as_f64() > Some(0.0), "{}", gone.text);
    }
}
