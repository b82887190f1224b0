//! Presence through a real Redis: started, killed, frozen and started again.

use super::client::Client;
use super::node::{Node, online_becomes};
use super::redis_server::RedisServer;
use super::support::*;
use crate::{Bus, RedisUrl};
use std::time::Duration;

#[tokio::test]
async fn the_contracts_keys_follow_the_connections() {
    let redis = RedisServer::start().await;
    let node = Node::start(&redis.url()).await;
    assert_eq!(node.bus.first_outcome(), Ok(()));
    let first = node.connect("u1").await;
    let second = node.connect("u1").await;
    let _other = node.connect("u2").await;
    online_becomes(&redis, &["u1", "u2"]).await;
    let at: i64 = redis.run(&["GET", "callcenter:presence:t:u1"]).await;
    assert!((at - node.world.clock.now().unix_seconds()).abs() < 60);
    let ttl: i64 = redis.run(&["TTL", "callcenter:presence:t:u1"]).await;
    assert!((1..=60).contains(&ttl));
    first.leave().await;
    second.leave().await;
    online_becomes(&redis, &["u2"]).await;
    eventually("no heartbeat", || async {
        !redis.run::<bool>(&["EXISTS", "callcenter:presence:t:u1"]).await
    })
    .await;
}

#[tokio::test]
async fn a_user_is_online_while_any_server_has_a_connection() {
    let redis = RedisServer::start().await;
    let a = Node::start(&redis.url()).await;
    let b = Node::beside(&a, &redis.url()).await;
    let on_a = a.connect("u1").await;
    let on_b = b.connect("u1").await;
    eventually("both count", || async {
        a.online("u1").await == (true, 2) && b.online("u1").await == (true, 2)
    })
    .await;
    on_a.leave().await;
    eventually("one counts", || async { a.online("u1").await == (true, 1) }).await;
    assert_eq!(a.presence.online_users(&tenant()).await.unwrap(), [user("u1")]);
    eventually("stats", || async { a.presence.total(&tenant()).await.unwrap() == 1 }).await;
    online_becomes(&redis, &["u1"]).await;
    on_b.leave().await;
    online_becomes(&redis, &[]).await;
    eventually("nobody", || async { a.online("u1").await == (false, 0) }).await;
    assert_eq!(a.presence.total(&tenant()).await.unwrap(), 0);
}

#[tokio::test]
async fn a_clean_shutdown_removes_the_servers_users_and_leaves_the_others() {
    let redis = RedisServer::start().await;
    let a = Node::start(&redis.url()).await;
    let b = Node::beside(&a, &redis.url()).await;
    let _both = (a.connect("u1").await, b.connect("u1").await, a.connect("u2").await);
    eventually("both servers stand there", || async {
        redis.run::<i64>(&["HLEN", "callcenter:servers:t:u1"]).await == 2
    })
    .await;
    a.stop.cancel();
    soon(a.keeper).await.unwrap();
    assert_eq!(redis.members("callcenter:online:t").await, ["u1"]);
    assert!(!redis.run::<bool>(&["EXISTS", "callcenter:presence:t:u2"]).await);
}

#[tokio::test]
async fn users_of_a_killed_server_are_swept_out() {
    let redis = RedisServer::start().await;
    let node = Node::start(&redis.url()).await;
    let _lives = node.connect("u1").await;
    let long_ago = node.world.clock.now().unix_seconds() - 56;
    redis.run::<()>(&["SADD", "callcenter:online_tenants", "t", "t2"]).await;
    redis.run::<()>(&["SADD", "callcenter:online:t", "u1", "dead"]).await;
    redis.run::<()>(&["HSET", "callcenter:servers:t:dead", "killed", &format!("1:{long_ago}")]).await;
    online_becomes(&redis, &["u1"]).await;
    eventually("the empty tenant is forgotten", || async {
        redis.members("callcenter:online_tenants").await == ["t"]
    })
    .await;
}

#[tokio::test]
async fn what_a_lost_redis_forgot_is_rebuilt_from_living_connections() {
    let mut redis = RedisServer::start().await;
    let node = Node::start(&redis.url()).await;
    let _stays = node.connect("u1").await;
    let leaves = node.connect("u2").await;
    online_becomes(&redis, &["u1", "u2"]).await;
    redis.kill();
    eventually("noticed", || async { !node.bus.is_connected() }).await;
    leaves.leave().await;
    let _comes = node.connect("u3").await;
    assert_eq!(node.online("u3").await, (true, 1));
    assert_eq!(node.presence.total(&tenant()).await.unwrap(), 2);
    redis.restart().await;
    online_becomes(&redis, &["u1", "u3"]).await;
}

#[tokio::test]
async fn who_left_while_redis_was_away_is_gone_when_it_comes_back_with_its_data() {
    let mut redis = RedisServer::start_with(&["--appendonly", "yes", "--appendfsync", "always"]).await;
    let node = Node::start(&redis.url()).await;
    let _stays = node.connect("u1").await;
    let leaves = node.connect("u2").await;
    online_becomes(&redis, &["u1", "u2"]).await;
    // So that nothing but the server itself can find out.
    redis.run::<()>(&["PERSIST", "callcenter:presence:t:u2"]).await;
    redis.kill();
    eventually("noticed", || async { !node.bus.is_connected() }).await;
    leaves.leave().await;
    redis.restart().await;
    online_becomes(&redis, &["u1"]).await;
}

#[tokio::test]
async fn a_heartbeat_writes_everything_again() {
    let redis = RedisServer::start().await;
    let world = World::new(config()).await;
    let node = Node::with_heartbeat(world, &redis.url(), Duration::from_millis(50)).await;
    let _client = node.connect("u1").await;
    online_becomes(&redis, &["u1"]).await;
    redis.run::<()>(&["FLUSHALL"]).await;
    online_becomes(&redis, &["u1"]).await;
    eventually("heartbeat", || async { redis.run::<bool>(&["EXISTS", "callcenter:presence:t:u1"]).await })
        .await;
}

#[tokio::test]
async fn a_frozen_redis_is_done_without_and_used_again_when_it_thaws() {
    let redis = RedisServer::start().await;
    let node = Node::start(&redis.url()).await;
    let mut client = node.connect("u1").await;
    online_becomes(&redis, &["u1"]).await;
    redis.signal("STOP");
    assert_eq!(node.online("u1").await, (true, 1));
    node.world.publish(1).await;
    assert_eq!(client.seqs(1).await, [1]);
    eventually("noticed", || async { !node.bus.is_connected() }).await;
    let _second = node.connect("u2").await;
    redis.signal("CONT");
    online_becomes(&redis, &["u1", "u2"]).await;
}

#[tokio::test]
async fn a_server_may_start_before_redis() {
    let mut redis = RedisServer::stopped(&[]);
    let node = Node::start(&format!("redis://localhost:{}", redis.port)).await;
    assert!(node.bus.first_outcome().is_err() && !node.bus.is_connected());
    let _client = node.connect("u1").await;
    assert_eq!(node.online("u1").await, (true, 1));
    redis.restart().await;
    online_becomes(&redis, &["u1"]).await;
    assert!(node.bus.is_connected());
}

#[tokio::test]
async fn a_frozen_redis_does_not_hold_up_the_start() {
    let redis = RedisServer::start().await;
    redis.signal("STOP");
    let node = Node::start(&redis.url()).await;
    assert_eq!(node.bus.first_outcome(), Err("no answer within 1 s".into()));
    redis.signal("CONT");
    eventually("connected", || async { node.bus.is_connected() }).await;
}

#[tokio::test]
async fn a_password_is_used_and_a_wrong_one_is_an_error() {
    let redis = RedisServer::start_with(&["--requirepass", "s@cret"]).await;
    let right = Bus::connect(&RedisUrl::of_parts("127.0.0.1", redis.port, "s@cret", 3)).await;
    assert_eq!(right.first_outcome(), Ok(()));
    let wrong = Bus::connect(&RedisUrl::of_parts("127.0.0.1", redis.port, "wrong", 0)).await;
    assert!(wrong.first_outcome().is_err_and(|error| !error.contains("wrong")));
    right.close();
    assert!(!right.is_connected());
}

#[tokio::test]
async fn a_cluster_carries_presence_too() {
    let redis = RedisServer::start_with(&["--cluster-enabled", "yes"]).await;
    redis.run::<()>(&["CLUSTER", "ADDSLOTSRANGE", "0", "16383"]).await;
    eventually("the cluster is up", || async {
        redis.run::<String>(&["CLUSTER", "INFO"]).await.contains("cluster_state:ok")
    })
    .await;
    let node = Node::start(&format!("redis-cluster://127.0.0.1:{}", redis.port)).await;
    let client = node.connect("u1").await;
    let _other = node.connect("u2").await;
    online_becomes(&redis, &["u1", "u2"]).await;
    client.leave().await;
    online_becomes(&redis, &["u2"]).await;
    assert_eq!(node.presence.online_users(&tenant()).await.unwrap(), [user("u2")]);
}

#[tokio::test]
async fn sentinels_know_the_master() {
    let redis = RedisServer::start().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sentinel.conf");
    std::fs::write(&file, format!("sentinel monitor main 127.0.0.1 {} 1\n", redis.port)).unwrap();
    let sentinel = RedisServer::sentinel(&file).await;
    let node = Node::start(&format!("redis-sentinel://127.0.0.1:{}/main", sentinel.port)).await;
    let _client = node.connect("u1").await;
    online_becomes(&redis, &["u1"]).await;
}

/// Sixty users change servers at once, so that both servers write about them in the same milliseconds.
#[tokio::test]
async fn however_the_steps_of_two_servers_mix_the_keys_end_up_right() {
    let redis = RedisServer::start().await;
    let a = Node::start(&redis.url()).await;
    let b = Node::beside(&a, &redis.url()).await;
    let names: Vec<String> = (10..70).map(|n| format!("u{n}")).collect();
    let mut users: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut clients = connect_all(&a, &users).await;
    online_becomes(&redis, &users).await;
    for round in 0..20 {
        let (from, to) = if round % 2 == 0 { (&a, &b) } else { (&b, &a) };
        users.reverse();
        let (next, ()) = tokio::join!(connect_all(to, &users), leave_all(clients));
        clients = next;
        users.sort_unstable();
        eventually("all have moved", || async {
            to.presence.online_users(&tenant()).await.unwrap().len() == users.len()
                && from.presence.total(&tenant()).await.unwrap() == users.len()
        })
        .await;
        online_becomes(&redis, &users).await;
    }
    leave_all(clients).await;
    online_becomes(&redis, &[]).await;
}

async fn connect_all(node: &Node, users: &[&str]) -> Vec<Client> {
    let mut clients = Vec::new();
    for user in users {
        clients.push(node.connect(user).await);
    }
    clients
}

async fn leave_all(clients: Vec<Client>) {
    for client in clients {
        client.leave().await;
    }
}
