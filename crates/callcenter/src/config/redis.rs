//! Where Redis is: one URL, or the four pieces; what a URL may be is the business of who connects.

use super::reader::Reader;
use super::values::{host, number};
use realtime::RedisUrl;

/// How the servers of Redis work together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Topology {
    /// One server.
    Single,
    /// A cluster.
    Cluster,
    /// Servers watched by sentinels.
    Sentinel,
}

/// A checked address of Redis, and what the checklist wants to know of it.
#[derive(Clone)]
pub struct Redis {
    /// What to connect to.
    pub url: RedisUrl,
    /// How the servers work together.
    pub topology: Topology,
    /// Whether there is a password.
    pub has_password: bool,
}

/// Reads the `REDIS_` variables; all are checked, also those that are not in use.
pub fn read(reader: &mut Reader<'_>) -> Option<Option<Redis>> {
    let server = reader.optional("REDIS_HOST", host);
    let port = reader.required("REDIS_PORT", number(1_u16..=65_535));
    let password = reader.text("REDIS_PASSWORD").unwrap_or_default();
    let db = reader.required("REDIS_DB", number(0_i64..=65_535));
    let url = reader.optional("REDIS_URL", parse);
    let (server, port, db, url) = (server?, port?, db?, url?);
    let of_pieces = |server: String| Redis {
        url: RedisUrl::of_parts(&server, port, password, db),
        topology: Topology::Single,
        has_password: !password.is_empty(),
    };
    Some(url.or_else(|| server.map(of_pieces)))
}

fn parse(text: &str) -> Result<Redis, String> {
    let url = RedisUrl::parse(text).map_err(|error| {
        let why = error.to_string();
        format!("is no address of Redis ({})", why.split(';').next().unwrap_or_default())
    })?;
    let topology = match text.split_once("://").map(|(scheme, _)| scheme) {
        Some("redis-cluster") => Topology::Cluster,
        Some("redis-sentinel") => Topology::Sentinel,
        _ => Topology::Single,
    };
    Ok(Redis { url, topology, has_password: has_password(text) })
}

/// Whether something stands between the `:` and the `@` of `://user:password@`.
fn has_password(url: &str) -> bool {
    let credentials =
        url.split_once("://").and_then(|(_, rest)| rest.rsplit_once('@')).map(|(before, _)| before);
    credentials
        .and_then(|credentials| credentials.split_once(':'))
        .is_some_and(|(_, password)| !password.is_empty())
}

#[cfg(test)]
mod tests {
    use super::super::Sources;
    use super::*;

    fn read_of(environment: &[(&str, &str)]) -> Option<Option<(Topology, bool)>> {
        let sources = Sources::of(environment, "");
        let redis = read(&mut Reader::new(&sources));
        redis.map(|redis| redis.map(|redis| (redis.topology, redis.has_password)))
    }

    #[test]
    fn without_a_host_or_a_url_there_is_none() {
        assert_eq!(read_of(&[("REDIS_PASSWORD", "pw")]), Some(None));
    }

    #[test]
    fn the_url_wins_over_the_four_pieces() {
        let pieces = [("REDIS_HOST", "r"), ("REDIS_PASSWORD", "pw")];
        assert_eq!(read_of(&pieces), Some(Some((Topology::Single, true))));
        let both = [("REDIS_HOST", "r"), ("REDIS_PASSWORD", "pw"), ("REDIS_URL", "redis-cluster://a:1,b:2")];
        assert_eq!(read_of(&both), Some(Some((Topology::Cluster, false))));
    }

    #[test]
    fn all_forms_are_told_apart_with_and_without_a_password() {
        let of_url = |url: &str| read_of(&[("REDIS_URL", url)]).unwrap().unwrap();
        assert_eq!(of_url("redis-sentinel://:pw@a:1,b:2/main"), (Topology::Sentinel, true));
        assert_eq!(of_url("rediss://user@a"), (Topology::Single, false));
        assert_eq!(of_url("redis://:@a/3"), (Topology::Single, false));
    }

    #[test]
    fn bad_pieces_are_found_even_where_a_url_is_in_force() {
        assert_eq!(read_of(&[("REDIS_URL", "redis://a"), ("REDIS_PORT", "x")]), None);
        assert_eq!(read_of(&[("REDIS_URL", "a:6379")]), None);
    }
}
