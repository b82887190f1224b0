//! Offers, answers, and offers that nobody took.

use super::*;
use OfferOutcome::{AnsweredElsewhere, Busy, CallerGone, Declined, NoAnswer, Unreachable};

#[test]
fn an_offer_rings_whatever_was_chosen_and_keeps_it_underneath() {
    for presence in [Presence::Available, Presence::Busy, Presence::Away, Presence::Break] {
        let mut desk = Desk::with(presence);
        desk.offered("l1");
        desk.offered("l1");
        let chosen = presence.as_str();
        assert_eq!(desk.said(), [format!("{chosen} -> ringing by telephony")]);
        desk.offer_ended("l1", CallerGone);
        assert_eq!(desk.said(), [format!("ringing -> {chosen} by telephony")]);
    }
}

#[test]
fn ringing_and_the_call_name_their_call() {
    let desk = Desk::with(Presence::Available);
    let offered = Command::Offered { call: call("l1"), leg: leg("l1") };
    let change = apply(&desk.agent, &offered, &desk.policies, desk.now).unwrap().unwrap();
    let changed = change.state_changed().unwrap();
    assert_eq!((changed.call.clone(), changed.routable, changed.until), (Some(call("l1")), false, None));
}

#[test]
fn an_answered_offer_is_a_call_and_so_is_an_answer_without_an_offer() {
    let mut desk = Desk::with(Presence::Available);
    desk.offered("l1");
    desk.answered("l1");
    desk.answered("l1");
    assert_eq!(desk.said(), ["available -> ringing by telephony", "ringing -> on_call by telephony"]);
    let mut desk = Desk::with(Presence::Break);
    desk.answered("l1");
    assert_eq!(desk.said(), ["break -> on_call by telephony"]);
}

#[test]
fn an_offer_that_was_answered_cannot_be_missed_any_more() {
    let mut desk = Desk::on_call();
    desk.offer_ended("l1", NoAnswer);
    assert_eq!((desk.said().len(), desk.agent.state), (0, State::OnCall));
}

#[test]
fn an_offer_that_ended_elsewhere_is_not_held_against_the_agent() {
    let mut desk = Desk::with(Presence::Available);
    for outcome in [CallerGone, AnsweredElsewhere] {
        desk.offer(outcome);
        assert_eq!(desk.agent.missed_offers + desk.agent.declined_offers, 0);
        assert_eq!(desk.said()[1], "ringing -> available by telephony");
    }
}

#[test]
fn a_missed_offer_makes_the_agent_away() {
    for outcome in [NoAnswer, Unreachable, Busy] {
        let mut desk = Desk::with(Presence::Available);
        desk.offer(outcome);
        assert_eq!(desk.said()[1..], ["ringing -> away (missed_call) by system"]);
        assert_eq!(desk.agent.missed_offers, 0);
    }
}

#[test]
fn the_third_decline_in_a_row_makes_the_agent_away() {
    let mut desk = Desk::with(Presence::Available);
    desk.offer(Declined);
    desk.offer(Declined);
    assert_eq!(desk.agent.state, State::Available);
    desk.offer(Declined);
    assert_eq!(desk.said().last().unwrap(), "ringing -> away (missed_call) by system");
}

#[test]
fn misses_and_declines_are_counted_apart_and_an_answer_forgives_both() {
    let mut desk = Desk::with(Presence::Available);
    desk.policies.missed_offers_to_away = 3;
    for _ in 0..3 {
        for outcome in [NoAnswer, Declined, Declined, NoAnswer] {
            desk.offer(outcome);
        }
        assert_eq!((desk.agent.missed_offers, desk.agent.declined_offers), (2, 2));
        desk.answered("l1");
        desk.ended("l1", 0);
        assert_eq!((desk.agent.missed_offers, desk.agent.declined_offers), (0, 0));
    }
    assert_eq!(desk.agent.state, State::Available);
}

#[test]
fn a_new_duty_begins_with_nothing_missed() {
    let mut desk = Desk::with(Presence::Available);
    desk.policies.missed_offers_to_away = 2;
    desk.offer(NoAnswer);
    desk.choose(Presence::Offline, None);
    desk.choose(Presence::Available, None);
    desk.offer(NoAnswer);
    assert_eq!((desk.agent.state, desk.agent.missed_offers), (State::Available, 1));
}

#[test]
fn a_policy_of_zero_never_makes_away() {
    let mut desk = Desk::with(Presence::Available);
    (desk.policies.missed_offers_to_away, desk.policies.declined_offers_to_away) = (0, 0);
    for _ in 0..10 {
        desk.offer(NoAnswer);
        desk.offer(Declined);
    }
    assert_eq!(desk.agent.state, State::Available);
}

#[test]
fn a_direct_call_missed_by_someone_who_is_not_available_changes_nothing_that_was_chosen() {
    let mut desk = Desk::with(Presence::Break);
    desk.offer(NoAnswer);
    assert_eq!(desk.said()[1..], ["ringing -> break by telephony"]);
    assert_eq!(desk.agent.missed_offers, 0);
}

#[test]
fn an_offer_missed_during_a_call_is_not_held_against_the_agent() {
    let mut desk = Desk::on_call();
    desk.offer(NoAnswer);
    assert_eq!((desk.said().len(), desk.agent.missed_offers), (0, 0));
}

#[test]
fn a_call_beats_ringing_and_ringing_beats_wrap_up() {
    let mut desk = Desk::in_wrap_up();
    desk.offered("l2");
    desk.offered("l3");
    desk.answered("l3");
    desk.offer_ended("l2", AnsweredElsewhere);
    assert_eq!(desk.said(), ["wrap_up -> ringing by telephony", "ringing -> on_call by telephony"]);
}

#[test]
fn what_is_reported_of_an_agent_off_duty_is_noted_and_leaves_it_off_duty() {
    let mut desk = Desk::new();
    desk.offered("l1");
    desk.answered("l1");
    assert_eq!((desk.said().len(), desk.agent.version, desk.agent.work.len()), (0, 0, 1));
    desk.ended("l1", 60);
    assert_eq!((desk.said().len(), desk.agent), (0, Agent::never_on_duty(user("u1"))));
}

#[test]
fn whoever_comes_on_duty_in_a_call_is_on_call_from_the_start() {
    let mut desk = Desk::new();
    desk.answered("l1");
    desk.choose(Presence::Available, None);
    assert_eq!(desk.said(), ["login on_call", "offline -> on_call by self"]);
    desk.ended("l1", 0);
    assert_eq!(desk.said(), ["on_call -> available by telephony"]);
}

#[test]
fn more_legs_than_anybody_has_are_not_noted() {
    let mut desk = Desk::with(Presence::Available);
    for n in 0..MAX_WORK + 5 {
        desk.offered(&format!("l{n}"));
    }
    assert_eq!(desk.agent.work.len(), MAX_WORK);
}

#[test]
fn becoming_away_and_a_new_duty_forgive_misses_and_declines() {
    let mut desk = Desk::with(Presence::Available);
    desk.offer(Declined);
    desk.offer(NoAnswer);
    assert_eq!((desk.agent.state, desk.agent.declined_offers), (State::Away, 0));
    desk.choose(Presence::Available, None);
    desk.offer(Declined);
    desk.choose(Presence::Offline, None);
    assert_eq!((desk.agent.missed_offers, desk.agent.declined_offers), (0, 0));
}

#[test]
fn a_leg_says_since_when_it_is_in_its_phase() {
    let mut desk = Desk::with(Presence::Available);
    desk.offered("l1");
    desk.wait(5);
    desk.answered("l1");
    assert_eq!(desk.agent.work[0].since, desk.now);
}
