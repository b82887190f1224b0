//! Events between servers whose Redis is a cluster, or whatever a sentinel makes the master.

use super::several_servers::{at, both_publish, publish, seqs};
use crate::harness::redis::Redis;
use crate::harness::redis_cluster::Cluster;
use crate::harness::redis_sentinel::Sentinel;
use crate::harness::wait::eventually;
use crate::harness::ws::Ws;
use crate::harness::{Client, Server};

/// Two servers on one database with that Redis.
async fn two(url: &str) -> (Server, Server) {
    let here = Server::builder().mariadb().env("REDIS_URL", url).start().await;
    let there = here.elsewhere().start().await;
    (here, there)
}

/// Waits until both servers listen on that Redis for events of the tenant, on a channel of this kind.
async fn heard_by_both(redis: &Redis, kind: &str, tenant: &str) {
    let channel = format!("callcenter:events:{tenant}");
    eventually("both servers to listen", async || {
        let listeners = redis.cli(&["PUBSUB", kind, &channel]).await;
        (listeners.split_whitespace().last() == Some("2")).then_some(())
    })
    .await;
}

/// The next event that is published on one server is the next of both listeners.
async fn comes_on_both(admin: &Client, listeners: &mut [Ws; 2], number: i64) {
    publish(admin, &number.to_string()).await;
    for ws in listeners {
        assert_eq!(seqs(ws, 1).await, [number]);
    }
}

#[tokio::test]
async fn a_cluster_carries_events_by_sharded_channels_and_nothing_is_missed_while_a_node_is_down() {
    let cluster = Cluster::start().await;
    let (here, there) = two(&cluster.url()).await;
    let admin = here.admin().await;
    // Two tenants whose channels belong to different nodes.
    let other = here.other_tenant("other").await;
    let [own, others] = ["callcenter:events:tenant-123", "callcenter:events:other"];
    let (node, others_node) = (cluster.node_of(own).await, cluster.node_of(others).await);
    assert_ne!(node.port, others_node.port);
    let mut of_other = [Ws::connect(&here, &other).await.0, Ws::connect(&there, &at(&there, &other)).await.0];
    both_publish(&here, &there, 0).await;
    let mut listeners =
        [Ws::connect(&here, &admin).await.0, Ws::connect(&there, &at(&there, &admin)).await.0];
    heard_by_both(node, "SHARDNUMSUB", "tenant-123").await;
    heard_by_both(others_node, "SHARDNUMSUB", "other").await;
    both_publish(&here, &there, 50).await;
    assert_eq!(seqs(&mut listeners[1], 50).await, (51..=100).collect::<Vec<_>>());
    assert_eq!(seqs(&mut listeners[0], 50).await, (51..=100).collect::<Vec<_>>());
    comes_on_both(&other, &mut of_other, 1).await;
    let online = "callcenter:online:tenant-123";
    let holder = cluster.node_of(online).await;
    let member = async || holder.cli(&["SISMEMBER", online, "user-456"]).await;
    eventually("the user in the contract's set", async || (member().await == "1").then_some(())).await;

    node.kill_9();
    comes_on_both(&admin, &mut listeners, 101).await;
    comes_on_both(&other, &mut of_other, 2).await;
    node.start_again().await;
    cluster.is_whole().await;
    heard_by_both(node, "SHARDNUMSUB", "tenant-123").await;
    heard_by_both(others_node, "SHARDNUMSUB", "other").await;
    comes_on_both(&admin, &mut listeners, 102).await;
    comes_on_both(&other, &mut of_other, 3).await;
    eventually("the user in the set again", async || (member().await == "1").then_some(())).await;
}

#[tokio::test]
async fn a_sentinels_failover_is_survived_and_nothing_is_missed() {
    let sentinel = Sentinel::start().await;
    let (here, there) = two(&sentinel.url()).await;
    let admin = here.admin().await;
    let mut listeners =
        [Ws::connect(&here, &admin).await.0, Ws::connect(&there, &at(&there, &admin)).await.0];
    let [master, replica] = sentinel.master().await;
    heard_by_both(master, "NUMSUB", "tenant-123").await;
    comes_on_both(&admin, &mut listeners, 1).await;
    master.kill_9();
    let mut number = 1;
    eventually("the other one to be the master", async || {
        number += 1;
        comes_on_both(&admin, &mut listeners, number).await;
        (sentinel.master().await[0].port == replica.port).then_some(())
    })
    .await;
    heard_by_both(replica, "NUMSUB", "tenant-123").await;
    comes_on_both(&admin, &mut listeners, number + 1).await;

    // One that is only replaced goes on living, and must not be written to any more.
    master.start_again().await;
    sentinel.fails_over().await;
    heard_by_both(master, "NUMSUB", "tenant-123").await;
    let member = async || master.cli(&["SISMEMBER", "callcenter:online:tenant-123", "user-456"]).await;
    eventually("the user in the set", async || (member().await == "1").then_some(())).await;
    comes_on_both(&admin, &mut listeners, number + 2).await;
    both_publish(&here, &there, number + 2).await;
}
