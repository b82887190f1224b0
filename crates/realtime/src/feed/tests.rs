//! The gate and the tail against a model: whatever order events come in, whatever is lost, readers see all of them.

use super::gate::Gate;
use super::tail::{Budget, Tail};
use super::*;
use crate::HubConfig;
use model::{Audience, EventId, EventName, TenantId, Timestamp};
use proptest::prelude::*;
use serde_json::value::RawValue;

fn event(seq: i64, bytes: usize) -> Arc<Event> {
    let payload = RawValue::from_string(format!(r#"{{"x":"{}"}}"#, "x".repeat(bytes))).unwrap();
    Arc::new(Event {
        tenant: TenantId::parse("t").unwrap(),
        seq,
        id: EventId::generate(),
        name: EventName::parse("order.paid").unwrap(),
        subject: None,
        audience: Audience::default(),
        payload: payload.into(),
        created_at: Timestamp(0),
    })
}

fn numbers(passed: &[Arc<Event>]) -> Vec<i64> {
    passed.iter().map(|event| event.seq).collect()
}

fn feed(config: &HubConfig) -> Feed {
    Feed::new(Budget::new(config))
}

/// Reads all that a reader at `next` can have now; what lies before the tail comes from the model's log, 1, 2, 3 …
fn catch_up(feed: &Feed, next: &mut i64, limit: usize) -> Vec<i64> {
    let mut read = Vec::new();
    loop {
        match feed.read(*next, limit) {
            Found::Behind => {
                read.push(*next);
                *next += 1;
            }
            Found::Events(events) if events.is_empty() => return read,
            Found::Events(events) => {
                read.extend(events.iter().map(|entry| entry.seq()));
                *next += i64::try_from(events.len()).unwrap();
            }
        }
    }
}

#[test]
fn what_comes_before_the_head_is_known_waits_for_it() {
    let (mut gate, mut passed) = (Gate::default(), Vec::new());
    for seq in [7, 5, 6, 9] {
        gate.offer(event(seq, 1), &mut passed);
    }
    assert!(passed.is_empty() && gate.head().is_none() && gate.hole().is_none());
    gate.open(5, &mut passed);
    assert_eq!(numbers(&passed), [6, 7]);
    assert_eq!(gate.hole(), Some(7));
}

#[test]
fn a_gate_that_waits_long_keeps_little_and_knows_what_it_missed() {
    let (mut gate, mut passed) = (Gate::default(), Vec::new());
    gate.open(0, &mut passed);
    for seq in 2..5000 {
        gate.offer(event(seq, 1), &mut passed);
    }
    gate.offer(event(1, 1), &mut passed);
    assert_eq!(numbers(&passed), (1..=257).collect::<Vec<_>>());
    assert_eq!(gate.hole(), Some(257));
    let mut wide = Gate::default();
    wide.open(0, &mut passed);
    for seq in 2..100 {
        wide.offer(event(seq, 64 << 10), &mut passed);
    }
    passed.clear();
    wide.offer(event(1, 1), &mut passed);
    assert!(passed.len() < 10, "{}", passed.len());
}

#[test]
fn a_tail_keeps_to_each_of_its_three_bounds() {
    let config =
        HubConfig { tail_events: 10, tail_bytes: 20_000, tail_bytes_total: 30_000, ..HubConfig::default() };
    let budget = Budget::new(&config);
    let (mut small, mut large) = (Tail::new(Arc::clone(&budget)), Tail::new(Arc::clone(&budget)));
    (1..=50).for_each(|seq| small.push(event(seq, 1)));
    assert_eq!(small.first(), Some(41));
    (1..=50).for_each(|seq| large.push(event(seq, 1000)));
    assert!(large.from(50, 1).is_some() && large.from(45, 1).is_none());
    assert!(budget.used() <= 30_000);
    large.push(event(51, 100_000));
    assert_eq!(large.first(), None);
    small.trim_to(0);
    assert_eq!(budget.used(), 0);
    (51..=60).for_each(|seq| small.push(event(seq, 1)));
    drop((small, large));
    assert_eq!(budget.used(), 0);
}

#[test]
fn what_is_too_old_is_read_from_the_log() {
    let feed = feed(&HubConfig::default());
    feed.open(0, Vec::new());
    feed.offer((1..=3).map(|seq| {
        let event = model::Event::clone(&event(seq, 1));
        Arc::new(model::Event { created_at: Timestamp(seq * 1000), ..event })
    }));
    feed.trim_older(Timestamp(2000));
    assert!(matches!(feed.read(1, 1), Found::Behind));
    assert!(feed.holds_after(1) && !feed.holds_after(0));
    feed.trim_older(Timestamp(9000));
    assert!(matches!(feed.read(3, 1), Found::Behind));
    assert!(feed.holds_after(3), "who has all of it goes on");
    feed.offer([event(4, 1)]);
    assert!(matches!(feed.read(4, 1), Found::Events(_)));
}

#[test]
fn a_frame_is_made_once_and_shared() {
    let feed = feed(&HubConfig::default());
    feed.open(0, Vec::new());
    feed.offer([event(1, 10)]);
    let frames: Vec<_> = (0..2)
        .map(|_| match feed.read(1, 1) {
            Found::Events(events) => events[0].frame(model::event::View::Full),
            Found::Behind => panic!("not in the tail"),
        })
        .collect();
    assert_eq!(frames[0].as_ptr(), frames[1].as_ptr());
}

#[test]
fn after_a_skip_readers_are_sent_to_the_log() {
    let feed = feed(&HubConfig::default());
    feed.open(0, Vec::new());
    feed.offer((1..=3).map(|seq| event(seq, 1)));
    assert!(feed.offer([event(9, 1)]));
    feed.skip_to(8);
    assert_eq!(feed.head(), Some(9));
    assert!(matches!(feed.read(4, 1), Found::Behind));
    assert!(!feed.holds_after(2) && feed.holds_after(8) && feed.holds_after(9));
}

#[test]
fn a_log_that_went_back_begins_anew_and_wakes_readers_again() {
    let feed = feed(&HubConfig::default());
    feed.open(0, Vec::new());
    feed.offer((1..=9).map(|seq| event(seq, 1)));
    feed.reopen(4);
    let mut woken = feed.watch();
    woken.borrow_and_update();
    feed.offer([event(5, 1)]);
    assert!(woken.has_changed().unwrap());
    assert_eq!(catch_up(&feed, &mut 5, 10), [5]);
}

proptest! {
    #[test]
    fn every_reader_sees_every_event_once_and_in_order(
        order in Just((1..=60_i64).collect::<Vec<_>>()).prop_shuffle(),
        lost in prop::collection::hash_set(1..=60_i64, 0..20),
        repeated in prop::collection::vec(1..=60_i64, 0..10),
        head in 0..10_i64,
        open_at in 0..60_usize,
        tail_events in 1..20_usize,
        pace in prop::collection::vec(1..8_usize, 3),
    ) {
        let feed = feed(&HubConfig { tail_events, ..HubConfig::default() });
        let mut readers: Vec<(i64, Vec<i64>)> = vec![(head + 1, Vec::new()); pace.len()];
        let signals = order.iter().filter(|seq| !lost.contains(seq)).chain(&repeated);
        for (at, seq) in signals.enumerate() {
            if at == open_at {
                feed.open(head, Vec::new());
            }
            feed.offer([event(*seq, 1)]);
            for ((next, seen), pace) in readers.iter_mut().zip(&pace) {
                if at % pace == 0 && feed.head().is_some() {
                    seen.extend(catch_up(&feed, next, *pace));
                }
            }
        }
        feed.open(head, Vec::new());
        feed.note_head(60);
        while let Some((after, known)) = feed.hole() {
            prop_assert!(after < known);
            feed.offer((after + 1..=60).take(7).map(|seq| event(seq, 1)));
        }
        for (mut next, mut seen) in readers {
            seen.extend(catch_up(&feed, &mut next, 5));
            prop_assert_eq!(seen, (head + 1..=60).collect::<Vec<_>>());
        }
    }
}
