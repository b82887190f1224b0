//! The two timers of an agent without a connection.

use super::*;

#[test]
fn without_a_connection_for_the_grace_time_the_agent_is_away_and_returns_with_one() {
    for presence in [Presence::Available, Presence::Busy, Presence::Break] {
        let mut desk = Desk::with(presence);
        desk.disconnected();
        desk.timers_after(29);
        assert_eq!(desk.said().len(), 0);
        desk.timers_after(1);
        let chosen = presence.as_str();
        assert_eq!(desk.said(), [format!("{chosen} -> away (disconnected) by system")]);
        desk.wait(200);
        desk.must(&Command::Reconnected);
        desk.must(&Command::Reconnected);
        assert_eq!(desk.said(), [format!("away -> {chosen} by system")]);
        assert_eq!(next_timer(&desk.agent, &desk.policies), None);
    }
}

#[test]
fn within_the_grace_time_nothing_is_said() {
    let mut desk = Desk::with(Presence::Available);
    desk.disconnected();
    desk.wait(29);
    desk.must(&Command::Reconnected);
    desk.timers_after(1000);
    assert_eq!((desk.said().len(), desk.agent.version), (0, 1));
}

#[test]
fn without_a_connection_for_the_logout_time_the_agent_is_off_duty_and_stays_it() {
    let mut desk = Desk::with(Presence::Available);
    desk.disconnected();
    desk.timers_after(30);
    desk.timers_after(269);
    assert_eq!(desk.agent.state, State::Away);
    desk.timers_after(1);
    assert_eq!(
        desk.said()[1..],
        ["away -> offline (disconnected) by system", "logout disconnected after 5m"]
    );
    desk.must(&Command::Reconnected);
    assert_eq!((desk.said().len(), desk.agent.state), (0, State::Offline));
}

#[test]
fn whoever_is_away_by_choice_or_after_a_missed_call_is_only_logged_out() {
    let mut chosen = Desk::with(Presence::Away);
    chosen.disconnected();
    let mut missed = Desk::with(Presence::Available);
    missed.disconnected();
    missed.offer(OfferOutcome::NoAnswer);
    for mut desk in [chosen, missed] {
        desk.said.clear();
        desk.timers_after(299);
        assert_eq!(desk.said().len(), 0);
        desk.timers_after(1);
        assert_eq!(desk.said()[1], "logout disconnected after 5m");
    }
}

#[test]
fn a_person_who_is_away_by_choice_stays_it_with_a_connection() {
    let mut desk = Desk::with(Presence::Away);
    desk.disconnected();
    desk.timers_after(60);
    desk.must(&Command::Reconnected);
    assert_eq!((desk.said().len(), desk.agent.state), (0, State::Away));
}

#[test]
fn during_work_nothing_happens_until_it_ends() {
    let mut desk = Desk::on_call();
    desk.disconnected();
    desk.timers_after(60);
    assert_eq!(desk.said().len(), 0);
    desk.ended("l1", 10);
    desk.timers_after(9);
    assert_eq!(desk.said(), ["on_call -> wrap_up by telephony"]);
    desk.timers_after(1);
    assert_eq!(desk.said(), ["wrap_up -> available by system", "available -> away (disconnected) by system"]);
}

#[test]
fn agents_who_are_to_be_kept_are_kept() {
    let mut desk = Desk::with(Presence::Available);
    desk.policies.disconnect_policy = DisconnectPolicy::Keep;
    desk.disconnected();
    desk.timers_after(100_000);
    assert_eq!((desk.said().len(), desk.agent.state), (0, State::Available));
}

#[test]
fn after_a_restart_the_timers_begin_from_zero() {
    let mut desk = Desk::with(Presence::Available);
    desk.disconnected();
    desk.timers_after(30);
    desk.wait(1_000);
    desk.disconnected();
    desk.timers_after(299);
    assert_eq!(desk.agent.state, State::Away);
    desk.must(&Command::Disconnected { since: Timestamp(0) });
    desk.must(&Command::Reconnected);
    assert_eq!(desk.agent.state, State::Available);
}

#[test]
fn a_connection_lost_long_ago_makes_away_at_once() {
    let mut desk = Desk::with(Presence::Available);
    let since = desk.now;
    desk.wait(40);
    desk.must(&Command::Disconnected { since });
    assert_eq!(desk.said(), ["available -> away (disconnected) by system"]);
}

#[test]
fn a_connection_that_comes_back_during_a_call_restores_the_presence_when_it_ends() {
    let mut desk = Desk::with(Presence::Available);
    desk.disconnected();
    desk.timers_after(30);
    desk.answered("l1");
    desk.must(&Command::Reconnected);
    desk.said.clear();
    desk.ended("l1", 0);
    assert_eq!(desk.said(), ["on_call -> available by system"]);
    assert_eq!(desk.agent.remembered, None);
}

#[test]
fn a_choice_by_the_agent_is_not_undone_and_starts_the_timers_anew() {
    let mut desk = Desk::with(Presence::Available);
    desk.disconnected();
    desk.timers_after(100);
    desk.choose(Presence::Busy, None);
    desk.timers_after(29);
    assert_eq!(desk.agent.state, State::Busy);
    desk.must(&Command::Reconnected);
    assert_eq!(desk.said()[1..], ["away -> busy by self"]);
}

#[test]
fn nobody_else_declares_available_an_agent_whose_connections_are_gone() {
    let mut desk = Desk::with(Presence::Break);
    desk.disconnected();
    desk.timers_after(30);
    let available = Command::Choose(supervised(Presence::Available));
    assert_eq!(desk.does(&available), Err(Refusal::Absent));
}

#[test]
fn off_duty_no_connection_is_missed() {
    let mut desk = Desk::new();
    desk.disconnected();
    assert_eq!(desk.agent, Agent::never_on_duty(user("u1")));
    desk.choose(Presence::Available, None);
    assert_eq!(next_timer(&desk.agent, &desk.policies), None);
}

#[test]
fn whoever_only_has_no_connection_and_is_not_away_for_it_can_be_made_available() {
    for disconnect_policy in [DisconnectPolicy::Keep, DisconnectPolicy::TwoStep] {
        let mut desk = Desk::with(Presence::Busy);
        desk.policies.disconnect_policy = disconnect_policy;
        desk.disconnected();
        desk.must(&Command::Choose(supervised(Presence::Available)));
        assert_eq!(desk.said(), ["busy -> available by supervisor"]);
    }
}

#[test]
fn what_the_platform_chooses_has_its_moment() {
    let mut desk = Desk::with(Presence::Available);
    desk.disconnected();
    desk.timers_after(30);
    assert_eq!((desk.agent.chosen.source, desk.agent.chosen.at), (Source::System, Some(desk.now)));
}
