//! Doorbells with numbers: tells all other servers behind which something waits in the database, and hears it from them. A
//! ring that is lost costs little: who is concerned looks by itself. Knows nothing of what the numbers stand for.
//!
//! A message is its sender's id and the numbers, with blanks between them.

use super::{Bus, relay, wire};
use model::ServerId;
use std::fmt::Write;
use std::time::Duration;

/// The channel of all servers.
pub(super) const CHANNEL: &str = "callcenter:doorbells";
/// How long Redis may take for a ring.
const DEADLINE: Duration = Duration::from_secs(1);
/// Numbers of one message: some 10 KB.
const AT_A_TIME: usize = 1000;

impl Bus {
    /// Rings for those numbers at all servers, if Redis is there.
    pub async fn ring(&self, from: &ServerId, numbers: &[i64]) {
        let ring = |some: &[i64]| relay::publish_on(self, CHANNEL, message(from, some));
        let commands = numbers.chunks(AT_A_TIME).map(ring).collect();
        // Lost without Redis, like any ring.
        let _ = self.ask(commands, DEADLINE).await;
    }
}

fn message(from: &ServerId, numbers: &[i64]) -> Vec<u8> {
    let mut text = from.to_string();
    for number in numbers {
        // Writing into a string cannot fail.
        let _ = write!(text, " {number}");
    }
    text.into_bytes()
}

/// The numbers that another server rings for; nothing from this one, and nothing that cannot be read.
pub(super) fn heard(bytes: &[u8], own: &ServerId) -> Vec<i64> {
    if wire::is_from(bytes, own) {
        return Vec::new();
    }
    let words = std::str::from_utf8(bytes).unwrap_or_default().split(' ').skip(1);
    words.filter_map(|word| word.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn others_are_heard_and_nonsense_is_not() {
        let (own, other) = (ServerId::generate(), ServerId::generate());
        let numbers = [7, 1 << 40];
        assert_eq!(heard(&message(&other, &numbers), &own), numbers);
        assert!(heard(&message(&own, &numbers), &own).is_empty());
        for nonsense in [&b""[..], b"x", b"x y", b"\xff 7"] {
            assert!(heard(nonsense, &own).is_empty(), "{nonsense:?}");
        }
    }
}
