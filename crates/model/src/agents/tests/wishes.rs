//! What is chosen during work.

use super::*;

#[test]
fn a_choice_during_work_is_a_wish_that_comes_into_force_when_the_work_ends() {
    let mut ringing = Desk::with(Presence::Available);
    ringing.offered("l1");
    for mut desk in [ringing, Desk::on_call(), Desk::in_wrap_up()] {
        let state = desk.agent.state;
        desk.said.clear();
        desk.choose(Presence::Break, Some("lunch"));
        assert_eq!(desk.said(), ["pending break (lunch)"]);
        assert_eq!((desk.agent.state, desk.agent.chosen.presence), (state, Presence::Break));
        desk.answered("l2");
        desk.ended("l1", 0);
        desk.said.clear();
        desk.ended("l2", 0);
        assert_eq!(desk.said(), ["on_call -> break (lunch) by self"]);
        assert_eq!(desk.agent.pending(), None);
    }
}

#[test]
fn a_wish_waits_for_the_end_of_the_wrap_up() {
    let mut desk = Desk::on_call();
    desk.must(&Command::Choose(supervised(Presence::Busy)));
    desk.ended("l1", 60);
    desk.timers_after(60);
    assert_eq!(
        desk.said(),
        ["pending busy", "on_call -> wrap_up by telephony", "wrap_up -> busy by supervisor"]
    );
}

#[test]
fn the_last_wish_counts_and_the_same_again_is_not_said_twice() {
    let mut desk = Desk::on_call();
    desk.choose(Presence::Break, None);
    desk.choose(Presence::Break, None);
    desk.choose(Presence::Away, None);
    assert_eq!(desk.said(), ["pending break", "pending away"]);
    desk.ended("l1", 0);
    assert_eq!(desk.said(), ["on_call -> away by self"]);
}

#[test]
fn wishing_what_was_in_force_withdraws_the_wish() {
    let mut desk = Desk::on_call();
    let before = desk.agent.chosen.clone();
    desk.choose(Presence::Break, None);
    desk.choose(Presence::Available, None);
    assert_eq!(desk.said(), ["pending break", "pending nothing"]);
    assert_eq!((desk.agent.chosen.clone(), desk.agent.in_force.clone()), (before, None));
    desk.ended("l1", 0);
    assert_eq!(desk.said(), ["on_call -> available by telephony"]);
}

#[test]
fn every_wish_counts_a_version_and_names_its_author() {
    let mut desk = Desk::on_call();
    let choice = Command::Choose(supervised(Presence::Break));
    let change = apply(&desk.agent, &choice, &desk.policies, desk.now).unwrap().unwrap();
    let expected = AgentEvent::Pending {
        presence: Some(Presence::Break),
        reason: None,
        by: Some(user("boss")),
        at: desk.now,
        version: 3,
    };
    assert_eq!((change.agent.version, change.events), (3, vec![expected]));
    assert_eq!(change.agent.since, desk.agent.since);
    let stale = Choice { if_version: Some(1), ..own(Presence::Away, None) };
    assert_eq!(desk.does(&Command::Choose(stale)), Err(Refusal::StaleVersion { present: 2 }));
}

#[test]
fn offline_during_a_call_means_log_out_after_it() {
    let mut desk = Desk::on_call();
    desk.choose(Presence::Offline, None);
    desk.wait(30);
    desk.ended("l1", 15);
    desk.timers_after(15);
    assert_eq!(
        desk.said(),
        [
            "pending offline",
            "on_call -> wrap_up by telephony",
            "wrap_up -> offline by self",
            "logout self after 45s"
        ]
    );
}

#[test]
fn a_supervisor_ends_the_duty_of_an_agent_on_a_call_by_force_and_the_call_goes_on() {
    let force = Command::Choose(Choice { force: true, ..supervised(Presence::Offline) });
    let mut desk = Desk::on_call();
    desk.must(&Command::Choose(supervised(Presence::Offline)));
    assert_eq!(desk.said(), ["pending offline"]);
    desk.must(&force);
    desk.must(&force);
    assert_eq!(desk.said(), ["on_call -> offline by supervisor", "logout supervisor after 0ms"]);
    assert_eq!(desk.agent.work.len(), 1);
    desk.ended("l1", 60);
    assert_eq!((desk.said().len(), desk.agent.state, desk.agent.work.len()), (0, State::Offline, 0));
}

#[test]
fn force_is_a_supervisors_and_only_for_offline() {
    let mut desk = Desk::on_call();
    desk.must(&Command::Choose(Choice { force: true, ..own(Presence::Offline, None) }));
    desk.must(&Command::Choose(Choice { force: true, ..supervised(Presence::Break) }));
    assert_eq!(desk.said(), ["pending offline", "pending break"]);
}

#[test]
fn a_forced_end_of_duty_ends_a_wrap_up() {
    let mut desk = Desk::in_wrap_up();
    desk.must(&Command::Choose(Choice { force: true, ..supervised(Presence::Offline) }));
    assert_eq!((desk.agent.state, desk.agent.work.len()), (State::Offline, 0));
    assert_eq!(next_timer(&desk.agent, &desk.policies), None);
}

#[test]
fn a_wish_for_a_pause_while_ringing_wins_over_the_penalty_for_missing_the_call() {
    let mut desk = Desk::with(Presence::Available);
    desk.offered("l1");
    desk.choose(Presence::Break, Some("lunch"));
    desk.offer_ended("l1", OfferOutcome::Declined);
    assert_eq!(desk.said()[2..], ["ringing -> break (lunch) by self"]);
}

#[test]
fn the_penalty_for_missing_the_call_wins_over_a_wish_to_be_available() {
    let mut desk = Desk::with(Presence::Break);
    desk.offered("l1");
    desk.choose(Presence::Available, None);
    desk.offer_ended("l1", OfferOutcome::NoAnswer);
    assert_eq!(desk.said()[2..], ["ringing -> away (missed_call) by system"]);
    assert_eq!(desk.agent.pending(), None);
}

#[test]
fn what_comes_into_force_names_who_wished_it() {
    let mut desk = Desk::on_call();
    desk.must(&Command::Choose(supervised(Presence::Break)));
    let ended = Command::WorkEnded { leg: leg("l1"), wrap_up: None };
    let change = apply(&desk.agent, &ended, &desk.policies, desk.now).unwrap().unwrap();
    let changed = change.state_changed().unwrap();
    assert_eq!((changed.state, changed.by.clone()), (State::Break, Some(user("boss"))));
}

#[test]
fn a_withdrawn_wish_names_who_withdrew_it() {
    let mut desk = Desk::on_call();
    let before = desk.agent.chosen.clone();
    desk.wait(5);
    desk.choose(Presence::Break, None);
    let back = Command::Choose(supervised(Presence::Available));
    let change = apply(&desk.agent, &back, &desk.policies, desk.now).unwrap().unwrap();
    let AgentEvent::Pending { presence, by, .. } = &change.events[0] else { unreachable!() };
    assert_eq!((presence, by), (&None, &Some(user("boss"))));
    assert_eq!(change.agent.chosen, before, "what was chosen stays as it was, with its author");
}
