//! Random commands: whatever is reported, the call stays a possible one, and what is said tells all of it.

use super::fold::{fold, statistics};
use super::*;
use crate::Handling;
use crate::agents::Day;
use crate::queues::{Figures, LeftReason};
use proptest::prelude::*;
use std::collections::BTreeMap;

const LIMITS: (Duration, Duration) = (Duration::from_secs(20), Duration::from_secs(5));

fn any_of<T: Clone + std::fmt::Debug + 'static>(all: &'static [T]) -> impl Strategy<Value = T> {
    prop::sample::select(all)
}

fn any_user() -> impl Strategy<Value = UserId> {
    any_of(&["u1", "u2", "u3"]).prop_map(user)
}

fn any_queue() -> impl Strategy<Value = QueueId> {
    any_of(&["q1", "q2"]).prop_map(queue)
}

fn any_changes() -> impl Strategy<Value = Changes> {
    let text = || any_of(&["a", "b"]).prop_map(String::from);
    let disposition = prop::option::of(prop::option::of(text()));
    let tags = prop::option::of(prop::collection::vec(text(), 0..2));
    let attributes = prop::collection::btree_map(text(), prop::option::of(text()), 0..3);
    (disposition, tags, attributes).prop_map(|(disposition, tags, attributes)| Changes {
        disposition,
        tags,
        attributes,
    })
}

fn any_command() -> impl Strategy<Value = Command> {
    let target = || any_of(&["u1", "u2", "u3", "q1", "q2", "+1", "+2"]);
    prop_oneof![
        3 => any_queue().prop_map(Command::Enqueue),
        2 => any_of(LeftReason::ALL).prop_map(Command::Dequeue),
        6 => any_user().prop_map(Command::Ring),
        3 => (any_user(), any_of(OfferOutcome::ALL)).prop_map(|(user, outcome)| Command::Miss(user, outcome)),
        5 => any_user().prop_map(Command::Answer),
        3 => any_user().prop_map(Command::Hold),
        2 => any_user().prop_map(Command::Unhold),
        4 => (any_of(TransferKind::ALL), target()).prop_map(|(kind, to)| transfer(kind, to)),
        1 => (prop::option::of(any_of(EndedBy::ALL)), prop::option::of(any_of(Outcome::ALL)))
            .prop_map(|(by, outcome)| end(by, outcome)),
        1 => any_changes().prop_map(Command::Update),
        1 => (9_000..30_000u64).prop_map(|ms| Command::Stale(Duration::from_millis(ms))),
    ]
}

fn any_actor() -> impl Strategy<Value = Actor> {
    prop_oneof![
        3 => Just(Actor::Telephony),
        2 => any_user().prop_map(Actor::Agent),
        1 => Just(Actor::Supervisor(user("s1"))),
        1 => Just(Actor::System),
    ]
}

fn any_start() -> impl Strategy<Value = (Direction, Option<&'static str>, Option<&'static str>)> {
    (any_of(Direction::ALL), prop::option::of(any_of(&["q1", "q2"])), prop::option::of(any_of(&["u1", "u2"])))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn whatever_is_reported_the_call_is_possible_and_its_events_tell_all_of_it(
        (direction, queue, user) in any_start(),
        commands in prop::collection::vec((any_command(), any_actor(), -1_000..8_000i64), 0..50)
    ) {
        let mut desk = Desk::start(direction, queue, user);
        assert_possible(&desk.call);
        for (command, actor, ms) in &commands {
            let before = desk.call.clone();
            // Clocks of several servers differ: a report may seem older than the one before.
            desk.now = Timestamp(desk.now.0 + ms);
            match desk.by(actor.clone()).apply(command) {
                Err(refusal) => prop_assert_eq!(refusal.state, before.state),
                Ok(None) => {}
                Ok(Some(step)) => {
                    prop_assert!(!step.events.is_empty() && step.call != before);
                    prop_assert_eq!(desk.apply(command), Ok(None), "the same again: {:?}", command);
                }
            }
            assert_possible(&desk.call);
        }
        let told = Call { reported_at: desk.call.reported_at, ..fold(&desk.call, desk.log()) };
        prop_assert_eq!(&told, &desk.call);
        assert_order(&desk);
        assert_work(&desk);
        prop_assert_eq!(days_counted(&desk), days_told(&desk));
        prop_assert_eq!(agents_counted(&desk), agents_told(&desk));
        assert_abandoned(&desk);
    }
}

/// What can never be, whatever was reported.
fn assert_possible(call: &Call) {
    let active =
        |caller| call.legs.iter().filter(|leg| leg.active() && (leg.role == Role::Caller) == caller).count();
    let (agents, callers) = (active(false), active(true));
    let waiting = call.entries.iter().filter(|entry| entry.open()).count();
    assert!(agents <= 1 && callers <= 1 && waiting <= 1, "{call:?}");
    assert!(agents == 0 || (waiting == 0 && call.outside.is_none()), "{call:?}");
    assert!(waiting == 0 || call.outside.is_none(), "{call:?}");
    assert_eq!(call.state, call.derived_state());
    let held = call.legs.iter().any(|leg| leg.held_since.is_some());
    assert_eq!(held, call.state == State::Held, "{call:?}");
    for leg in &call.legs {
        assert!(leg.held_since.is_none() || leg.active(), "{leg:?}");
        assert_eq!(leg.missed.is_some(), leg.ended_at.is_some() && leg.answered_at.is_none(), "{leg:?}");
        let parts = call.legs.iter().filter(|other| other.open() && other.user == leg.user).count();
        assert!(parts <= 1, "{call:?}");
    }
    let over = call.state == State::Ended;
    assert_eq!(
        (over, over, over),
        (call.ended_at.is_some(), call.outcome.is_some(), call.ended_by.is_some())
    );
    assert!(!over || (waiting == 0 && call.legs.iter().all(|leg| !leg.open())), "{call:?}");
    let (talk, hold) = (call.talk(call.reported_at), call.hold(call.reported_at));
    let lasted = call.reported_at.since(call.started_at);
    assert!(talk <= lasted && hold <= 2 * lasted, "{call:?}");
}

/// The promised order: the call's, each leg's and each entry's.
fn assert_order(desk: &Desk) {
    let names: Vec<_> = desk.log().map(|(_, event)| event.what.name()).collect();
    assert!(matches!(names[0], "call.incoming" | "call.outgoing"));
    if let Some(end) = names.iter().position(|name| *name == "call.ended") {
        assert!(names[end + 1..].iter().all(|name| *name == "call.updated"), "{names:?}");
    }
    let mut legs: BTreeMap<&LegId, Vec<&str>> = BTreeMap::new();
    let mut entries: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut before: Option<&CallEvent> = None;
    for (_, event) in desk.log() {
        match &event.what {
            What::Ringing { leg, .. }
            | What::Missed { leg, .. }
            | What::Hold { leg, .. }
            | What::Unhold { leg, .. } => legs.entry(leg).or_default().push(event.what.name()),
            What::Answered { leg, via, .. } => {
                legs.entry(leg).or_default().push(event.what.name());
                let left = before.is_some_and(|before| {
                    matches!(before.what, What::Left { reason: LeftReason::Answered, .. })
                });
                assert_eq!(left, *via == Via::Queue, "{names:?}");
            }
            What::Joined { entry, .. } | What::Left { entry, .. } => {
                entries.entry(entry.as_str()).or_default().push(event.what.name());
            }
            _ => {}
        }
        before = Some(event);
    }
    for said in legs.values() {
        let rest = said.strip_prefix(&["call.ringing"]).unwrap_or(said);
        // Who placed an internal call is in it without a word of its own, so holds may stand alone.
        let talk = rest.strip_prefix(&["call.answered"]).unwrap_or(rest);
        let holds = talk.iter().enumerate().all(|(i, name)| *name == ["call.hold", "call.unhold"][i % 2]);
        assert!(rest == ["call.missed"] || holds, "{said:?}");
    }
    for said in entries.values() {
        assert!(matches!(said[..], ["queue.joined"] | ["queue.joined", "queue.left"]), "{said:?}");
    }
}

/// Each agent's work follows the legs: offered or not, then answered or not, then over, once each. Who dials is at work from the
/// start.
fn assert_work(desk: &Desk) {
    let mut works: BTreeMap<(UserId, LegId), Vec<&str>> = BTreeMap::new();
    for (user, work) in desk.steps.iter().flat_map(|step| &step.agents) {
        let (leg, word) = match work {
            AgentCommand::Offered { leg, .. } => (leg, "offered"),
            AgentCommand::OfferEnded { leg, .. } => (leg, "missed"),
            AgentCommand::Answered { leg, .. } => (leg, "answered"),
            AgentCommand::WorkEnded { leg, .. } => (leg, "ended"),
            other => panic!("no work of a call: {other:?}"),
        };
        works.entry((user.clone(), leg.clone())).or_default().push(word);
    }
    assert_eq!(works.len(), desk.call.legs.len());
    for leg in &desk.call.legs {
        let dialled = |(_, work): &(UserId, AgentCommand)| matches!(work, AgentCommand::Answered { leg: dialled, .. } if *dialled == leg.id);
        let dialled = desk.steps[0].agents.iter().any(dialled);
        let mut work = works[&(leg.user.clone(), leg.id.clone())].as_slice();
        if let ["offered", rest @ ..] = work {
            work = rest;
        }
        let expected: &[&str] = match (leg.answered_at.is_some() || dialled, leg.ended_at.is_some()) {
            (false, false) => &[],
            (false, true) => &["missed"],
            (true, false) => &["answered"],
            (true, true) => &["answered", "ended"],
        };
        assert_eq!(work, expected, "{leg:?}");
    }
}

/// Who counts `call.abandoned` in a queue without the short ones comes to what its numbers say of that stay.
fn assert_abandoned(desk: &Desk) {
    for step in &desk.steps {
        let told = step.events.iter().find_map(|event| match &event.what {
            What::Abandoned { place: Where::Queue, short, .. } => Some((event.queue.clone(), *short)),
            _ => None,
        });
        let Some((queue, short)) = told else { continue };
        let mut day = Figures::default();
        for counted in &step.counted {
            if let Counted::Entry(of, entry) = counted
                && Some(of) == queue.as_ref()
            {
                day.count(entry, LIMITS.0, LIMITS.1);
            }
        }
        assert_eq!((day.short_abandoned, day.abandoned), (u64::from(short), u64::from(!short)));
    }
}

fn days_counted(desk: &Desk) -> BTreeMap<QueueId, Figures> {
    let mut days: BTreeMap<QueueId, Figures> = BTreeMap::new();
    for counted in desk.steps.iter().flat_map(|step| &step.counted) {
        match counted {
            Counted::Entry(queue, entry) => {
                days.entry(queue.clone()).or_default().count(entry, LIMITS.0, LIMITS.1);
            }
            Counted::Leg { queue: Some(queue), talk, hold, .. } => {
                days.entry(queue.clone()).or_default().handling += Handling::of_leg(*talk, *hold);
            }
            Counted::Leg { queue: None, .. } | Counted::MissedOffer(_) => {}
        }
    }
    days
}

/// The same numbers, counted by hand from the events.
fn days_told(desk: &Desk) -> BTreeMap<QueueId, Figures> {
    use LeftReason::{Abandoned, Answered, Empty, ExitKey, Timeout, Transferred};
    let said = statistics(desk.log());
    let mut days: BTreeMap<QueueId, Figures> = BTreeMap::new();
    let ms = |duration: Duration| u64::try_from(duration.as_millis()).unwrap();
    for (queue, reason, wait, offered) in said.entries {
        let day = days.entry(queue).or_default();
        day.offered += u64::from(reason != Transferred || offered);
        day.answered += u64::from(reason == Answered);
        day.answered_in_time += u64::from(reason == Answered && wait <= LIMITS.0);
        day.abandoned += u64::from(reason == Abandoned && wait >= LIMITS.1);
        day.abandoned_in_time += u64::from(reason == Abandoned && wait >= LIMITS.1 && wait <= LIMITS.0);
        day.short_abandoned += u64::from(reason == Abandoned && wait < LIMITS.1);
        day.timed_out += u64::from(matches!(reason, Timeout | ExitKey | Empty));
        day.answered_wait_ms += if reason == Answered { ms(wait) } else { 0 };
        day.abandoned_wait_ms += if reason == Abandoned && wait >= LIMITS.1 { ms(wait) } else { 0 };
        day.max_wait_ms = day.max_wait_ms.max(ms(wait));
    }
    for part in said.parts {
        let Some(queue) = part.queue else { continue };
        let day = days.entry(queue).or_default();
        day.handling += Handling::of_leg(part.talk, part.hold);
    }
    days
}

fn agents_counted(desk: &Desk) -> BTreeMap<UserId, Day> {
    let mut days: BTreeMap<UserId, Day> = BTreeMap::new();
    for counted in desk.steps.iter().flat_map(|step| &step.counted) {
        match counted {
            Counted::Entry(..) => {}
            Counted::Leg { user, talk, hold, .. } => {
                days.entry(user.clone()).or_default().handling += Handling::of_leg(*talk, *hold);
            }
            Counted::MissedOffer(user) => days.entry(user.clone()).or_default().missed_offers += 1,
        }
    }
    days
}

/// The same numbers, counted by hand from the events.
fn agents_told(desk: &Desk) -> BTreeMap<UserId, Day> {
    let mut days: BTreeMap<UserId, Day> = BTreeMap::new();
    let is_internal = desk.call.direction == Direction::Internal;
    let parts = statistics(desk.log()).parts;
    for part in parts.into_iter().filter(|part| part.queue.is_some() || !is_internal) {
        days.entry(part.user).or_default().handling += Handling::of_leg(part.talk, part.hold);
    }
    for (_, event) in desk.log() {
        if let What::Missed { outcome: OfferOutcome::NoAnswer | OfferOutcome::Declined, .. } = &event.what {
            days.entry(event.user.clone().unwrap()).or_default().missed_offers += 1;
        }
    }
    days
}
