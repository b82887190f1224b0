//! A private pair of Redis servers, of which a sentinel makes one the master.

use super::redis::Redis;
use super::wait::eventually;

pub struct Sentinel {
    pair: [Redis; 2],
    sentinel: Redis,
}

/// What the master is called.
const NAME: &str = "main";

impl Sentinel {
    pub async fn start() -> Self {
        let master = Redis::start().await;
        let port = master.port.to_string();
        let replica = Redis::start_with(&["--replicaof", "127.0.0.1", &port]).await;
        // One is enough to find the master dead, and quickly.
        let text = format!(
            "sentinel monitor {NAME} 127.0.0.1 {port} 1\n\
             sentinel down-after-milliseconds {NAME} 500\n\
             sentinel failover-timeout {NAME} 1000\n"
        );
        let group = Self { pair: [master, replica], sentinel: Redis::sentinel(&text).await };
        group.knows_a_replica().await;
        group
    }

    /// Waits until the sentinel has somebody whom it could make the master.
    async fn knows_a_replica(&self) {
        eventually("a replica that is in step", async || {
            let known = self.sentinel.cli(&["SENTINEL", "REPLICAS", NAME]).await;
            let is_good = known.contains("master-link-status\nok") && !known.contains("s_down");
            is_good.then_some(())
        })
        .await;
    }

    pub fn url(&self) -> String {
        format!("redis-sentinel://127.0.0.1:{}/{NAME}", self.sentinel.port)
    }

    /// The master of this moment, and the other one.
    pub async fn master(&self) -> [&Redis; 2] {
        let address = self.sentinel.cli(&["SENTINEL", "GET-MASTER-ADDR-BY-NAME", NAME]).await;
        let port: u16 = address.lines().last().and_then(|line| line.parse().ok()).expect("a port");
        let [first, second] = &self.pair;
        if first.port == port { [first, second] } else { [second, first] }
    }

    /// Makes the other one the master while this one lives.
    pub async fn fails_over(&self) {
        let [_, other] = self.master().await;
        self.knows_a_replica().await;
        eventually("a failover", async || {
            (self.sentinel.cli(&["SENTINEL", "FAILOVER", NAME]).await == "OK").then_some(())
        })
        .await;
        eventually("the other one to be the master", async || {
            (self.master().await[0].port == other.port).then_some(())
        })
        .await;
    }
}
