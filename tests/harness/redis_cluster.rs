//! A private Redis Cluster: three masters, which share the slots, and no replicas.

use super::free_port::free_port;
use super::redis::Redis;
use super::wait::eventually;

pub struct Cluster {
    pub nodes: [Redis; 3],
}

const SLOTS: [[&str; 2]; 3] = [["0", "5460"], ["5461", "10922"], ["10923", "16383"]];

impl Cluster {
    pub async fn start() -> Self {
        // Each node's second port, which would otherwise be one that the kernel gives to outgoing connections.
        let ports = [free_port(), free_port(), free_port()];
        let node = async |at: usize| {
            let bus = ports[at].to_string();
            let options =
                ["--cluster-enabled", "yes", "--cluster-port", &bus, "--cluster-node-timeout", "2000"];
            let node = Redis::start_with(&options).await;
            node.cli(&["CLUSTER", "SET-CONFIG-EPOCH", &(at + 1).to_string()]).await;
            node.cli(&["CLUSTER", "ADDSLOTSRANGE", SLOTS[at][0], SLOTS[at][1]]).await;
            node
        };
        let cluster = Self { nodes: [node(0).await, node(1).await, node(2).await] };
        for other in &cluster.nodes[1..] {
            let first = cluster.nodes[0].port.to_string();
            other.cli(&["CLUSTER", "MEET", "127.0.0.1", &first, &ports[0].to_string()]).await;
        }
        cluster.is_whole().await;
        cluster
    }

    /// Waits until every node knows all and finds all slots served.
    pub async fn is_whole(&self) {
        for node in &self.nodes {
            eventually("the cluster to be whole", async || {
                let info = node.cli(&["CLUSTER", "INFO"]).await;
                (info.contains("cluster_state:ok") && info.contains("cluster_known_nodes:3")).then_some(())
            })
            .await;
        }
    }

    pub fn url(&self) -> String {
        let nodes: Vec<String> = self.nodes.iter().map(|node| format!("127.0.0.1:{}", node.port)).collect();
        format!("redis-cluster://{}", nodes.join(","))
    }

    /// The node that serves this key, or sharded channel.
    pub async fn node_of(&self, key: &str) -> &Redis {
        let slot = self.nodes[0].cli(&["CLUSTER", "KEYSLOT", key]).await;
        let slot: usize = slot.parse().expect("a slot");
        &self.nodes[SLOTS.iter().filter(|[_, last]| slot > last.parse().expect("a slot")).count()]
    }
}
