//! Token buckets by key, bounded in number.

use model::{Clock, Timestamp};
use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How often something may happen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limit {
    /// Times a second in the long run.
    pub per_second: f64,
    /// Times at once after a pause.
    pub burst: f64,
}

impl Limit {
    /// The same limit, `factor` times as wide.
    #[must_use]
    pub fn scaled(self, factor: f64) -> Self {
        Self { per_second: self.per_second * factor, burst: (self.burst * factor).max(1.0) }
    }
}

/// Where requests come from, as far as limits tell apart: an IPv4 address, or an IPv6 network of 64 bits. Whoever has one
/// IPv6 address has all 2^64 of its network, so that a limit on single ones would be none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Source(IpAddr);

impl From<IpAddr> for Source {
    fn from(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX))),
            v4 => v4,
        })
    }
}

/// At most this many keys are remembered (about 100 bytes each); beyond it those that are long unused go, or, if none
/// is, all of them: that allows more than the limit for a moment rather than refusing newcomers.
const MAX_KEYS: usize = 100_000;

#[derive(Debug, Clone, Copy)]
struct Bucket {
    tokens: f64,
    at: Timestamp,
}

/// Buckets of one kind.
pub struct RateLimiter<K> {
    limit: Option<Limit>,
    clock: Clock,
    buckets: Mutex<HashMap<K, Bucket>>,
}

impl<K: Eq + Hash> RateLimiter<K> {
    /// A limiter; without a limit it allows everything.
    #[must_use]
    pub fn new(limit: Option<Limit>, clock: Clock) -> Self {
        Self { limit, clock, buckets: Mutex::default() }
    }

    /// Takes a token, or says how long there will be none.
    pub fn take(&self, key: K) -> Result<(), Duration> {
        self.with_bucket(key, |bucket, limit| {
            wait_for_token(*bucket, limit)?;
            bucket.tokens -= 1.0;
            Ok(())
        })
    }

    /// Takes a token even if there is none: for what is only known to count when it is over. Many at once that all found a
    /// token before are then paid for by a longer pause.
    pub fn charge(&self, key: K) {
        // Nothing to wait for: whoever comes next is told.
        let _ = self.with_bucket(key, |bucket, _| {
            bucket.tokens -= 1.0;
            Ok(())
        });
    }

    /// Says how long there will be no token, without taking one.
    pub fn peek(&self, key: K) -> Result<(), Duration> {
        self.with_bucket(key, |bucket, limit| wait_for_token(*bucket, limit))
    }

    fn with_bucket(
        &self,
        key: K,
        act: impl FnOnce(&mut Bucket, Limit) -> Result<(), Duration>,
    ) -> Result<(), Duration> {
        let Some(limit) = self.limit else { return Ok(()) };
        let now = self.clock.now();
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= MAX_KEYS {
            buckets.retain(|_, bucket| refilled(*bucket, limit, now).tokens < limit.burst);
            if buckets.len() >= MAX_KEYS {
                buckets.clear();
            }
        }
        let bucket = buckets.entry(key).or_insert(Bucket { tokens: limit.burst, at: now });
        *bucket = refilled(*bucket, limit, now);
        act(bucket, limit)
    }
}

fn refilled(bucket: Bucket, limit: Limit, now: Timestamp) -> Bucket {
    let gained = now.since(bucket.at).as_secs_f64() * limit.per_second;
    Bucket { tokens: (bucket.tokens + gained).min(limit.burst), at: now }
}

fn wait_for_token(bucket: Bucket, limit: Limit) -> Result<(), Duration> {
    if bucket.tokens >= 1.0 {
        return Ok(());
    }
    let wait = (1.0 - bucket.tokens) / limit.per_second;
    Err(Duration::try_from_secs_f64(wait).unwrap_or(Duration::from_secs(3600)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_allowed_and_then_the_rate() {
        let clock = Clock::default();
        let limiter = RateLimiter::new(Some(Limit { per_second: 1.0, burst: 3.0 }), clock.clone());
        assert!((0..3).all(|_| limiter.take("a").is_ok()));
        assert!(limiter.take("a").is_err() && limiter.take("b").is_ok());
        clock.advance(Duration::from_secs(1));
        assert!(limiter.take("a").is_ok() && limiter.take("a").is_err());
    }

    #[test]
    fn the_addresses_of_an_ipv6_network_are_one_source() {
        let source = |text: &str| Source::from(text.parse::<IpAddr>().unwrap());
        assert_eq!(source("2001:db8:1:2::1"), source("2001:db8:1:2:ffff:ffff:ffff:ffff"));
        assert_ne!(source("2001:db8:1:2::1"), source("2001:db8:1:3::1"));
        assert_ne!(source("192.0.2.1"), source("192.0.2.2"));
        assert_eq!(source("192.0.2.1"), source("::ffff:192.0.2.1"));
    }

    #[test]
    fn what_is_charged_without_a_token_is_waited_for() {
        let clock = Clock::default();
        let limiter = RateLimiter::new(Some(Limit { per_second: 1.0, burst: 2.0 }), clock.clone());
        (0..5).for_each(|_| limiter.charge("a"));
        clock.advance(Duration::from_secs(3));
        assert!(limiter.peek("a").is_err());
        clock.advance(Duration::from_secs(1));
        assert!(limiter.peek("a").is_ok() && limiter.peek("b").is_ok());
    }

    #[test]
    fn looking_takes_nothing() {
        let limiter = RateLimiter::new(Some(Limit { per_second: 1.0, burst: 1.0 }), Clock::default());
        assert!(limiter.peek("a").is_ok() && limiter.peek("a").is_ok());
    }
}
