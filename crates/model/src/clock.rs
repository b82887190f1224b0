//! Time. `Timestamp` is a moment; `Clock` tells the product's present moment: the database's time, so that many servers
//! agree, moved by tests where they want to. The only place that asks the operating system what time it is.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use time::format_description::well_known::Rfc3339;
use time::{OffsetDateTime, UtcOffset, macros::format_description};
use tokio::sync::watch;

/// A moment, in milliseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// Whole seconds since 1970.
    #[must_use]
    pub fn unix_seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// Whole minutes since 1970.
    #[must_use]
    pub fn minute(self) -> i64 {
        self.0.div_euclid(60_000)
    }

    /// This moment, later by `d`.
    #[must_use]
    pub fn plus(self, d: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(d.as_millis()).unwrap_or(i64::MAX)))
    }

    /// This moment, earlier by `d`.
    #[must_use]
    pub fn minus(self, d: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(d.as_millis()).unwrap_or(i64::MAX)))
    }

    /// The time from `earlier` until this moment; zero if there is none.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// Reads an RFC 3339 text; `None` if it is not one.
    #[must_use]
    pub fn parse_rfc3339(text: &str) -> Option<Self> {
        let moment = OffsetDateTime::parse(text, &Rfc3339).ok()?;
        i64::try_from(moment.unix_timestamp_nanos() / 1_000_000).ok().map(Self)
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339 in UTC with milliseconds: `2026-11-23T08:15:00.000Z`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let format =
            format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");
        let text = OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0) * 1_000_000)
            .ok()
            .and_then(|t| t.to_offset(UtcOffset::UTC).format(format).ok());
        f.write_str(text.as_deref().unwrap_or("(out of range)"))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse_rfc3339(&text).ok_or_else(|| de::Error::custom("not an RFC 3339 moment"))
    }
}

/// The product's clock. Cheap to clone; all clones tell the same time.
#[derive(Clone)]
pub struct Clock(Arc<Inner>);

struct Inner {
    /// Milliseconds between the database's time and this machine's, as last sampled.
    database_offset: AtomicI64,
    /// How far a test has moved the clock; the receivers are the timers to wake.
    advanced: watch::Sender<i64>,
}

impl Default for Clock {
    fn default() -> Self {
        Self(Arc::new(Inner { database_offset: AtomicI64::new(0), advanced: watch::Sender::new(0) }))
    }
}

impl Clock {
    /// The present moment.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        let offset = self.0.database_offset.load(Ordering::Relaxed) + *self.0.advanced.borrow();
        Timestamp(machine_time().0 + offset)
    }

    /// Follows the database, which has just said that it is `now` there.
    pub fn follow(&self, now: Timestamp) {
        self.0.database_offset.store(now.0 - machine_time().0, Ordering::Relaxed);
    }

    /// How far tests have moved the clock, to add to a moment that the database itself computed.
    #[must_use]
    pub fn advanced(&self) -> Duration {
        Duration::from_millis(u64::try_from(*self.0.advanced.borrow()).unwrap_or(0))
    }

    /// Moves the clock forward and wakes whoever sleeps by it. For tests.
    pub fn advance(&self, by: Duration) {
        self.0.advanced.send_modify(|ms| *ms += i64::try_from(by.as_millis()).unwrap_or(0));
    }

    /// Returns once the clock says `until` or later.
    pub async fn sleep_until(&self, until: Timestamp) {
        let mut moved = self.0.advanced.subscribe();
        loop {
            let left = until.since(self.now());
            if left.is_zero() {
                return;
            }
            tokio::select! {
                () = tokio::time::sleep(left) => {}
                _ = moved.changed() => {}
            }
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
fn machine_time() -> Timestamp {
    let since_1970 = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since_1970.as_millis()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_written_in_utc_with_milliseconds_and_read_back() {
        let moment = Timestamp(1_729_866_000_007);
        assert_eq!(moment.to_string(), "2024-10-25T14:20:00.007Z");
        assert_eq!(Timestamp::parse_rfc3339("2024-10-25T16:20:00.007+02:00"), Some(moment));
        assert_eq!(Timestamp::parse_rfc3339("yesterday"), None);
    }

    #[tokio::test(start_paused = true)]
    async fn advancing_the_clock_wakes_its_sleepers() {
        let clock = Clock::default();
        let until = clock.now().plus(Duration::from_secs(3600));
        let sleeper = tokio::spawn({
            let clock = clock.clone();
            async move { clock.sleep_until(until).await }
        });
        clock.advance(Duration::from_secs(3601));
        sleeper.await.unwrap();
    }

    #[test]
    fn the_clock_follows_the_database() {
        let (clock, there) = (Clock::default(), Timestamp(1_000_000));
        clock.follow(there);
        let now = clock.now();
        assert!(there <= now && now.since(there) < Duration::from_secs(3600), "{now}");
    }
}
