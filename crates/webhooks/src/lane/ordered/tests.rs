//! Tests of order by state alone, against a database that is a map.

use super::*;
use crate::limits::ORDERED_AHEAD;
use crate::request::tests::delivery;
use proptest::prelude::*;
use std::collections::BTreeMap;

const NOW: Timestamp = Timestamp(1_000_000);
const LATER: Timestamp = Timestamp(2_000_000);

/// A lane, and its queues as the database has them.
struct Bench {
    lane: Ordered,
    rows: BTreeMap<(i64, i64), Timestamp>,
    newest: i64,
    /// What was sent, by queue, each delivery once.
    sent: BTreeMap<i64, Vec<i64>>,
    reads: usize,
}

impl Bench {
    fn new() -> Self {
        Self { lane: Ordered::new(1), rows: BTreeMap::new(), newest: 0, sent: BTreeMap::new(), reads: 0 }
    }

    fn queue(&mut self, queue: i64) -> i64 {
        self.newest += 1;
        self.rows.insert((queue, self.newest), NOW);
        self.lane.wake();
        self.newest
    }

    /// Reads as the claimer does, as long as the lane wants it.
    fn read(&mut self, due_at: Timestamp) {
        while self.lane.wants_more(ORDERED_AHEAD) && self.reads < 100_000 {
            self.reads += 1;
            let listed = match self.lane.round() {
                Some(after) => self.listed(after),
                None => Vec::new(),
            };
            let parts = self.lane.choose(&listed, due_at, ORDERED_AHEAD - self.lane.queued);
            for part in parts {
                let rows: Vec<_> = self
                    .rows
                    .range((part.queue, part.after.0 + 1)..=(part.queue, i64::MAX))
                    .take(part.limit)
                    .map(|((_, log), due)| (*log, *due))
                    .collect();
                let due = rows.first().map_or(NOW, |(_, due)| *due);
                let rows = rows.iter().map(|(log, _)| Queued { delivery: delivery(*log, None), bytes: 1 });
                self.lane.take_in(part, due, due_at, rows.collect());
            }
        }
    }

    fn listed(&self, after: i64) -> Vec<(i64, Timestamp)> {
        let mut listed: Vec<(i64, Timestamp)> = Vec::new();
        for ((queue, _), due) in self.rows.range((after + 1, i64::MIN)..) {
            if listed.last().is_none_or(|(last, _)| last != queue) {
                listed.push((*queue, *due));
            }
        }
        listed.truncate(QUEUES_TOGETHER);
        listed
    }

    fn send(&mut self) -> Option<(i64, i64)> {
        let (queued, place) = self.lane.pop()?;
        let log = queued.delivery.id.0;
        let sent = self.sent.entry(place.queue).or_default();
        if !sent.contains(&log) {
            sent.push(log);
        }
        Some((place.queue, log))
    }

    fn record(&mut self, (queue, log): (i64, i64), outcome: Outcome) {
        match outcome {
            Outcome::Ended => drop(self.rows.remove(&(queue, log))),
            Outcome::Until(due) => drop(self.rows.insert((queue, log), due)),
            Outcome::Lost => {}
        }
        self.lane.recorded(queue, LogId(log), outcome);
    }

    fn end(&mut self, place: (i64, i64)) {
        self.lane.ended(place.0, LogId(place.1));
        self.record(place, Outcome::Ended);
    }
}

#[test]
fn one_queue_goes_one_at_a_time_in_order() {
    let mut bench = Bench::new();
    for _ in 0..200 {
        bench.queue(STRICT_QUEUE);
    }
    for expected in 1..=200 {
        bench.read(NOW);
        let place = bench.send().unwrap();
        assert_eq!((place.1, bench.send()), (expected, None));
        bench.end(place);
    }
    bench.read(NOW);
    assert!(bench.send().is_none() && bench.lane.is_idle());
}

#[test]
fn a_success_lets_the_next_one_go_before_it_is_written_down() {
    let mut bench = Bench::new();
    let queue = [bench.queue(7), bench.queue(7)];
    bench.read(NOW);
    let first = bench.send().unwrap();
    bench.lane.ended(7, LogId(first.1));
    let second = bench.send().unwrap();
    assert_eq!([first.1, second.1], queue);
    // The database still shows both: neither is read again.
    bench.lane.ended(7, LogId(second.1));
    bench.lane.wake();
    bench.read(NOW);
    assert!(bench.send().is_none());
    bench.record(first, Outcome::Ended);
    let third = bench.queue(7);
    bench.read(NOW);
    assert_eq!(bench.send(), Some((7, third)));
}

#[test]
fn a_retry_holds_back_its_queue_and_no_other() {
    let mut bench = Bench::new();
    for queue in [1, 2, 1, 2, 1] {
        bench.queue(queue);
    }
    bench.read(NOW);
    let first = bench.send().unwrap();
    assert_eq!(first, (1, 1));
    bench.record(first, Outcome::Until(LATER));
    let mut others = Vec::new();
    bench.read(NOW);
    while let Some(place) = bench.send() {
        others.push(place);
        bench.end(place);
        bench.read(NOW);
    }
    assert_eq!(others, [(2, 2), (2, 4)]);
    assert_eq!(bench.lane.next_due(), Some(LATER));
    bench.lane.look(LogId(bench.newest), 0, LATER);
    for expected in [1, 3, 5] {
        bench.read(LATER);
        let place = bench.send().unwrap();
        assert_eq!(place, (1, expected));
        bench.end(place);
    }
}

#[test]
fn a_head_of_many_blocked_deliveries_neither_fills_memory_nor_keeps_others_back() {
    let mut bench = Bench::new();
    for _ in 0..5_000 {
        bench.queue(1);
    }
    bench.read(NOW);
    assert!(bench.lane.queued <= QUEUE_AHEAD, "{}", bench.lane.queued);
    // It is under way and gets no answer; the others go past it.
    bench.send().unwrap();
    for queue in 2..1_000 {
        bench.queue(queue);
    }
    let mut done = 0;
    bench.read(NOW);
    while let Some(place) = bench.send() {
        assert_ne!(place.0, 1);
        done += 1;
        bench.end(place);
        bench.read(NOW);
        assert!(bench.lane.queued <= ORDERED_AHEAD + QUEUE_AHEAD, "{}", bench.lane.queued);
    }
    assert_eq!(done, 998);
}

#[test]
fn ten_thousand_blocked_queues_cost_a_round_and_hide_nobody() {
    let mut bench = Bench::new();
    for queue in 1..=10_000 {
        bench.queue(queue);
        bench.rows.insert((queue, bench.newest), LATER);
    }
    bench.read(NOW);
    assert!(bench.send().is_none());
    let (reads, log) = (bench.reads, bench.queue(5_000_000));
    bench.read(NOW);
    assert_eq!(bench.send(), Some((5_000_000, log)));
    assert!(bench.reads - reads <= 2 * (10_000 / QUEUES_TOGETHER + 1), "{}", bench.reads - reads);
    // When nothing changes, nothing is read.
    let reads = bench.reads;
    bench.lane.look(LogId(log), 0, NOW);
    bench.read(NOW);
    bench.lane.look(LogId(log), 0, NOW);
    bench.read(NOW);
    assert!(bench.reads - reads <= 10_000 / QUEUES_TOGETHER + 3, "{}", bench.reads - reads);
}

#[test]
fn a_lane_that_is_lost_sends_nothing_and_waits_for_what_it_has_sent() {
    let mut bench = Bench::new();
    let (first, second) = (bench.queue(3), bench.queue(3));
    bench.read(NOW);
    let sent = bench.send().unwrap();
    assert_eq!(bench.lane.lose(), 1);
    assert!(bench.lane.pop().is_none() && !bench.lane.wants_more(ORDERED_AHEAD));
    // It is ours again before the answer has come: that one delivery is not sent a second time meanwhile.
    bench.lane.hold(1);
    bench.read(NOW);
    assert!(bench.send().is_none());
    bench.end(sent);
    bench.read(NOW);
    assert_eq!((sent.1, bench.send()), (first, Some((3, second))));
}

#[derive(Debug, Clone)]
enum Step {
    Queue(i64),
    Read,
    Send,
    /// Success, failure for good, or a retry; written down at once or later.
    Answer(usize, u8, bool),
    Record,
    Lapse,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        5 => (0..5_i64).prop_map(Step::Queue),
        4 => Just(Step::Read),
        6 => Just(Step::Send),
        5 => (any::<usize>(), 0..3_u8, any::<bool>()).prop_map(|(at, how, now)| Step::Answer(at, how, now)),
        3 => Just(Step::Record),
        1 => Just(Step::Lapse),
    ]
}

proptest! {
    /// Whatever happens in whatever order: each queue's deliveries are first sent in order, one at a time, and in the end
    /// all of them are over and nothing is left in memory.
    #[test]
    fn every_queue_keeps_its_order(steps in proptest::collection::vec(step(), 1..200)) {
        let mut bench = Bench::new();
        let mut flying: Vec<(i64, i64)> = Vec::new();
        let mut unwritten: Vec<((i64, i64), Outcome)> = Vec::new();
        let mut due = NOW;
        for step in steps {
            match step {
                Step::Queue(queue) => drop(bench.queue(queue)),
                Step::Read => bench.read(due),
                Step::Send => flying.extend(bench.send()),
                Step::Answer(at, how, now) if !flying.is_empty() => {
                    let place = flying.swap_remove(at % flying.len());
                    let outcome = if how == 2 { Outcome::Until(due) } else { Outcome::Ended };
                    if how == 0 {
                        bench.lane.ended(place.0, LogId(place.1));
                    }
                    if now { bench.record(place, outcome) } else { unwritten.push((place, outcome)) }
                }
                Step::Record if !unwritten.is_empty() => {
                    // Results are written down in the order in which they came.
                    let (place, outcome) = unwritten.remove(0);
                    bench.record(place, outcome);
                }
                Step::Lapse => {
                    bench.lane.lose();
                    bench.lane.hold(1);
                }
                Step::Answer(..) | Step::Record => {}
            }
            let mut under_way: Vec<i64> = flying.iter().map(|place| place.0).collect();
            under_way.sort_unstable();
            let count = under_way.len();
            under_way.dedup();
            prop_assert_eq!(under_way.len(), count, "two of a queue at a time");
            due = Timestamp(due.0 + 1);
        }
        for (place, outcome) in unwritten.drain(..) {
            bench.record(place, outcome);
        }
        for _ in 0..5_000 {
            while let Some(place) = flying.pop() {
                bench.end(place);
            }
            bench.lane.look(LogId(bench.newest), 0, LATER);
            bench.read(LATER);
            flying.extend(bench.send());
            if flying.is_empty() && bench.rows.is_empty() {
                break;
            }
        }
        prop_assert!(bench.rows.is_empty(), "left: {:?}", bench.rows);
        prop_assert!(bench.lane.is_idle() && bench.lane.queued == 0);
        for sent in bench.sent.values() {
            prop_assert!(sent.is_sorted(), "{:?}", sent);
        }
    }
}
