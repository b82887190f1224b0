//! Duty begins and ends; presences are chosen without work in between.

use super::*;

#[test]
fn starting_duty_says_the_login_and_then_the_state() {
    for presence in [Presence::Available, Presence::Busy, Presence::Away, Presence::Break] {
        let mut desk = Desk::new();
        desk.choose(presence, None);
        let state = presence.as_str();
        assert_eq!(desk.said(), [format!("login {state}"), format!("offline -> {state} by self")]);
        assert_eq!(desk.agent.duty_since, Some(desk.now));
    }
}

#[test]
fn a_supervisor_puts_an_absent_agent_on_duty_but_not_available() {
    let mut desk = Desk::new();
    let available = Command::Choose(supervised(Presence::Available));
    assert_eq!(desk.does(&available), Err(Refusal::Absent));
    desk.must(&Command::Choose(supervised(Presence::Busy)));
    assert_eq!(desk.said(), ["login busy", "offline -> busy by supervisor"]);
    desk.must(&available);
    assert_eq!(desk.said(), ["busy -> available by supervisor"]);
}

#[test]
fn any_chosen_state_follows_any_other() {
    let mut desk = Desk::with(Presence::Available);
    desk.choose(Presence::Break, Some("lunch"));
    desk.must(&Command::Choose(supervised(Presence::Away)));
    desk.choose(Presence::Busy, None);
    assert_eq!(
        desk.said(),
        ["available -> break (lunch) by self", "break -> away by supervisor", "away -> busy by self"]
    );
}

#[test]
fn a_change_says_how_long_the_last_state_was_who_caused_it_and_whether_it_can_be_routed_to() {
    let mut desk = Desk::with(Presence::Break);
    desk.wait(90);
    let choice = Command::Choose(supervised(Presence::Available));
    let change = apply(&desk.agent, &choice, &desk.policies, desk.now).unwrap().unwrap();
    let changed = change.state_changed().unwrap();
    assert_eq!(changed.previous_state_lasted, Duration::from_secs(90));
    assert_eq!((changed.by.clone(), changed.at, changed.version), (Some(user("boss")), desk.now, 2));
    assert!(changed.routable && changed.call.is_none() && changed.until.is_none());
    assert_eq!((change.agent.previous_state, change.agent.since), (Some(State::Break), Some(desk.now)));
    assert_eq!(
        (change.agent.chosen.by.clone(), change.agent.chosen.at),
        (Some(user("boss")), Some(desk.now))
    );
}

#[test]
fn only_the_reason_changes_in_the_same_state_and_the_same_reason_changes_nothing() {
    let mut desk = Desk::with(Presence::Break);
    desk.choose(Presence::Break, Some("lunch"));
    assert_eq!(desk.said(), ["break -> break (lunch) by self"]);
    let before = desk.agent.clone();
    desk.choose(Presence::Break, Some("lunch"));
    assert_eq!((desk.said().len(), desk.agent), (0, before));
}

#[test]
fn ending_duty_without_work_takes_effect_at_once() {
    let mut desk = Desk::with(Presence::Busy);
    desk.wait(10);
    desk.choose(Presence::Offline, Some("home"));
    assert_eq!(desk.said(), ["busy -> offline (home) by self", "logout self after 10s"]);
    desk.choose(Presence::Offline, Some("still home"));
    assert_eq!(desk.said().len(), 0);
    let mut desk = Desk::with(Presence::Away);
    desk.must(&Command::Choose(supervised(Presence::Offline)));
    assert_eq!(desk.said(), ["away -> offline by supervisor", "logout supervisor after 0ms"]);
}

#[test]
fn a_stale_version_loses() {
    let mut desk = Desk::with(Presence::Busy);
    let stale = Choice { if_version: Some(0), ..own(Presence::Away, None) };
    assert_eq!(desk.does(&Command::Choose(stale)), Err(Refusal::StaleVersion { present: 1 }));
    desk.must(&Command::Choose(Choice { if_version: Some(1), ..own(Presence::Away, None) }));
    assert_eq!(desk.agent.version, 2);
}

#[test]
fn a_disabled_account_is_off_duty_at_once_whatever_the_work() {
    let mut desk = Desk::with(Presence::Available);
    desk.must(&Command::Disabled);
    assert_eq!(desk.said(), ["available -> offline by system", "logout account_disabled after 0ms"]);
    let mut desk = Desk::on_call();
    desk.choose(Presence::Break, None);
    desk.must(&Command::Disabled);
    assert_eq!(desk.said()[1..], ["on_call -> offline by system", "logout account_disabled after 0ms"]);
    desk.must(&Command::Disabled);
    desk.ended("l1", 60);
    assert_eq!((desk.said().len(), desk.agent.state), (0, State::Offline));
}

#[test]
fn whose_last_sign_in_was_ended_is_off_duty_at_once_unless_connections_do_not_count() {
    let mut desk = Desk::on_call();
    desk.must(&Command::SignedOut);
    assert_eq!(desk.said(), ["on_call -> offline by system", "logout session_expired after 0ms"]);
    let mut desk = Desk::with(Presence::Available);
    desk.policies.disconnect_policy = DisconnectPolicy::Keep;
    desk.must(&Command::SignedOut);
    assert_eq!((desk.said().len(), desk.agent.state), (0, State::Available));
}

#[test]
fn a_telephone_that_cannot_be_rung_changes_whether_the_agent_can_be_routed_to_and_not_the_state() {
    let mut desk = Desk::with(Presence::Available);
    desk.must(&Command::Device(Device::Unreachable));
    assert_eq!(desk.said(), ["available -> available (device_unreachable) by telephony"]);
    assert!(!desk.agent.routable());
    desk.must(&Command::Device(Device::Reachable));
    assert_eq!(desk.said(), ["available -> available by telephony"]);
    assert!(desk.agent.routable());
}

#[test]
fn a_lost_link_to_the_telephone_system_freezes_states_without_an_event() {
    let mut desk = Desk::with(Presence::Available);
    desk.must(&Command::Device(Device::Unknown));
    assert_eq!((desk.said().len(), desk.agent.version, desk.agent.routable()), (0, 1, false));
}

#[test]
fn a_telephone_that_cannot_be_rung_says_nothing_of_an_agent_off_duty() {
    let mut desk = Desk::new();
    desk.must(&Command::Device(Device::Unreachable));
    assert_eq!(desk.said().len(), 0);
    desk.choose(Presence::Available, None);
    assert_eq!(desk.said(), ["login available", "offline -> available (device_unreachable) by self"]);
}

#[test]
fn a_version_that_never_was_loses_too() {
    let mut desk = Desk::with(Presence::Busy);
    let unknown = Choice { if_version: Some(2), ..own(Presence::Away, None) };
    assert_eq!(desk.does(&Command::Choose(unknown)), Err(Refusal::StaleVersion { present: 1 }));
}
