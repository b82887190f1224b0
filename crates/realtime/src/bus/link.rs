//! One open connection to Redis, of either kind. Knows nothing of what is sent through it.

use futures_util::{StreamExt, TryStreamExt, stream};
use redis::aio::{ConnectionLike, MultiplexedConnection};
use redis::cluster_async::ClusterConnection;
use redis::{Cmd, PushInfo, RedisResult, Value, pipe};
use tokio::sync::mpsc;

/// Commands on their way to a cluster at a time, of one caller; to a single server they go as one pipeline.
const CLUSTER_COMMANDS: usize = 64;

/// Where messages of channels go. What it has no room for is dropped.
pub(super) type Pushes = mpsc::Sender<PushInfo>;

/// An open connection; clones share it.
#[derive(Clone)]
pub(super) enum Link {
    /// One server, which may be the sentinels' choice.
    Server(MultiplexedConnection),
    /// A cluster, where every command finds its own node.
    Cluster(ClusterConnection),
}

impl Link {
    /// Subscribes to channels; in a cluster to sharded ones, each on the node of its slot.
    pub(super) async fn subscribe(&mut self, channels: &[String]) -> RedisResult<()> {
        match self {
            Self::Server(connection) => connection.subscribe(channels).await,
            Self::Cluster(connection) => {
                let subscribe = |channel: &String| {
                    let (mut connection, channel) = (connection.clone(), channel.clone());
                    async move { connection.ssubscribe(channel).await }
                };
                stream::iter(channels.iter().map(subscribe)).buffered(CLUSTER_COMMANDS).try_collect().await
            }
        }
    }

    /// Hears those channels no longer.
    pub(super) async fn unsubscribe(&mut self, channels: &[String]) -> RedisResult<()> {
        match self {
            Self::Server(connection) => connection.unsubscribe(channels).await,
            Self::Cluster(connection) => {
                let unsubscribe = |channel: &String| {
                    let (mut connection, channel) = (connection.clone(), channel.clone());
                    async move { connection.sunsubscribe(channel).await }
                };
                stream::iter(channels.iter().map(unsubscribe)).buffered(CLUSTER_COMMANDS).try_collect().await
            }
        }
    }

    /// Runs the commands, in any order, and gives their answers in theirs. Each must touch one key at most.
    pub(super) async fn run(&self, commands: Vec<Cmd>) -> RedisResult<Vec<Value>> {
        match self {
            Self::Server(connection) => {
                let mut pipeline = pipe();
                for command in commands {
                    pipeline.add_command(command);
                }
                pipeline.query_async(&mut connection.clone()).await
            }
            Self::Cluster(connection) => {
                let run = |command: Cmd| {
                    let mut connection = connection.clone();
                    async move { connection.req_packed_command(&command).await }
                };
                stream::iter(commands.into_iter().map(run)).buffered(CLUSTER_COMMANDS).try_collect().await
            }
        }
    }
}
