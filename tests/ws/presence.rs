//! `/api/v1/ws/stats`, `/api/v1/ws/users/{id}/online`, and their keys in Redis.

use std::sync::Arc;
use std::time::Duration;

use crate::harness::macros::on_both;
use crate::harness::mariadb::MariaDb;
use crate::harness::redis::Redis;
use crate::harness::wait::eventually;
use crate::harness::ws::Ws;
use crate::harness::{Client, Server, Value, json};

const SET: &str = "callcenter:online:tenant-123";
const HEARTBEAT: &str = "callcenter:presence:tenant-123:user-456";

async fn is_online(client: &Client, id: &str) -> Value {
    client.get(&format!("/api/v1/ws/users/{id}/online")).await.expect(200).data()["online"].clone()
}

async fn eventually_online(client: &Client, id: &str, expected: bool) {
    eventually(&format!("{id} online: {expected}"), async || {
        (is_online(client, id).await == expected).then_some(())
    })
    .await;
}

on_both! {
    async fn a_user_is_online_while_connected(server) {
        let admin = server.admin().await;
        assert_eq!(is_online(&admin, "user-456").await, false);
        let (first, _) = Ws::connect(&server, &admin).await;
        assert_eq!(is_online(&admin, "user-456").await, true);
        let (second, _) = Ws::connect(&server, &admin).await;
        first.close().await;
        assert_eq!(is_online(&admin, "user-456").await, true);
        second.close().await;
        eventually_online(&admin, "user-456", false).await;
    }

    async fn nobody_can_be_asked_about_who_is_not_there_or_elsewhere(server) {
        let admin = server.admin().await;
        admin.get("/api/v1/ws/users/nobody/online").await.assert_error(404);
        server.other_tenant("other").await.get("/api/v1/ws/users/user-456/online").await.assert_error(404);
    }

    async fn the_statistics_count_the_callers_tenant_only(server) {
        let admin = server.admin().await;
        let stranger = server.other_tenant("other").await;
        let (_first, _) = Ws::connect(&server, &admin).await;
        let (_second, _) = Ws::connect(&server, &admin).await;
        let (_third, _) = Ws::connect(&server, &stranger).await;
        let expected = json!({ "total_clients": 2, "total_tenants": 1, "clients_by_tenant": { "tenant-123": 2 } });
        assert_eq!(*admin.get("/api/v1/ws/stats").await.expect(200).data(), expected);
        let expected = json!({ "total_clients": 1, "total_tenants": 1, "clients_by_tenant": { "other": 1 } });
        assert_eq!(*stranger.get("/api/v1/ws/stats").await.expect(200).data(), expected);
    }
}

#[tokio::test]
async fn a_killed_servers_users_are_gone_when_it_is_back() {
    let server = Server::builder().sqlite().start().await;
    let admin = server.admin().await;
    let (_ws, _) = Ws::connect(&server, &admin).await;
    server.kill_9();
    server.restart().await;
    eventually_online(&admin, "user-456", false).await;
}

async fn eventually_in_redis(redis: &Redis, expected: bool) {
    eventually(&format!("the user in the set: {expected}"), async || {
        let member = redis.cli(&["SISMEMBER", SET, "user-456"]).await == "1";
        (member == expected).then_some(())
    })
    .await;
}

/// What Redis says of the heartbeat: the moment that it tells, or that of its end.
async fn heartbeat(redis: &Redis, command: &str) -> i64 {
    redis.cli(&[command, HEARTBEAT]).await.parse().expect("unix seconds")
}

/// The heartbeat lives for a minute from the moment that it tells, on a clock that was moved by so many seconds.
async fn assert_lives_for_a_minute(redis: &Redis, moved: i64) {
    let (told, ends) = (heartbeat(redis, "GET").await - moved, heartbeat(redis, "EXPIRETIME").await);
    assert!((59..=61).contains(&(ends - told)), "from {told} to {ends}");
}

#[tokio::test]
async fn a_program_leaves_no_trace_in_redis() {
    let server = Server::builder().redis().start().await;
    let admin = server.admin().await;
    let (program, _) = server.program(&admin, &["events:read"]).await;
    let (_of_program, _) = Ws::connect(&server, &program).await;
    let (_ws, _) = Ws::connect(&server, &admin).await;
    eventually_in_redis(server.redis(), true).await;
    let redis = server.redis();
    assert_eq!(redis.cli(&["SMEMBERS", SET]).await, "user-456");
    assert_eq!(redis.cli(&["KEYS", "callcenter:presence:*"]).await, HEARTBEAT);
    assert_eq!(redis.cli(&["KEYS", "callcenter:servers:*"]).await, "callcenter:servers:tenant-123:user-456");
}

#[tokio::test]
async fn the_keys_in_redis_follow_the_connections() {
    let server = Server::builder().redis().start().await;
    let admin = server.admin().await;
    let (ws, _) = Ws::connect(&server, &admin).await;
    eventually_in_redis(server.redis(), true).await;
    let beat = heartbeat(server.redis(), "GET").await;
    assert!(beat > 1_700_000_000, "{beat}");
    assert_lives_for_a_minute(server.redis(), 0).await;
    // As if time had passed in Redis as well.
    server.redis().cli(&["EXPIRE", HEARTBEAT, "30"]).await;
    server.advance(Duration::from_secs(20)).await;
    eventually("a new heartbeat", async || {
        (heartbeat(server.redis(), "GET").await >= beat + 20).then_some(())
    })
    .await;
    assert_lives_for_a_minute(server.redis(), 20).await;

    ws.close().await;
    eventually_in_redis(server.redis(), false).await;
    assert_eq!(server.redis().cli(&["EXISTS", HEARTBEAT]).await, "0");
}

#[tokio::test]
async fn everything_works_while_redis_is_away_and_the_keys_come_back_with_it() {
    let server = Server::builder().redis().start().await;
    let admin = server.admin().await;
    let (mut ws, _) = Ws::connect(&server, &admin).await;
    eventually_in_redis(server.redis(), true).await;
    server.redis().kill_9();

    admin.post("/api/v1/agent-state/me", json!({ "state": "available" })).await.expect(200);
    ws.wait_for("agent.state.changed").await;
    assert_eq!(is_online(&admin, "user-456").await, true);

    server.redis().start_again().await;
    eventually_in_redis(server.redis(), true).await;
}

#[tokio::test]
async fn a_redis_that_comes_later_is_taken_up_without_a_restart() {
    let redis = Redis::start().await;
    redis.kill_9();
    let port = redis.port.to_string();
    let server = Server::builder().env("REDIS_HOST", "127.0.0.1").env("REDIS_PORT", &port).start().await;
    let (_ws, _) = Ws::connect(&server, &server.admin().await).await;
    redis.start_again().await;
    eventually_in_redis(&redis, true).await;
}

#[tokio::test]
async fn a_connected_client_survives_an_outage_of_the_database() {
    let database = Arc::new(MariaDb::start().await);
    let server = Server::builder().mariadb_at(&database).start().await;
    let admin = server.admin().await;
    let (mut ws, _) = Ws::connect(&server, &admin).await;
    database.kill_9();
    database.start_again().await;
    eventually("a change to be accepted", async || {
        let body = json!({ "state": "available" });
        (admin.post("/api/v1/agent-state/me", body).await.status == 200).then_some(())
    })
    .await;
    ws.wait_for("agent.state.changed").await;
}

#[tokio::test]
async fn servers_with_the_same_redis_know_of_each_others_connections() {
    let here = Server::builder().mariadb().redis().start().await;
    let there = here.elsewhere().start().await;
    let admin = here.admin().await;
    let (ws, _) = Ws::connect(&there, &admin).await;
    eventually_online(&admin, "user-456", true).await;
    let expected =
        json!({ "total_clients": 1, "total_tenants": 1, "clients_by_tenant": { "tenant-123": 1 } });
    eventually("the other server's connection in the statistics", async || {
        (*admin.get("/api/v1/ws/stats").await.expect(200).data() == expected).then_some(())
    })
    .await;
    ws.close().await;
    eventually_online(&admin, "user-456", false).await;
}
