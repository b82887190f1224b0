//! Transfers, sentence by sentence.

use super::Command::{Answer, Enqueue, Hold, Ring};
use super::TransferKind::{Attended, Blind, Redirect};
use super::*;
use crate::queues::LeftReason;

fn answered() -> Desk {
    Desk::inbound(Some("q1")).did(&Answer(user("u1")))
}

#[test]
fn a_blind_transfer_rings_its_target_who_answers_by_it() {
    let mut desk = answered().did(&Hold(user("u1")));
    desk.by(Actor::Agent(user("u1")));
    assert_eq!(desk.says(&transfer(Blind, "u2")), ["call.unhold", "call.transferred", "call.ringing"]);
    let event = desk.said("call.transferred");
    let What::Transferred { from, by, .. } = &event.what else { unreachable!() };
    assert_eq!((from, by.as_str()), (&Some(user("u1")), "u1"));
    assert_eq!(event.audience, [user("u1"), user("u2")]);
    assert!(matches!(
        &desk.last().agents[..],
        [(_, AgentCommand::WorkEnded { wrap_up: Some(_), .. }), (_, AgentCommand::Offered { .. })]
    ));
    assert_eq!(desk.call.state, State::Ringing);
    desk.by(Actor::Telephony).after(4_000).says(&Answer(user("u2")));
    let What::Answered { wait, via, .. } = &desk.said("call.answered").what else { unreachable!() };
    assert_eq!((*via, *wait), (Via::Transfer, secs(4)));
    assert_eq!((desk.call.transfers, desk.call.agent()), (1, Some(&user("u2"))));
}

#[test]
fn an_attended_transfer_gives_the_call_to_its_target_at_once() {
    let mut desk = answered();
    assert_eq!(desk.says(&transfer(Attended, "u2")), ["call.transferred", "call.answered"]);
    let What::Answered { ring, via, .. } = &desk.said("call.answered").what else { unreachable!() };
    assert_eq!((*via, *ring, desk.call.agent()), (Via::Transfer, Duration::ZERO, Some(&user("u2"))));
}

#[test]
fn a_transfer_to_a_queue_makes_the_call_wait_there() {
    let mut desk = answered();
    assert_eq!(desk.says(&transfer(Blind, "q2")), ["call.transferred", "queue.joined"]);
    assert_eq!((desk.call.state, desk.call.queue.clone()), (State::Queued, Some(queue("q2"))));
}

#[test]
fn a_call_transferred_to_a_number_goes_on_without_agents_and_may_come_back() {
    let mut desk = answered();
    assert_eq!(desk.says(&transfer(Blind, "+0800")), ["call.transferred"]);
    assert_eq!((desk.call.state, desk.call.agent()), (State::Active, None));
    let mut back = desk.clone();
    assert_eq!(back.says(&Enqueue(queue("q2"))), ["queue.joined"]);
    assert_eq!(back.call.state, State::Queued);
    assert_eq!(desk.says(&Ring(user("u2"))), ["call.ringing"]);
    assert_eq!(desk.call.state, State::Active);
    desk.says(&Answer(user("u2")));
    assert_eq!(desk.call.outside, None);
}

#[test]
fn a_call_redirected_to_a_number_counts_as_answered_there() {
    let mut desk = Desk::inbound(Some("q1"));
    desk.after(9_000).says(&transfer(Redirect, "+0800"));
    desk.after(60_000);
    assert_eq!(desk.says(&end(Some(EndedBy::Customer), None)), ["call.ended"]);
    assert_eq!((desk.ending().outcome, desk.ending().wait), (Outcome::Answered, secs(9)));
}

#[test]
fn what_nobody_has_can_only_be_redirected() {
    let mut desk = Desk::inbound(Some("q1")).did(&Ring(user("u1")));
    assert_eq!(desk.why(&transfer(Blind, "u2")), Why::NobodyHasIt);
    desk.by(Actor::Supervisor(user("s1")));
    assert_eq!(
        desk.says(&transfer(Redirect, "u2")),
        ["queue.left", "call.missed", "call.transferred", "call.ringing"]
    );
    assert_eq!(desk.call.entries[0].reason, Some(LeftReason::Transferred));
    let What::Transferred { from, by, .. } = &desk.said("call.transferred").what else { unreachable!() };
    assert_eq!((from, by.as_str()), (&None, "s1"));
}

#[test]
fn a_redirect_to_an_agent_for_whom_it_rings_does_not_ring_again() {
    let mut desk = Desk::inbound(Some("q1")).did(&Ring(user("u1"))).did(&Ring(user("u2")));
    assert_eq!(desk.says(&transfer(Redirect, "u2")), ["queue.left", "call.missed", "call.transferred"]);
    desk.says(&Answer(user("u2")));
    let What::Answered { via, .. } = &desk.said("call.answered").what else { unreachable!() };
    assert_eq!(*via, Via::Transfer);
    assert_eq!(desk.call.legs[1].queue, None, "what comes by a transfer is no queue's");
}

#[test]
fn an_agent_who_is_in_the_call_is_no_target_for_it() {
    let mut desk = answered();
    assert_eq!(desk.why(&transfer(Blind, "u1")), Why::IsInIt(user("u1")));
    let mut internal = Desk::start(Direction::Internal, None, Some("u1")).did(&Answer(user("u2")));
    assert_eq!(internal.why(&transfer(Attended, "u1")), Why::IsInIt(user("u1")));
}

#[test]
fn an_agent_transfers_only_out_of_a_conversation_of_its_own() {
    let mut desk = answered();
    desk.by(Actor::Agent(user("u2")));
    assert_eq!(desk.why(&transfer(Blind, "u3")), Why::DoesNotTalk(user("u2")));
}

#[test]
fn where_the_caller_of_an_internal_call_transfers_it_the_agent_is_served_from_then_on() {
    let mut desk = Desk::start(Direction::Internal, None, Some("u1")).did(&Answer(user("u2")));
    desk.by(Actor::Agent(user("u1"))).after(10_000);
    assert_eq!(desk.says(&transfer(Attended, "u3")), ["call.transferred", "call.answered"]);
    let roles: Vec<_> = desk.call.legs.iter().map(|leg| leg.role).collect();
    assert_eq!(roles, [Role::Agent, Role::Caller, Role::Agent]);
    assert_eq!(desk.call.party(), [user("u2"), user("u3")]);
    desk.after(5_000).says(&end(None, None));
    assert_eq!(desk.ending().talk, secs(15));
}

#[test]
fn a_repeated_transfer_changes_nothing() {
    for kind in [Blind, Attended] {
        for to in ["u2", "q2", "+0800"] {
            let mut desk = answered().did(&transfer(kind, to));
            assert_eq!(desk.apply(&transfer(kind, to)), Ok(None), "{kind:?} {to}");
        }
    }
}

#[test]
fn a_part_that_comes_from_a_transfer_is_no_queues_and_has_no_paper_work() {
    for kind in [Blind, Attended] {
        let mut desk = answered().did(&transfer(kind, "u2")).did(&Answer(user("u2")));
        assert_eq!(desk.call.legs[1].queue, None, "{kind:?}");
        desk.says(&end(None, None));
        let counted = &desk.last().counted[..];
        assert!(matches!(counted, [Counted::Leg { queue: None, .. }]), "{kind:?}: {counted:?}");
        assert!(matches!(desk.last().agents[..], [(_, AgentCommand::WorkEnded { wrap_up: None, .. })]));
    }
}

#[test]
fn offers_that_a_transfer_or_the_end_takes_back_are_nobodys_fault() {
    for command in [transfer(Redirect, "q2"), end(None, None)] {
        let desk = Desk::inbound(Some("q1")).did(&Ring(user("u1"))).did(&command);
        let [(_, AgentCommand::OfferEnded { outcome, .. })] = &desk.last().agents[..] else { unreachable!() };
        let caller_gone = OfferOutcome::CallerGone;
        assert_eq!((*outcome, desk.call.legs[0].missed), (caller_gone, Some(caller_gone)), "{command:?}");
    }
}

#[test]
fn a_transfer_by_no_person_names_whose_it_is() {
    for (actor, kind, expected) in [
        (Actor::Telephony, Blind, "u1"),
        (Actor::Telephony, Redirect, "telephony"),
        (Actor::System, Redirect, "system"),
    ] {
        let mut desk = answered();
        desk.by(actor).says(&transfer(kind, "q2"));
        let What::Transferred { by, .. } = &desk.said("call.transferred").what else { unreachable!() };
        assert_eq!(by, expected);
    }
}

#[test]
fn to_whom_an_internal_call_is_handed_on_is_told_who_is_there() {
    let mut desk = Desk::start(Direction::Internal, None, Some("u1")).did(&Answer(user("u2")));
    let (caller, called) = (desk.call.from.clone(), desk.call.to.clone());
    assert_ne!(caller, called);
    desk.by(Actor::Agent(user("u1"))).says(&transfer(Blind, "u3"));
    let What::Ringing { from, .. } = &desk.said("call.ringing").what else { unreachable!() };
    assert_eq!(*from, called);
    let mut other = Desk::start(Direction::Internal, None, Some("u1")).did(&Answer(user("u2")));
    other.by(Actor::Agent(user("u2"))).says(&transfer(Blind, "u3"));
    let What::Ringing { from, .. } = &other.said("call.ringing").what else { unreachable!() };
    assert_eq!(*from, caller);
}
