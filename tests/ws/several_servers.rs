//! Several servers on one database, with a Redis, with one that comes and goes, and without.

use super::connecting::refused;
use super::sessions::refresh;
use crate::harness::redis::Redis;
use crate::harness::server::PASSWORD;
use crate::harness::sse::Sse;
use crate::harness::wait::eventually;
use crate::harness::ws::Ws;
use crate::harness::{Client, Server, json};

pub(super) async fn publish(client: &Client, name: &str) {
    let body = json!({ "type": "order.paid", "payload": { "name": name } });
    client.post("/api/v1/events", body).await.expect(202);
}

/// The same user on another server.
pub(super) fn at(server: &Server, client: &Client) -> Client {
    server.with_token(client.token())
}

/// The numbers of the next events of the log.
pub(super) async fn seqs(ws: &mut Ws, count: usize) -> Vec<i64> {
    let mut seqs = Vec::new();
    while seqs.len() < count {
        let frame = ws.next_json().await;
        seqs.extend(frame["seq"].as_i64());
    }
    seqs
}

/// Both servers publish at the same time; both listeners must see every event once and in order.
pub(super) async fn both_publish(here: &Server, there: &Server, from: i64) {
    let admin = here.admin().await;
    let (mut ws_here, ready) = Ws::connect(here, &admin).await;
    let (mut ws_there, _) = Ws::connect(there, &at(there, &admin)).await;
    assert_eq!(ready["seq"], from);
    let write = async |client: Client, name: &str| {
        for _ in 0..25 {
            publish(&client, name).await;
        }
    };
    let (there_admin, expected) = (at(there, &admin), (from + 1..=from + 50).collect::<Vec<_>>());
    let ((), (), seen_here, seen_there) = tokio::join!(
        write(admin.clone(), "here"),
        write(there_admin, "there"),
        seqs(&mut ws_here, 50),
        seqs(&mut ws_there, 50)
    );
    assert_eq!((seen_here, seen_there), (expected.clone(), expected));
}

async fn listeners(redis: &Redis) -> String {
    redis
        .cli(&["PUBSUB", "NUMSUB", "callcenter:events:tenant-123"])
        .await
        .split_whitespace()
        .last()
        .unwrap_or("")
        .to_owned()
}

pub(super) async fn heard_by(redis: &Redis, servers: &str) {
    eventually(&format!("{servers} servers to listen"), async || {
        (listeners(redis).await == servers).then_some(())
    })
    .await;
}

#[tokio::test]
async fn events_of_one_server_reach_the_other_by_redis() {
    let here = Server::builder().mariadb().redis().start().await;
    let there = here.elsewhere().start().await;
    both_publish(&here, &there, 0).await;
    heard_by(here.redis(), "2").await;
    both_publish(&here, &there, 50).await;
}

#[tokio::test]
async fn without_redis_they_are_found_in_the_log() {
    let here = Server::builder().mariadb().start().await;
    let there = here.elsewhere().start().await;
    both_publish(&here, &there, 0).await;
}

#[tokio::test]
async fn nothing_is_missed_while_redis_dies_freezes_and_comes_back() {
    let here = Server::builder().mariadb().redis().start().await;
    let there = here.elsewhere().start().await;
    let (admin, redis) = (here.admin().await, here.redis());
    let (mut ws, _) = Ws::connect(&there, &at(&there, &admin)).await;
    let (mut own, _) = Ws::connect(&here, &admin).await;
    heard_by(redis, "2").await;
    publish(&admin, "with Redis").await;
    assert_eq!(seqs(&mut ws, 1).await, [1]);
    redis.kill_9();
    publish(&admin, "without").await;
    assert_eq!(seqs(&mut ws, 1).await, [2]);
    redis.start_again().await;
    heard_by(redis, "2").await;
    publish(&admin, "again").await;
    assert_eq!(seqs(&mut ws, 1).await, [3]);
    redis.freeze();
    publish(&admin, "frozen").await;
    assert_eq!(seqs(&mut ws, 1).await, [4]);
    redis.thaw();
    heard_by(redis, "2").await;
    redis.cli(&["CLIENT", "KILL", "TYPE", "pubsub"]).await;
    publish(&admin, "cut off").await;
    assert_eq!(seqs(&mut ws, 1).await, [5]);
    heard_by(redis, "2").await;
    assert_eq!(seqs(&mut own, 5).await, [1, 2, 3, 4, 5]);
    for line in ["Redis connection lost", "Redis connected again"] {
        assert!(there.logs().iter().any(|own| own.contains(line)), "{line}");
    }
}

#[tokio::test]
async fn a_token_of_one_server_prolongs_a_connection_to_another_and_the_log_is_filtered_there() {
    let here = Server::builder().mariadb().redis().start().await;
    let there = here.elsewhere().start().await;
    let admin = here.admin().await;
    let (kim, _) = here.user("kim@example.com", "agent").await;
    let (mut ws, _) = Ws::connect(&there, &at(&there, &kim)).await;
    let next = here.login("kim@example.com", PASSWORD).await;
    assert_eq!(refresh(&mut ws, next.token()).await["type"], "auth.refreshed");
    assert_eq!(refresh(&mut ws, admin.token()).await["payload"]["code"], "wrong_user");
    kim.post_empty("/api/v1/auth/logout").await.expect(200);

    let bosses = json!({ "type": "order.hidden", "payload": {}, "audience": { "roles": ["supervisor"] } });
    let open = |name: &str| json!({ "type": name, "payload": {} });
    let events = json!([open("order.paid"), open("load.tick"), bosses, open("order.sent")]);
    admin.post("/api/v1/events", events).await.expect(202);
    // Came over the old session's connection, which hangs on the new one now.
    assert_eq!(seqs(&mut ws, 3).await, [1, 2, 4]);
    let (admin, kim) = (at(&there, &admin), at(&there, &next));
    for (client, query, expected) in [
        (&admin, "", vec![1, 2, 3, 4]),
        (&admin, "?types=order.*", vec![1, 3, 4]),
        (&kim, "?types=order.*&after=1", vec![4]),
        (&kim, "?limit=2", vec![1, 2]),
        (&kim, "?types=load.tick,order.sent", vec![2, 4]),
    ] {
        let answer = client.get(&format!("/api/v1/events{query}")).await.expect(200);
        let found: Vec<i64> = answer
            .data()
            .as_array()
            .expect("a list")
            .iter()
            .filter_map(|event| event["seq"].as_i64())
            .collect();
        assert_eq!((found, &answer.body["meta"]["seq"]), (expected, &json!(4)), "{query}");
    }
    next.post_empty("/api/v1/auth/logout").await.expect(200);
    assert_eq!(ws.close_code().await, 4401);
}

#[tokio::test]
async fn each_of_several_servers_has_its_limits() {
    let builder = Server::builder().mariadb().redis();
    let here = builder.env("WS_MAX_CONNECTIONS_PER_USER", "2").env("WS_MAX_CONNECTIONS", "3").start().await;
    let there = here.elsewhere().start().await;
    let admin = here.admin().await;
    let (kim, _) = here.user("kim@example.com", "agent").await;
    // The first server's stay open while the second is tried.
    let mut open = Vec::new();
    for server in [&here, &there] {
        let (admin, kim) = (at(server, &admin), at(server, &kim));
        open.extend([Ws::connect(server, &admin).await, Ws::connect(server, &admin).await]);
        assert_eq!(refused(server, &admin, &[]).await, 429);
        open.push(Ws::connect(server, &kim).await);
        assert_eq!(refused(server, &kim, &[]).await, 503);
    }
    eventually("all of them to be counted", async || {
        let stats = admin.get("/api/v1/ws/stats").await.expect(200);
        (stats.data()["total_clients"] == open.len()).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_server_listens_only_for_tenants_that_listen_to_it() {
    let server = Server::builder().mariadb().redis().start().await;
    assert_eq!(listeners(server.redis()).await, "0");
    let (_ws, _) = Ws::connect(&server, &server.admin().await).await;
    heard_by(server.redis(), "1").await;
}

#[tokio::test]
async fn a_client_resumes_on_another_server() {
    let here = Server::builder().mariadb().redis().start().await;
    let there = here.elsewhere().start().await;
    let admin = here.admin().await;
    for n in 1..=20 {
        publish(&admin, &n.to_string()).await;
    }
    let bearer = format!("Bearer {}", admin.token());
    let mut ws = Ws::open(&there, "/ws?since=5", &[("authorization", &bearer)]).await.expect("a connection");
    let mut sse = Sse::open(&there, &admin, "", &[("last-event-id", "5")]).await.expect("a stream");
    assert_eq!(seqs(&mut ws, 15).await, (6..=20).collect::<Vec<_>>());
    publish(&admin, "live").await;
    assert_eq!(seqs(&mut ws, 1).await, [21]);
    for number in 6..=21 {
        assert_eq!(sse.event().await.id, Some(number.to_string()), "a stream of events does the same");
    }
    let log = there.with_token(admin.token()).get("/api/v1/events?after=20").await.expect(200);
    assert_eq!((&log.data()[0]["seq"], &log.body["meta"]["seq"]), (&json!(21), &json!(21)));
}
