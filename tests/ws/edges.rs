//! `user.online` and `user.offline`: on the edges only, whatever happens to tabs, servers and Redis.

use std::time::Duration;

use crate::harness::macros::on_both;
use crate::harness::wait::{eventually, eventually_within};
use crate::harness::ws::Ws;
use crate::harness::{Client, Server, Value, json};

/// The next edge of this user.
pub(super) async fn edge(ws: &mut Ws, user: &str) -> Value {
    loop {
        let frame = ws.wait_for_any(&["user.online", "user.offline"]).await;
        if frame["payload"]["user_id"] == user {
            return frame;
        }
    }
}

/// Nothing was said of this user up to now: an edge of somebody who comes now is the next.
pub(super) async fn silence(server: &Server, ws: &mut Ws, user: &str, email: &str) {
    let (client, id) = server.user(email, "agent").await;
    let (_ws, _) = Ws::connect(server, &client).await;
    loop {
        let frame = ws.wait_for_any(&["user.online", "user.offline"]).await;
        assert_ne!(frame["payload"]["user_id"], user, "{frame}");
        if frame["payload"]["user_id"] == *id {
            return;
        }
    }
}

async fn grace(server: &Server) {
    server.advance(Duration::from_secs(6)).await;
}

on_both! {
    async fn the_first_connection_and_the_end_of_the_last_are_told(server) {
        let (mut boss, _) = Ws::connect(&server, &server.admin().await).await;
        let (kim, kim_id) = server.user("kim@example.com", "agent").await;
        let (first, _) = Ws::connect(&server, &kim).await;
        let online = edge(&mut boss, &kim_id).await;
        assert_eq!((&online["type"], &online["payload"]["connections"]), (&json!("user.online"), &json!(1)));
        assert_eq!(online["payload"]["tenant_id"], "tenant-123");
        assert!(online["seq"].is_null() && online["id"].is_string() && online["timestamp"].is_i64(), "{online}");
        let (second, _) = Ws::connect(&server, &kim).await;
        first.close().await;
        grace(&server).await;
        silence(&server, &mut boss, &kim_id, "a@example.com").await;
        second.close().await;
        eventually("the connection to be gone", async || {
            let asked = kim.get(&format!("/api/v1/ws/users/{kim_id}/online")).await.expect(200);
            (asked.data()["online"] == false).then_some(())
        })
        .await;
        grace(&server).await;
        let offline = edge(&mut boss, &kim_id).await;
        assert_eq!((&offline["type"], &offline["payload"]["reason"]), (&json!("user.offline"), &json!("closed")));
        let seen = offline["payload"]["last_seen_at"].as_str().expect("a moment");
        assert!(seen < offline["payload"]["at"].as_str().expect("a moment"));
    }

    async fn a_page_reload_shows_nothing(server) {
        let (mut boss, _) = Ws::connect(&server, &server.admin().await).await;
        let (kim, kim_id) = server.user("kim@example.com", "agent").await;
        let (before, _) = Ws::connect(&server, &kim).await;
        edge(&mut boss, &kim_id).await;
        before.close().await;
        let (_after, _) = Ws::connect(&server, &kim).await;
        grace(&server).await;
        silence(&server, &mut boss, &kim_id, "a@example.com").await;
    }

    async fn who_is_put_out_is_offline_as_revoked(server) {
        let admin = server.admin().await;
        let (mut boss, _) = Ws::connect(&server, &admin).await;
        let (kim, kim_id) = server.user("kim@example.com", "agent").await;
        let (mut ws, _) = Ws::connect(&server, &kim).await;
        edge(&mut boss, &kim_id).await;
        kim.post_empty("/api/v1/auth/logout").await.expect(200);
        assert_eq!(ws.close_code().await, 4401);
        drop(ws);
        eventually("the connection to be gone", async || {
            let stats = admin.get("/api/v1/ws/stats").await.expect(200);
            (stats.data()["total_clients"] == 1).then_some(())
        })
        .await;
        grace(&server).await;
        assert_eq!(edge(&mut boss, &kim_id).await["payload"]["reason"], "revoked");
    }

    async fn of_a_program_nobody_hears_that_it_comes_or_goes(server) {
        let admin = server.admin().await;
        let (mut boss, _) = Ws::connect(&server, &admin).await;
        edge(&mut boss, "user-456").await;
        let (program, _) = server.program(&admin, &["events:read"]).await;
        let mut heard = Vec::new();
        let (kim, kim_id) = server.user("kim@example.com", "agent").await;
        let (lee, lee_id) = server.user("lee@example.com", "agent").await;
        let (of_program, _) = Ws::connect(&server, &program).await;
        let mut sockets = Vec::new();
        for client in [&kim, &lee] {
            sockets.push(Ws::connect(&server, client).await);
            heard.push(boss.wait_for_any(&["user.online", "user.offline"]).await);
        }
        of_program.close().await;
        sockets.pop();
        eventually("two connections to be gone", async || {
            let stats = admin.get("/api/v1/ws/stats").await.expect(200);
            (stats.data()["total_clients"] == 2).then_some(())
        })
        .await;
        grace(&server).await;
        heard.push(boss.wait_for_any(&["user.online", "user.offline"]).await);
        let heard: Vec<_> = heard.iter().map(|edge| (&edge["type"], &edge["payload"]["user_id"])).collect();
        let (online, offline) = (json!("user.online"), json!("user.offline"));
        let (kim_id, lee_id) = (json!(kim_id), json!(lee_id));
        assert_eq!(heard, [(&online, &kim_id), (&online, &lee_id), (&offline, &lee_id)]);
    }

    async fn a_subscription_decides_whether_edges_are_heard(server) {
        let (mut boss, _) = Ws::connect(&server, &server.admin().await).await;
        boss.send(&json!({ "type": "subscribe", "payload": { "events": ["order.*"] } })).await;
        boss.wait_for("subscribed").await;
        let (kim, _) = server.user("kim@example.com", "agent").await;
        let (mut own, _) = Ws::connect(&server, &kim).await;
        own.wait_for("user.online").await;
        let admin = server.admin().await;
        admin.post("/api/v1/events", json!({ "type": "order.paid", "payload": {} })).await.expect(202);
        assert_eq!(boss.wait_for_any(&["user.online", "order.paid"]).await["type"], "order.paid");
    }
}

async fn move_between(kim: &Client, from: Ws, to: &Server) -> Ws {
    let (ws, _) = Ws::connect(to, &to.with_token(kim.token())).await;
    from.close().await;
    ws
}

#[tokio::test]
async fn who_moves_between_servers_stays_online() {
    let here = Server::builder().mariadb().redis().start().await;
    let there = here.elsewhere().start().await;
    let (mut boss, _) = Ws::connect(&here, &here.admin().await).await;
    let (kim, kim_id) = here.user("kim@example.com", "agent").await;
    let (ws, _) = Ws::connect(&there, &there.with_token(kim.token())).await;
    assert_eq!(edge(&mut boss, &kim_id).await["type"], "user.online", "heard from the other server");
    let ws = move_between(&kim, ws, &here).await;
    let _ws = move_between(&kim, ws, &there).await;
    grace(&here).await;
    grace(&there).await;
    silence(&here, &mut boss, &kim_id, "a@example.com").await;
}

/// Who is online by the list of users, and by the list of connections.
async fn listed(admin: &Client) -> [Vec<String>; 2] {
    let mut lists = [Vec::new(), Vec::new()];
    for (path, list) in ["users/online", "connections"].iter().zip(&mut lists) {
        let answer = admin.get(&format!("/api/v1/ws/{path}")).await.expect(200);
        let rows = answer.data().as_array().expect("a list").iter();
        list.extend(rows.map(|row| row["user_id"].as_str().expect("a user").to_owned()));
        list.sort();
    }
    lists
}

/// Two servers, of which the second is killed: Kim was there, Lee was on both, the admin is on the first.
async fn a_server_is_killed(with_redis: bool) {
    let builder = Server::builder().mariadb();
    let here = if with_redis { builder.redis() } else { builder }.start().await;
    let there = here.elsewhere().start().await;
    let admin = here.admin().await;
    let (mut boss, _) = Ws::connect(&here, &admin).await;
    let (kim, kim_id) = here.user("kim@example.com", "agent").await;
    let (lee, lee_id) = here.user("lee@example.com", "agent").await;
    let (_ws, _) = Ws::connect(&there, &kim).await;
    let (of_lee, _) = Ws::connect(&here, &lee).await;
    let (_there, _) = Ws::connect(&there, &lee).await;
    assert_eq!(edge(&mut boss, &kim_id).await["type"], "user.online", "heard from the other server");
    let mut all = ["user-456", &kim_id, &lee_id].map(str::to_owned).to_vec();
    all.sort();
    eventually("everybody to be online", async || {
        let [users, connections] = listed(&admin).await;
        (users == all && connections.len() == 4).then_some(())
    })
    .await;

    there.kill_9();
    let path = format!("/api/v1/ws/users/{kim_id}/online");
    eventually_within(Duration::from_secs(75), "the user to be offline", async || {
        let answer = admin.get(&path).await.expect(200);
        (answer.data()["online"] == false && answer.data()["last_seen_at"].is_string()).then_some(())
    })
    .await;
    let offline = edge(&mut boss, &kim_id).await;
    assert_eq!(
        (&offline["type"], &offline["payload"]["reason"]),
        (&json!("user.offline"), &json!("timeout"))
    );
    let mut left = ["user-456", &lee_id].map(str::to_owned).to_vec();
    left.sort();
    assert_eq!(listed(&admin).await, [left.clone(), left.clone()]);
    let stats = json!({ "total_clients": 2, "total_tenants": 1, "clients_by_tenant": { "tenant-123": 2 } });
    assert_eq!(*admin.get("/api/v1/ws/stats").await.expect(200).data(), stats);
    silence(&here, &mut boss, &lee_id, "a@example.com").await;
    let lees = admin.get(&format!("/api/v1/ws/users/{lee_id}/online")).await.expect(200).data().clone();
    assert_eq!((&lees["online"], &lees["connections"]), (&json!(true), &json!(1)));
    if with_redis {
        // It takes a minute, for which those who are left have to answer pings.
        let _reading = [boss, of_lee].map(|mut ws| tokio::spawn(async move { ws.wait_for("error").await }));
        gone_from_redis(&here, &kim_id, &left).await;
    }
}

/// The contract's set holds those who are left.
async fn gone_from_redis(server: &Server, user: &str, left: &[String]) {
    let redis = server.redis();
    eventually_within(Duration::from_secs(75), "the user to be gone from Redis", async || {
        let member = redis.cli(&["SISMEMBER", "callcenter:online:tenant-123", user]).await;
        (member == "0").then_some(())
    })
    .await;
    assert_eq!(redis.cli(&["EXISTS", &format!("callcenter:presence:tenant-123:{user}")]).await, "0");
    let set = redis.cli(&["SMEMBERS", "callcenter:online:tenant-123"]).await;
    let mut members: Vec<&str> = set.lines().collect();
    members.sort_unstable();
    assert_eq!(members, left);
}

#[tokio::test]
async fn the_users_of_a_killed_server_go_offline_save_those_who_are_elsewhere_with_redis() {
    a_server_is_killed(true).await;
}

#[tokio::test]
async fn the_users_of_a_killed_server_go_offline_save_those_who_are_elsewhere_without_redis() {
    a_server_is_killed(false).await;
}

#[tokio::test]
async fn a_redis_that_is_lost_and_found_makes_no_edges() {
    let server = Server::builder().mariadb().redis().start().await;
    let (mut boss, _) = Ws::connect(&server, &server.admin().await).await;
    let (kim, kim_id) = server.user("kim@example.com", "agent").await;
    let (_ws, _) = Ws::connect(&server, &kim).await;
    edge(&mut boss, &kim_id).await;
    let member = async || server.redis().cli(&["SISMEMBER", "callcenter:online:tenant-123", &kim_id]).await;
    eventually("the user in Redis", async || (member().await == "1").then_some(())).await;
    server.redis().kill_9();
    eventually("Redis to be missed", async || {
        server.logs().iter().any(|line| line.contains("Redis connection lost")).then_some(())
    })
    .await;
    server.redis().start_again().await;
    eventually("the user in Redis again", async || (member().await == "1").then_some(())).await;
    grace(&server).await;
    silence(&server, &mut boss, &kim_id, "a@example.com").await;
}

/// What is heard of this user on both servers, which must be the same event.
async fn edge_on_both(bosses: &mut [Ws; 2], user: &str) -> Value {
    let first = edge(&mut bosses[0], user).await;
    assert_eq!(edge(&mut bosses[1], user).await, first);
    first
}

async fn edges_are_heard_on_both_servers(with_redis: bool) {
    let builder = Server::builder().mariadb();
    let here = if with_redis { builder.redis() } else { builder }.start().await;
    let there = here.elsewhere().start().await;
    let admin = here.admin().await;
    let mut bosses = [Ws::connect(&here, &admin).await.0, Ws::connect(&there, &admin).await.0];
    let (kim, kim_id) = here.user("kim@example.com", "agent").await;
    let (first, _) = Ws::connect(&here, &kim).await;
    let online = edge_on_both(&mut bosses, &kim_id).await;
    assert_eq!((&online["type"], &online["payload"]["connections"]), (&json!("user.online"), &json!(1)));
    // A second connection, to the other server, and the end of the first make no edge.
    let (second, _) = Ws::connect(&there, &kim).await;
    first.close().await;
    grace(&here).await;
    grace(&there).await;
    silence(&there, &mut bosses[0], &kim_id, "a@example.com").await;
    silence(&here, &mut bosses[1], &kim_id, "b@example.com").await;
    second.close().await;
    let path = format!("/api/v1/ws/users/{kim_id}/online");
    eventually("the connection to be gone", async || {
        (admin.get(&path).await.expect(200).data()["online"] == false).then_some(())
    })
    .await;
    grace(&there).await;
    grace(&here).await;
    let offline = edge_on_both(&mut bosses, &kim_id).await;
    assert_eq!((&offline["type"], &offline["payload"]["reason"]), (&json!("user.offline"), &json!("closed")));
}

#[tokio::test]
async fn edges_are_heard_on_every_server_with_redis() {
    edges_are_heard_on_both_servers(true).await;
}

#[tokio::test]
async fn edges_are_heard_on_every_server_without_redis() {
    edges_are_heard_on_both_servers(false).await;
}
