//! What became of calls, by who ended them and what was told.

use super::*;
use crate::queues::LeftReason;
use Command::{Answer, Ring};

#[test]
fn what_became_of_an_unanswered_call_depends_on_who_ended_it() {
    use EndedBy::{Agent, Customer, Supervisor, System, Unknown};
    let outcome = |direction, by, told| {
        Desk::start(direction, None, Some("u1")).did(&end(Some(by), told)).call.outcome.unwrap()
    };
    for (by, inbound, outbound) in [
        (Customer, Outcome::Abandoned, Outcome::NoAnswer),
        (Unknown, Outcome::Abandoned, Outcome::NoAnswer),
        (Agent, Outcome::Rejected, Outcome::NoAnswer),
        (Supervisor, Outcome::Rejected, Outcome::NoAnswer),
        (System, Outcome::NoAnswer, Outcome::NoAnswer),
    ] {
        assert_eq!(outcome(Direction::Inbound, by, None), inbound, "{by:?}");
        assert_eq!(outcome(Direction::Outbound, by, None), outbound, "{by:?}");
        assert_eq!(outcome(Direction::Outbound, by, Some(Outcome::Busy)), Outcome::Busy);
        assert_eq!(outcome(Direction::Inbound, by, Some(Outcome::Answered)), inbound, "nobody answered");
    }
}

#[test]
fn why_a_call_leaves_its_queue_by_its_end_depends_on_who_ended_it() {
    for (by, told, expected) in [
        (EndedBy::Customer, None, LeftReason::Abandoned),
        (EndedBy::Customer, Some(Outcome::Voicemail), LeftReason::Unknown),
        (EndedBy::Customer, Some(Outcome::Merged), LeftReason::Unknown),
        (EndedBy::Customer, Some(Outcome::NoAnswer), LeftReason::Abandoned),
        (EndedBy::Customer, Some(Outcome::Failed), LeftReason::Abandoned),
        (EndedBy::Unknown, None, LeftReason::Abandoned),
        (EndedBy::Unknown, Some(Outcome::NoAnswer), LeftReason::Abandoned),
        (EndedBy::Unknown, Some(Outcome::Failed), LeftReason::Unknown),
        (EndedBy::Agent, None, LeftReason::Removed),
        (EndedBy::System, None, LeftReason::Removed),
    ] {
        let desk = Desk::inbound(Some("q1")).did(&end(Some(by), told));
        assert_eq!(desk.call.entries[0].reason, Some(expected), "{by:?} {told:?}");
        let abandoned = desk.all_said().contains(&"call.abandoned");
        assert_eq!(
            abandoned,
            expected == LeftReason::Abandoned,
            "the queue's numbers and the events agree: {by:?} {told:?}"
        );
        assert_eq!(abandoned, desk.call.outcome == Some(Outcome::Abandoned), "{by:?} {told:?}");
    }
}

#[test]
fn a_short_wait_is_what_the_numbers_of_the_queue_call_one() {
    // Long in the first queue, short in the second: the second counts, and the caller has waited both.
    let mut desk = Desk::inbound(Some("q1"));
    desk.after(60_000).says(&Command::Dequeue(LeftReason::Timeout));
    desk.says(&Command::Enqueue(queue("q2")));
    let short_in = |ms| {
        let mut desk = desk.clone();
        desk.after(ms).says(&end(Some(EndedBy::Customer), None));
        let [Counted::Entry(_, entry)] = &desk.last().counted[..] else { panic!("{:?}", desk.last()) };
        let What::Abandoned { wait, short, .. } = desk.said("call.abandoned").what else { unreachable!() };
        assert_eq!((wait, entry.wait), (secs(60) + Duration::from_millis(ms), Duration::from_millis(ms)));
        assert_eq!(short, entry.is_short(secs(5)));
        short
    };
    assert!(short_in(4_999) && !short_in(5_000));
    // Between queues no queue counts it: the whole wait, by the tenant's limit.
    for (ms, expected) in [(4_999, true), (5_000, false)] {
        let mut desk = Desk::inbound(Some("q1"));
        desk.after(ms).says(&Command::Dequeue(LeftReason::Timeout));
        desk.says(&end(Some(EndedBy::Customer), None));
        let What::Abandoned { short, .. } = desk.said("call.abandoned").what else { unreachable!() };
        assert_eq!(short, expected, "after {ms} ms");
    }
}

#[test]
fn a_phone_that_nobody_picked_up_is_no_caller_who_gave_up() {
    let desk = Desk::inbound(None).did(&Ring(user("u1")));
    let unanswered = desk.clone().did(&end(None, Some(Outcome::NoAnswer)));
    assert_eq!(unanswered.call.outcome, Some(Outcome::NoAnswer));
    assert!(!unanswered.all_said().contains(&"call.abandoned"));
    let given_up = desk.did(&end(Some(EndedBy::Customer), Some(Outcome::NoAnswer)));
    assert_eq!(given_up.call.outcome, Some(Outcome::Abandoned));
    assert!(given_up.all_said().contains(&"call.abandoned"));
}

#[test]
fn an_answered_call_stays_answered_whatever_is_told_of_its_end() {
    use Outcome::{Abandoned, Answered, Busy, Failed, Merged, NoAnswer, Rejected, Voicemail};
    for (told, expected) in [
        (NoAnswer, Answered),
        (Busy, Answered),
        (Rejected, Answered),
        (Abandoned, Answered),
        (Failed, Failed),
        (Voicemail, Voicemail),
        (Merged, Merged),
    ] {
        let desk = Desk::inbound(Some("q1")).did(&Answer(user("u1")));
        for by in EndedBy::ALL {
            let ended = desk.clone().did(&end(Some(*by), Some(told)));
            assert_eq!(ended.call.outcome, Some(expected), "{by:?} {told:?}");
        }
        // Back in a queue: that stay is abandoned, the call is not.
        let waits_again = desk.did(&transfer(TransferKind::Blind, "q2"));
        assert_eq!(waits_again.did(&end(Some(EndedBy::Customer), Some(told))).call.outcome, Some(expected));
    }
}

#[test]
fn an_answer_that_is_reported_again_does_not_take_a_call_back_that_rings_for_somebody_else() {
    let mut desk = Desk::inbound(Some("q1")).did(&Ring(user("u1")));
    desk.after(1_000).says(&Answer(user("u1")));
    desk.after(60_000).says(&transfer(TransferKind::Blind, "u2"));
    let before = desk.call.clone();
    assert_eq!(desk.after(1_000).apply(&Answer(user("u1"))), Ok(None));
    assert_eq!(desk.call, before);
    // Rung again, the agent may have it back; and out of a queue too.
    assert_eq!(desk.clone().did(&Ring(user("u1"))).did(&Answer(user("u1"))).call.agent(), Some(&user("u1")));
    let queued = Desk::inbound(None).did(&Answer(user("u1"))).did(&transfer(TransferKind::Blind, "q2"));
    assert_eq!(queued.did(&Answer(user("u1"))).call.agent(), Some(&user("u1")));
}

#[test]
fn whom_a_call_to_outside_is_handed_on_to_is_told_the_customer() {
    let placed = Desk::start(Direction::Outbound, None, Some("u1")).did(&Answer(user("u1")));
    let rung = placed.clone().did(&transfer(TransferKind::Blind, "u2"));
    let What::Ringing { from, .. } = rung.said("call.ringing").what.clone() else { unreachable!() };
    let queued = placed.did(&transfer(TransferKind::Blind, "q1"));
    let What::Joined { from: waits, .. } = queued.said("queue.joined").what.clone() else { unreachable!() };
    assert_eq!((from, waits), (rung.call.to.clone(), rung.call.to));
    let inbound = Desk::inbound(None).did(&Ring(user("u1")));
    let What::Ringing { from, .. } = inbound.said("call.ringing").what.clone() else { unreachable!() };
    assert_eq!(from, inbound.call.from);
}

#[test]
fn who_has_called_within_and_hangs_up_before_an_answer_gives_up_as_a_customer_does() {
    let mut desk = Desk::start(Direction::Internal, Some("q1"), Some("u1"));
    desk.by(Actor::Agent(user("u1"))).says(&end(None, None));
    assert_eq!((desk.ending().outcome, desk.ending().ended_by), (Outcome::Abandoned, EndedBy::Customer));
    assert_eq!(desk.call.entries[0].reason, Some(LeftReason::Abandoned));
    // Told by that agent as a supervisor, too; and what else is told is taken.
    for (actor, outcome, expected) in [
        (Actor::Supervisor(user("u1")), None, Outcome::Abandoned),
        (Actor::Agent(user("u1")), Some(Outcome::Abandoned), Outcome::Abandoned),
        // As everywhere, it is as if none were told.
        (Actor::Agent(user("u1")), Some(Outcome::Answered), Outcome::Abandoned),
        (Actor::Agent(user("u1")), Some(Outcome::Busy), Outcome::Busy),
        (Actor::Agent(user("u1")), Some(Outcome::NoAnswer), Outcome::NoAnswer),
    ] {
        let mut desk = Desk::start(Direction::Internal, Some("q1"), Some("u1"));
        desk.by(actor).says(&end(None, outcome));
        assert_eq!(desk.ending().outcome, expected, "{outcome:?}");
    }
    // In a second queue, after an answer.
    let mut second = Desk::start(Direction::Internal, Some("q1"), Some("u1")).did(&Answer(user("u2")));
    second.by(Actor::Agent(user("u2"))).says(&transfer(TransferKind::Blind, "q2"));
    second.by(Actor::Agent(user("u1"))).says(&end(None, None));
    assert_eq!(second.call.entries[1].reason, Some(LeftReason::Abandoned));
    let mut answered = Desk::start(Direction::Internal, Some("q1"), Some("u1")).did(&Answer(user("u2")));
    answered.by(Actor::Agent(user("u1"))).says(&end(None, None));
    assert_eq!((answered.ending().outcome, answered.ending().ended_by), (Outcome::Answered, EndedBy::Agent));
}

#[test]
fn an_end_that_nobody_saw_leaves_no_paper_work() {
    let mut desk = Desk::inbound(Some("q1")).did(&Answer(user("u1")));
    desk.after(60_000).by(Actor::System).says(&Command::Stale(secs(60)));
    assert!(matches!(desk.last().agents[..], [(_, AgentCommand::WorkEnded { wrap_up: None, .. })]));
}
