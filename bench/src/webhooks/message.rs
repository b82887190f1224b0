//! The events that are published: all of one size, each with its run, its number and the moment when it was due.

use std::sync::OnceLock;
use tokio::time::Instant;

/// The name under which events are published.
pub(super) const EVENT: &str = "bench.event";
/// A payload's size in bytes.
pub(super) const PAYLOAD: usize = 512;

/// The marks by which the receiver knows an event again, whatever envelope stands around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Marks {
    /// Which measurement it belongs to.
    pub(super) run: u64,
    /// 0, 1, 2, … in its run.
    pub(super) number: u64,
    /// When it was due, as [`now_us`] tells moments.
    pub(super) due_us: u64,
}

/// Microseconds since the first call in this process, in which both ends run.
pub(super) fn now_us() -> u64 {
    static BEGUN: OnceLock<Instant> = OnceLock::new();
    u64::try_from(BEGUN.get_or_init(Instant::now).elapsed().as_micros()).unwrap_or(u64::MAX)
}

impl Marks {
    /// A payload of [`PAYLOAD`] bytes with these marks.
    pub(super) fn payload(self) -> String {
        let Self { run, number, due_us } = self;
        let mut text =
            format!(r#"{{"bench_run":{run},"bench_number":{number},"bench_due_us":{due_us},"pad":""#);
        let pad = PAYLOAD.saturating_sub(text.len() + 2);
        text.extend(std::iter::repeat_n('x', pad));
        text.push_str("\"}");
        text
    }

    /// The marks in a received body.
    pub(super) fn find(body: &str) -> Option<Self> {
        Some(Self {
            run: number_after(body, "\"bench_run\":")?,
            number: number_after(body, "\"bench_number\":")?,
            due_us: number_after(body, "\"bench_due_us\":")?,
        })
    }
}

fn number_after(body: &str, mark: &str) -> Option<u64> {
    let rest = &body[body.find(mark)? + mark.len()..];
    let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    rest[..digits].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_has_its_size_and_its_marks_are_found_again() {
        let marks = Marks { run: 7, number: 42, due_us: 1_000_001 };
        let payload = marks.payload();
        assert_eq!(payload.len(), PAYLOAD);
        assert_eq!(Marks::find(&format!(r#"{{"event":"x","data":{payload},"seq":3}}"#)), Some(marks));
        assert_eq!(Marks::find("{}"), None);
    }
}
