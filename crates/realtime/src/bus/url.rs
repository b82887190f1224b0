//! Where Redis is: one server, a cluster, or whatever sentinels call the master. Knows nothing of connections in use.

use super::link::{Link, Pushes};
use redis::aio::MultiplexedConnection;
use redis::cluster::ClusterClientBuilder;
use redis::sentinel::{SentinelClientBuilder, SentinelServerType};
use redis::{
    AsyncConnectionConfig, Client, ConnectionAddr, ConnectionInfo, IntoConnectionInfo, ProtocolVersion,
    PushInfo, RedisConnectionInfo, RedisError, RedisResult,
};
use std::time::Duration;

/// How long one try may take, several addresses and cluster nodes included.
pub(super) const CONNECT_DEADLINE: Duration = Duration::from_secs(5);
/// No command may take longer, whatever its caller says.
const COMMAND_DEADLINE: Duration = Duration::from_secs(2);

/// What is wrong with a text that should have said where Redis is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0}; examples: redis://:password@localhost:6379/0, rediss://redis.example.com, \
     redis-cluster://a:6379,b:6379, redis-sentinel://a:26379,b:26379/master-name"
)]
pub struct InvalidRedisUrl(String);

impl From<RedisError> for InvalidRedisUrl {
    fn from(error: RedisError) -> Self {
        Self(error.to_string())
    }
}

/// Where Redis is.
#[derive(Clone)]
pub struct RedisUrl(Place);

#[derive(Clone)]
enum Place {
    Server { addr: ConnectionAddr, login: RedisConnectionInfo },
    Cluster(Vec<ConnectionInfo>),
    Sentinels { nodes: Vec<ConnectionAddr>, master: String, login: RedisConnectionInfo },
}

impl RedisUrl {
    /// Takes `redis://`, `rediss://`, `redis-cluster://h:p,h:p` or `redis-sentinel://h:p,h:p/master-name`, each with
    /// `user:password@` before the hosts if need be.
    pub fn parse(text: &str) -> Result<Self, InvalidRedisUrl> {
        if let Some(rest) = text.strip_prefix("redis-cluster://") {
            return Ok(Self(Place::Cluster(servers(rest)?)));
        }
        if let Some(rest) = text.strip_prefix("redis-sentinel://") {
            let (hosts, master) = rest.split_once('/').unwrap_or((rest, ""));
            return of_sentinels(&servers(hosts)?, master);
        }
        if !text.starts_with("redis://") && !text.starts_with("rediss://") {
            return Err(InvalidRedisUrl("unknown scheme".into()));
        }
        let info = text.into_connection_info()?;
        Ok(Self(Place::Server { addr: info.addr().clone(), login: info.redis_settings().clone() }))
    }

    /// One server; an empty password is none.
    #[must_use]
    pub fn of_parts(host: &str, port: u16, password: &str, db: i64) -> Self {
        let mut login = RedisConnectionInfo::default().set_db(db);
        if !password.is_empty() {
            login = login.set_password(password);
        }
        Self(Place::Server { addr: ConnectionAddr::Tcp(host.into(), port), login })
    }

    pub(super) fn is_cluster(&self) -> bool {
        matches!(self.0, Place::Cluster(_))
    }

    /// A connection for commands.
    pub(super) async fn connect(&self) -> RedisResult<Link> {
        self.open(None).await
    }

    /// A connection for channels, whose messages go to `pushes`. Needs the protocol's third version, so Redis 6.
    pub(super) async fn listen(&self, pushes: Pushes) -> RedisResult<Link> {
        self.open(Some(&pushes)).await
    }

    async fn open(&self, pushes: Option<&Pushes>) -> RedisResult<Link> {
        // Fails when another part of the process has chosen one, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        match &self.0 {
            Place::Server { addr, login } => connect_server(addr, login, pushes).await.map(Link::Server),
            Place::Cluster(nodes) => connect_cluster(nodes, pushes).await.map(Link::Cluster),
            Place::Sentinels { nodes, master, login } => {
                connect_master(nodes, master, login, pushes).await.map(Link::Server)
            }
        }
    }
}

/// `user:password@h:p,h:p` as one address each.
fn servers(text: &str) -> Result<Vec<ConnectionInfo>, InvalidRedisUrl> {
    let (login, hosts) =
        text.rsplit_once('@').map_or(("", text), |(login, hosts)| (&text[..=login.len()], hosts));
    let one =
        |host: &str| format!("redis://{login}{host}").into_connection_info().map_err(InvalidRedisUrl::from);
    let found: Vec<_> = hosts.split(',').map(one).collect::<Result<_, _>>()?;
    if hosts.split(',').any(|host| host.is_empty() || host.starts_with(':')) {
        return Err(InvalidRedisUrl("a host is missing".into()));
    }
    Ok(found)
}

fn of_sentinels(nodes: &[ConnectionInfo], master: &str) -> Result<RedisUrl, InvalidRedisUrl> {
    let (master, db) = master.split_once('/').unwrap_or((master, "0"));
    let db: i64 = db.parse().map_err(|_| InvalidRedisUrl("the database is not a number".into()))?;
    let Some(first) = nodes.first().filter(|_| !master.is_empty()) else {
        return Err(InvalidRedisUrl("the master's name is missing".into()));
    };
    let login = first.redis_settings().clone().set_db(db);
    let nodes = nodes.iter().map(|node| node.addr().clone()).collect();
    Ok(RedisUrl(Place::Sentinels { nodes, master: master.into(), login }))
}

async fn connect_cluster(
    nodes: &[ConnectionInfo],
    pushes: Option<&Pushes>,
) -> RedisResult<redis::cluster_async::ClusterConnection> {
    let mut cluster = ClusterClientBuilder::new(nodes.to_vec())
        .connection_timeout(CONNECT_DEADLINE)
        .response_timeout(COMMAND_DEADLINE)
        .retries(1);
    if let Some(pushes) = pushes {
        cluster = cluster.use_protocol(ProtocolVersion::RESP3).push_sender(sender(pushes));
    }
    cluster.build()?.get_async_connection().await
}

async fn connect_master(
    nodes: &[ConnectionAddr],
    master: &str,
    login: &RedisConnectionInfo,
    pushes: Option<&Pushes>,
) -> RedisResult<MultiplexedConnection> {
    let mut builder = SentinelClientBuilder::new(nodes.to_vec(), master, SentinelServerType::Master)?
        .set_client_to_redis_db(login.db());
    if let Some(username) = login.username() {
        builder = builder.set_client_to_redis_username(username);
    }
    if let Some(password) = login.password() {
        builder = builder.set_client_to_redis_password(password);
    }
    if pushes.is_some() {
        builder = builder.set_client_to_redis_protocol(ProtocolVersion::RESP3);
    }
    builder.build()?.get_async_connection_with_config(&connection_config(pushes)).await
}

/// Connects to the address; where it is `localhost`, which may mean `::1` only, also to 127.0.0.1.
async fn connect_server(
    addr: &ConnectionAddr,
    login: &RedisConnectionInfo,
    pushes: Option<&Pushes>,
) -> RedisResult<MultiplexedConnection> {
    let first = open(addr.clone(), login.clone(), pushes).await;
    match (first, addr) {
        (Err(error), ConnectionAddr::Tcp(host, port)) if host == "localhost" => {
            let ipv4 = ConnectionAddr::Tcp("127.0.0.1".into(), *port);
            open(ipv4, login.clone(), pushes).await.map_err(|_| error)
        }
        (first, _) => first,
    }
}

async fn open(
    addr: ConnectionAddr,
    mut login: RedisConnectionInfo,
    pushes: Option<&Pushes>,
) -> RedisResult<MultiplexedConnection> {
    if pushes.is_some() {
        login = login.set_protocol(ProtocolVersion::RESP3);
    }
    let info = addr.into_connection_info()?.set_redis_settings(login);
    Client::open(info)?.get_multiplexed_async_connection_with_config(&connection_config(pushes)).await
}

fn connection_config(pushes: Option<&Pushes>) -> AsyncConnectionConfig {
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(CONNECT_DEADLINE))
        .set_response_timeout(Some(COMMAND_DEADLINE));
    match pushes {
        Some(pushes) => config.set_push_sender(sender(pushes)),
        None => config,
    }
}

/// Hands a message on if there is room.
fn sender(pushes: &Pushes) -> impl Fn(PushInfo) -> Result<(), redis::aio::SendError> + Send + Sync + 'static {
    let pushes = pushes.clone();
    move |push| pushes.try_send(push).map_err(|_| redis::aio::SendError)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(text: &str) -> String {
        match RedisUrl::parse(text).map(|url| url.0) {
            Ok(Place::Server { addr, login }) => format!("{addr} db {}", login.db()),
            Ok(Place::Cluster(nodes)) => {
                nodes.iter().map(|node| node.addr().to_string()).collect::<Vec<_>>().join(" ")
            }
            Ok(Place::Sentinels { nodes, master, login }) => {
                format!("{} of {}, db {}, {:?}", master, nodes.len(), login.db(), login.password())
            }
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn every_form_of_the_contract_is_understood() {
        assert_eq!(shape("redis://:secret@redis.example.com:6380/3"), "redis.example.com:6380 db 3");
        assert_eq!(shape("rediss://redis.example.com"), "redis.example.com:6379 db 0");
        assert_eq!(shape("redis-cluster://a:1,b:2"), "a:1 b:2");
        assert_eq!(shape("redis-cluster://u:p@a:1,b:2"), "a:1 b:2");
        assert_eq!(shape("redis-sentinel://:p@a:1,b:2/main/4"), "main of 2, db 4, Some(\"p\")");
    }

    #[test]
    fn anything_else_is_refused_with_examples() {
        for bad in [
            "",
            "localhost:6379",
            "http://a",
            "redis://",
            "redis-cluster://",
            "redis-cluster://a,,b",
            "redis-sentinel://a:1",
            "redis-sentinel://a:1/",
            "redis-sentinel://a:1/m/x",
            "redis://a:x",
        ] {
            assert!(shape(bad).contains("examples: redis://"), "{bad}: {}", shape(bad));
        }
    }
}
