//! The names of what presence keeps in Redis, and how its values are written. Knows nothing of connections.
//!
//! | key | kind | what |
//! |---|---|---|
//! | `callcenter:online:{tenant}` | set | users with a connection to any server (the contract's) |
//! | `callcenter:presence:{tenant}:{user}` | string, 60 s | unix seconds of the last heartbeat (the contract's) |
//! | `callcenter:servers:{tenant}:{user}` | hash, 75 s | server → `connections:heartbeat`, each written by that server only |
//! | `callcenter:online_tenants` | set | tenants with a set of users, for the sweeper |
//! | `callcenter:sweeper` | string | the server that sweeps now |
//!
//! The contract's keys are a projection of `servers`: whoever changes that hash writes them after it, reads it once
//! more, and goes on until both agree. The last to write has then seen what holds, however the steps of several servers
//! mix; no step touches two keys, so that a cluster can keep them apart.

use model::{TenantId, UserId};
use redis::Value;

/// How long a heartbeat counts, in seconds: two of 20 s may get lost.
const LIVE_SECONDS: i64 = 55;

/// A user of a tenant.
pub(super) type Person = (TenantId, UserId);

pub(super) const TENANTS: &str = "callcenter:online_tenants";
pub(super) const SWEEPER: &str = "callcenter:sweeper";

pub(super) fn online(tenant: &TenantId) -> String {
    format!("callcenter:online:{tenant}")
}

pub(super) fn heartbeat((tenant, user): &Person) -> String {
    format!("callcenter:presence:{tenant}:{user}")
}

pub(super) fn servers((tenant, user): &Person) -> String {
    format!("callcenter:servers:{tenant}:{user}")
}

/// A server's entry: its connections, and when it said so, in unix seconds.
pub(super) fn entry(connections: usize, now: i64) -> String {
    format!("{connections}:{now}")
}

/// The connections of all servers but `own` in a hash of entries, without those whose server has gone silent.
pub(super) fn connections_elsewhere(hash: &Value, own: &str, now: i64) -> usize {
    let entries: Vec<(String, String)> = redis::from_redis_value_ref(hash).unwrap_or_default();
    let connections = |(server, entry): &(String, String)| {
        let (connections, at) = entry.split_once(':')?;
        let is_live = at.parse::<i64>().ok()? > now - LIVE_SECONDS;
        (server != own && is_live).then(|| connections.parse().ok()).flatten()
    };
    entries.iter().filter_map(connections).fold(0, usize::saturating_add)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silent_servers_and_the_own_one_do_not_count() {
        let text = |text: &str| Value::BulkString(text.into());
        let hash = Value::Array(
            [("a", "1:1000"), ("b", "2:990"), ("c", "4:945"), ("d", "broken"), ("e", "8:946")]
                .iter()
                .flat_map(|(server, entry)| [text(server), text(entry)])
                .collect(),
        );
        assert_eq!(connections_elsewhere(&hash, "a", 1000), 10);
        assert_eq!(connections_elsewhere(&Value::Nil, "a", 1000), 0);
    }
}
