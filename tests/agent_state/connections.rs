//! What becomes of agents whose connections are gone, and of those who come back.

use super::{ME, choose};
use crate::harness::macros::on_both;
use crate::harness::wait::eventually;
use crate::harness::ws::Ws;
use crate::harness::{Client, Server, json};
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

const SETTINGS: &str = "/api/v1/settings";

async fn wait(server: &Server, seconds: u64) {
    server.advance(Duration::from_secs(seconds)).await;
}

/// A connection whose client listens, and so answers the server's pings however the clock is moved.
struct Listening {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Listening {
    async fn connect(server: &Server, client: &Client) -> Self {
        let (mut ws, _) = Ws::connect(server, client).await;
        let (stop, mut stopped) = oneshot::channel();
        let task = tokio::spawn(async move {
            tokio::select! {
                _ = ws.close_code() => {}
                _ = &mut stopped => ws.close().await,
            }
        });
        Self { stop, task }
    }

    async fn close(self) {
        drop(self.stop);
        self.task.await.unwrap();
    }
}

/// What is said of an agent, for those who may hear all.
async fn said(ws: &mut Ws, user: &str) -> (String, String) {
    loop {
        let frame = ws.wait_for_any(&["agent.state.changed", "agent.logout"]).await;
        let payload = &frame["payload"];
        if payload["user_id"] == user {
            let state = payload["state"].as_str().unwrap_or("off duty");
            return (state.into(), payload["reason"].as_str().unwrap_or_default().into());
        }
    }
}

/// Connects a user, and waits until that is known: a connection that is gone before is never missed.
async fn arrive(server: &Server, boss: &mut Ws, client: &Client, user: &str) -> Listening {
    let connection = Listening::connect(server, client).await;
    while boss.wait_for("user.online").await["payload"]["user_id"] != user {}
    connection
}

/// Closes the user's last connection and moves the clock until the platform has noticed: six seconds if it had written down
/// by then that the connection ended.
async fn leave(server: &Server, boss: &mut Ws, connection: Listening, user: &str) {
    connection.close().await;
    let noticed = async |boss: &mut Ws| {
        wait(server, 6).await;
        let gone = async { while boss.wait_for("user.offline").await["payload"]["user_id"] != user {} };
        tokio::time::timeout(Duration::from_millis(500), gone).await.ok()
    };
    eventually("the connection to be missed", async || noticed(boss).await).await;
}

async fn state(client: &Client) -> String {
    client.get(ME).await.expect(200).text_of("state").to_owned()
}

/// Nothing has happened to this agent: what happens to somebody else, who is due later, is seen first.
async fn nothing_said(boss: &mut Ws, other: &Client, user: &str) {
    choose(other, "busy").await.expect(200);
    let frame = boss.wait_for("agent.state.changed").await;
    assert_ne!(frame["payload"]["user_id"], user, "{frame}");
    choose(other, "offline").await.expect(200);
    boss.wait_for("agent.logout").await;
}

on_both! {
    async fn whoever_loses_the_last_connection_is_away_then_off_duty_and_returns_in_between(server) {
        let admin = server.admin().await;
        let (mut boss, _) = Ws::connect(&server, &admin).await;
        let (kim, kim_id) = server.user("kim@example.com", "agent").await;
        let ws = arrive(&server, &mut boss, &kim, &kim_id).await;
        let second = Listening::connect(&server, &kim).await;
        kim.post(ME, json!({ "state": "break", "reason": "lunch" })).await.expect(200);
        assert_eq!(said(&mut boss, &kim_id).await, ("break".into(), "lunch".into()));
        second.close().await;
        wait(&server, 400).await;
        nothing_said(&mut boss, &admin, &kim_id).await;

        leave(&server, &mut boss, ws, &kim_id).await;
        wait(&server, 5).await;
        nothing_said(&mut boss, &admin, &kim_id).await;
        wait(&server, 20).await;
        assert_eq!(said(&mut boss, &kim_id).await, ("away".into(), "disconnected".into()));
        let refused = admin.put(&format!("/api/v1/agent-state/{kim_id}"), json!({ "state": "available" })).await;
        assert_eq!(refused.assert_error(409).body["error"]["code"], "agent_absent");
        wait(&server, 200).await;
        let ws = Listening::connect(&server, &kim).await;
        assert_eq!(said(&mut boss, &kim_id).await, ("break".into(), "lunch".into()));

        leave(&server, &mut boss, ws, &kim_id).await;
        wait(&server, 30).await;
        assert_eq!(said(&mut boss, &kim_id).await, ("away".into(), "disconnected".into()));
        wait(&server, 270).await;
        assert_eq!(said(&mut boss, &kim_id).await, ("offline".into(), "disconnected".into()));
        assert_eq!(said(&mut boss, &kim_id).await, ("off duty".into(), "disconnected".into()));
        let _ws = Listening::connect(&server, &kim).await;
        nothing_said(&mut boss, &admin, &kim_id).await;
        assert_eq!(state(&kim).await, "offline", "duty is begun by hand");
    }

    async fn both_timers_that_are_over_are_told_in_their_order(server) {
        let admin = server.admin().await;
        let (mut boss, _) = Ws::connect(&server, &admin).await;
        let (kim, kim_id) = server.user("kim@example.com", "agent").await;
        let ws = arrive(&server, &mut boss, &kim, &kim_id).await;
        choose(&kim, "available").await.expect(200);
        assert_eq!(said(&mut boss, &kim_id).await.0, "available");
        leave(&server, &mut boss, ws, &kim_id).await;
        wait(&server, 1000).await;
        for state in ["away", "offline", "off duty"] {
            assert_eq!(said(&mut boss, &kim_id).await, (state.into(), "disconnected".into()));
        }
        let history = admin.get(&format!("/api/v1/agent-state/{kim_id}/history")).await.expect(200);
        let sources: Vec<&str> =
            history.data().as_array().unwrap().iter().map(|entry| entry["source"].as_str().unwrap()).collect();
        assert_eq!(sources, ["system", "system", "self"]);
    }

    async fn a_killed_server_logs_nobody_out(server) {
        let admin = server.admin().await;
        admin.patch(SETTINGS, json!({ "grace_seconds": 600, "logout_seconds": 1200 })).await.expect(200);
        let (mut boss, _) = Ws::connect(&server, &admin).await;
        let (kim, _) = server.user("kim@example.com", "agent").await;
        let (ida, ida_id) = server.user("ida@example.com", "agent").await;
        choose(&kim, "available").await.expect(200);
        choose(&ida, "available").await.expect(200);
        let _lost = Listening::connect(&server, &kim).await;
        let _also_lost = Listening::connect(&server, &ida).await;
        while boss.wait_for("user.online").await["payload"]["user_id"] != json!(ida_id) {}
        server.restart().await;
        let (mut boss, _) = Ws::connect(&server, &admin).await;
        let _back = Listening::connect(&server, &kim).await;
        // Ida does not come back. Her connection counts as gone from the moment at which that is noticed.
        eventually("the lost connection to be noticed", async || {
            server.advance(Duration::from_millis(250)).await;
            let asked = admin.get(&format!("/api/v1/ws/users/{ida_id}/online")).await.expect(200);
            (asked.data()["online"] == false && asked.data()["last_seen_at"].is_string()).then_some(())
        })
        .await;
        nothing_said(&mut boss, &admin, &ida_id).await;
        assert_eq!((state(&kim).await, state(&ida).await), ("available".into(), "available".into()));
        wait(&server, 600).await;
        assert_eq!(said(&mut boss, &ida_id).await, ("away".into(), "disconnected".into()));
        wait(&server, 1200).await;
        assert_eq!(said(&mut boss, &ida_id).await.0, "offline");
        assert_eq!(state(&kim).await, "available", "who came back in time");
    }

    async fn agents_without_a_browser_are_not_missed_and_the_others_only_by_policy(server) {
        let admin = server.admin().await;
        let (mut boss, _) = Ws::connect(&server, &admin).await;
        let (rest, rest_id) = server.user("rest@example.com", "agent").await;
        choose(&rest, "available").await.expect(200);
        assert_eq!(said(&mut boss, &rest_id).await.0, "available");
        let (kim, kim_id) = server.user("kim@example.com", "agent").await;
        let ws = arrive(&server, &mut boss, &kim, &kim_id).await;
        choose(&kim, "available").await.expect(200);
        assert_eq!(said(&mut boss, &kim_id).await.0, "available");
        admin.patch(SETTINGS, json!({ "disconnect_policy": "keep" })).await.expect(200);
        leave(&server, &mut boss, ws, &kim_id).await;
        wait(&server, 1000).await;
        nothing_said(&mut boss, &admin, &kim_id).await;
        assert_eq!((state(&kim).await, state(&rest).await), ("available".into(), "available".into()));

        // The timers follow the settings.
        admin.patch(SETTINGS, json!({ "disconnect_policy": "two_step", "logout_seconds": 3600 })).await.expect(200);
        assert_eq!(said(&mut boss, &kim_id).await, ("away".into(), "disconnected".into()));
        admin.patch(SETTINGS, json!({ "logout_seconds": 60, "grace_seconds": 0 })).await.expect(200);
        assert_eq!(said(&mut boss, &kim_id).await.0, "offline");
        assert_eq!(state(&rest).await, "available");
    }
}

#[tokio::test]
async fn of_two_servers_one_says_that_an_agent_is_gone_and_one_that_it_is_back() {
    let here = Server::builder().mariadb().start().await;
    let there = here.elsewhere().start().await;
    let admin = here.admin().await;
    let (mut boss, _) = Ws::connect(&here, &admin).await;
    let (kim, kim_id) = here.user("kim@example.com", "agent").await;
    let first = arrive(&here, &mut boss, &kim, &kim_id).await;
    let second = Listening::connect(&there, &there.with_token(kim.token())).await;
    choose(&kim, "available").await.expect(200);
    assert_eq!(said(&mut boss, &kim_id).await.0, "available");
    let path = format!("/api/v1/ws/users/{kim_id}/online");
    eventually("both connections to be known", async || {
        (admin.get(&path).await.expect(200).data()["connections"] == 2).then_some(())
    })
    .await;
    first.close().await;
    for server in [&here, &there] {
        wait(server, 60).await;
    }
    nothing_said(&mut boss, &admin, &kim_id).await;
    second.close().await;
    eventually("the connection to be gone", async || {
        (admin.get(&path).await.expect(200).data()["online"] == false).then_some(())
    })
    .await;
    let both = async |seconds| tokio::join!(wait(&here, seconds), wait(&there, seconds));
    both(40).await;
    assert_eq!(said(&mut boss, &kim_id).await, ("away".into(), "disconnected".into()));
    both(100).await;
    let _back = Listening::connect(&there, &there.with_token(kim.token())).await;
    assert_eq!(said(&mut boss, &kim_id).await.0, "available");
    both(1000).await;
    nothing_said(&mut boss, &admin, &kim_id).await;
    let history = admin.get(&format!("/api/v1/agent-state/{kim_id}/history")).await.expect(200);
    let states: Vec<&str> =
        history.data().as_array().unwrap().iter().map(|entry| entry["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["available", "away", "available"], "each once: {}", history.text);
}
