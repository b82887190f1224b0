//! What follows a call.

use super::*;

fn done() -> Command {
    Command::EndWrapUp { source: Source::Oneself, by: Some(user("u1")) }
}

fn extended(seconds: u32) -> Command {
    Command::ExtendWrapUp { seconds, source: Source::Oneself, by: Some(user("u1")) }
}

#[test]
fn a_call_with_wrap_up_is_followed_by_it_and_says_until_when() {
    let desk = Desk::on_call();
    let ended = Command::WorkEnded { leg: leg("l1"), wrap_up: Some(Duration::from_secs(60)) };
    let change = apply(&desk.agent, &ended, &desk.policies, desk.now).unwrap().unwrap();
    let changed = change.state_changed().unwrap();
    assert_eq!(told(&change.events[0]), "on_call -> wrap_up by telephony");
    assert_eq!(changed.until, Some(desk.now.plus(Duration::from_secs(60))));
    assert_eq!((changed.call.clone(), changed.routable), (Some(call("l1")), false));
}

#[test]
fn a_call_without_wrap_up_returns_to_what_was_chosen() {
    for wrap_up in [None, Some(Duration::ZERO)] {
        let mut desk = Desk::on_call();
        desk.must(&Command::WorkEnded { leg: leg("l1"), wrap_up });
        assert_eq!(desk.said(), ["on_call -> available by telephony"]);
    }
}

#[test]
fn a_call_that_was_never_answered_has_no_wrap_up() {
    let mut desk = Desk::with(Presence::Available);
    desk.offered("l1");
    desk.ended("l1", 60);
    assert_eq!(desk.said()[1..], ["ringing -> available by telephony"]);
}

#[test]
fn a_wrap_up_ends_by_its_timer_and_not_before() {
    let mut desk = Desk::in_wrap_up();
    assert_eq!(next_timer(&desk.agent, &desk.policies), Some(desk.now.plus(Duration::from_secs(60))));
    desk.wait(59);
    desk.must(&Command::Timer);
    assert_eq!(desk.said().len(), 0);
    desk.wait(1);
    desk.must(&Command::Timer);
    desk.must(&Command::Timer);
    assert_eq!(desk.said(), ["wrap_up -> available by system"]);
    assert_eq!(next_timer(&desk.agent, &desk.policies), None);
}

#[test]
fn a_wrap_up_ends_when_the_agent_or_a_supervisor_says_so() {
    let mut desk = Desk::in_wrap_up();
    desk.must(&done());
    assert_eq!(desk.said(), ["wrap_up -> available by self"]);
    let mut desk = Desk::in_wrap_up();
    desk.must(&Command::EndWrapUp { source: Source::Supervisor, by: Some(user("boss")) });
    assert_eq!(desk.said(), ["wrap_up -> available by supervisor"]);
}

#[test]
fn a_wrap_up_is_extended_up_to_the_limit() {
    let mut desk = Desk::in_wrap_up();
    let began = desk.now;
    desk.wait(10);
    desk.must(&extended(240));
    assert_eq!(desk.said(), ["wrap_up -> wrap_up by self"]);
    assert_eq!(desk.agent.work[0].until, Some(began.plus(Duration::from_secs(300))));
    assert_eq!(desk.agent.since, Some(began), "the state goes on, and so does its time");
    assert_eq!(desk.agent.previous_state, Some(State::OnCall));
    assert_eq!(desk.does(&extended(1)), Err(Refusal::WrapUpTooLong { max_seconds: 300 }));
    assert_eq!(desk.does(&extended(u32::MAX)), Err(Refusal::WrapUpTooLong { max_seconds: 300 }));
    desk.timers_after(60);
    assert_eq!(desk.agent.state, State::WrapUp);
    desk.timers_after(230);
    assert_eq!(desk.agent.state, State::Available);
}

#[test]
fn outside_wrap_up_there_is_nothing_to_end_or_to_extend() {
    let mut desk = Desk::in_wrap_up();
    desk.offered("l2");
    for command in [done(), extended(5)] {
        assert_eq!(desk.does(&command), Err(Refusal::NotInWrapUp { state: State::Ringing }));
    }
    let mut desk = Desk::new();
    assert_eq!(desk.does(&done()), Err(Refusal::NotInWrapUp { state: State::Offline }));
}

#[test]
fn a_call_during_wrap_up_ends_it_and_only_its_own_wrap_up_follows() {
    let mut desk = Desk::in_wrap_up();
    desk.answered("l2");
    desk.ended("l2", 0);
    assert_eq!(desk.said(), ["wrap_up -> on_call by telephony", "on_call -> available by telephony"]);
    let mut desk = Desk::in_wrap_up();
    desk.wait(50);
    desk.answered("l2");
    desk.ended("l2", 20);
    desk.timers_after(19);
    assert_eq!(desk.agent.state, State::WrapUp);
    desk.timers_after(1);
    assert_eq!(desk.agent.state, State::Available);
}

#[test]
fn an_offer_during_wrap_up_that_is_not_answered_returns_to_what_is_left_of_it() {
    let mut desk = Desk::in_wrap_up();
    desk.offer(OfferOutcome::NoAnswer);
    assert_eq!(desk.said(), ["wrap_up -> ringing by telephony", "ringing -> wrap_up by telephony"]);
    desk.offered("l2");
    desk.timers_after(60);
    desk.offer_ended("l2", OfferOutcome::CallerGone);
    assert_eq!(desk.said()[1..], ["ringing -> available by telephony"]);
}

#[test]
fn a_wrap_up_whose_time_ends_while_it_rings_ends_with_the_ringing_so_that_its_end_is_seen() {
    let outcome = |leg_ends: &dyn Fn(&mut Desk)| {
        let mut desk = Desk::in_wrap_up();
        desk.offered("l2");
        desk.timers_after(90);
        let rings = desk.agent.clone();
        assert_eq!(next_timer(&rings, &desk.policies), None);
        desk.said();
        leg_ends(&mut desk);
        let counted: Vec<_> =
            ended_wrap_ups(&rings, &desk.agent, desk.now).map(|(_, lasted)| lasted).collect();
        assert_eq!(counted, [Duration::from_secs(60)], "its own time, not that of the ringing");
        desk.said()
    };
    let missed = outcome(&|desk| desk.offer_ended("l2", OfferOutcome::NoAnswer));
    assert_eq!(missed, ["ringing -> away (missed_call) by system"], "there was nothing else to do");
    let gone = outcome(&|desk| desk.offer_ended("l2", OfferOutcome::CallerGone));
    assert_eq!(gone, ["ringing -> available by telephony"]);
    assert_eq!(outcome(&|desk| desk.answered("l2")), ["ringing -> on_call by telephony"]);
}

#[test]
fn a_wrap_up_that_another_call_hides_begins_to_be_seen_when_that_ends_and_counts_from_its_own_call() {
    let mut desk = Desk::on_call();
    desk.answered("l2");
    desk.ended("l1", 60);
    assert_eq!(desk.said(), ["on_call -> on_call by telephony"], "the other call goes on, and is named");
    assert_eq!(desk.agent.shown_work().map(|item| item.call.clone()), Some(call("l2")));
    desk.wait(20);
    desk.ended("l2", 0);
    assert_eq!(desk.said(), ["on_call -> wrap_up by telephony"]);
    assert_eq!(desk.agent.shown_work().map(|item| item.call.clone()), Some(call("l1")));
    let before = desk.agent.clone();
    desk.timers_after(90);
    assert_eq!(desk.said(), ["wrap_up -> available by system"]);
    let counted: Vec<_> = ended_wrap_ups(&before, &desk.agent, desk.now).map(|(_, lasted)| lasted).collect();
    assert_eq!(counted, [Duration::from_secs(60)]);
}

#[test]
fn a_wrap_up_that_nobody_has_seen_is_none() {
    // Over before the other call is; and ended by the other call's own.
    for (waits, wrap_up) in [(60, 0), (10, 30)] {
        let mut desk = Desk::on_call();
        desk.answered("l2");
        desk.ended("l1", 60);
        let before = desk.agent.clone();
        desk.timers_after(waits);
        desk.ended("l2", wrap_up);
        assert_eq!(ended_wrap_ups(&before, &desk.agent, desk.now).count(), 0);
        assert_eq!(desk.said().len(), 2, "the first call's end, and the second's");
    }
}

#[test]
fn a_wrap_up_repeated_is_no_change() {
    let mut desk = Desk::in_wrap_up();
    desk.wait(5);
    desk.ended("l1", 60);
    assert_eq!((desk.said().len(), desk.agent.version), (0, 3));
}

#[test]
fn whoever_ends_or_extends_a_wrap_up_is_named() {
    let desk = Desk::in_wrap_up();
    let by = || Some(user("boss"));
    for command in [
        Command::EndWrapUp { source: Source::Supervisor, by: by() },
        Command::ExtendWrapUp { seconds: 5, source: Source::Supervisor, by: by() },
    ] {
        let change = apply(&desk.agent, &command, &desk.policies, desk.now).unwrap().unwrap();
        assert_eq!(change.state_changed().unwrap().by, by(), "{command:?}");
    }
}
