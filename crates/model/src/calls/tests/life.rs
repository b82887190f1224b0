//! Calls from begin to end, sentence by sentence.

use super::Command::{Answer, Dequeue, Enqueue, Hold, Miss, Ring, Unhold};
use super::*;
use crate::queues::{EndedEntry, LeftReason};

#[test]
fn a_queue_call_is_answered_held_and_ended_with_its_times() {
    let mut desk = Desk::inbound(Some("q1"));
    assert_eq!(desk.call.state, State::Queued);
    assert_eq!(desk.after(10_000).says(&Ring(user("u1"))), ["call.ringing"]);
    assert_eq!(desk.after(4_000).says(&Answer(user("u1"))), ["queue.left", "call.answered"]);
    let What::Answered { wait, ring, via, .. } = &desk.said("call.answered").what else { unreachable!() };
    assert_eq!((*wait, *ring, *via), (secs(14), secs(4), Via::Queue));
    assert_eq!(desk.after(60_000).says(&Hold(user("u1"))), ["call.hold"]);
    assert_eq!(desk.call.state, State::Held);
    assert_eq!(desk.after(5_500).says(&Unhold(user("u1"))), ["call.unhold"]);
    desk.after(30_000);
    assert_eq!(desk.says(&end(Some(EndedBy::Customer), None)), ["call.ended"]);
    let ending = desk.ending();
    assert_eq!((ending.outcome, ending.ended_by), (Outcome::Answered, EndedBy::Customer));
    assert_eq!((ending.wait, ending.talk, ending.hold), (secs(14), secs(90), Duration::from_millis(5_500)));
    assert_eq!((&ending.users, &ending.queues), (&vec![user("u1")], &vec![queue("q1")]));
    let leg = LegId::parse("leg-1").unwrap();
    assert_eq!(
        desk.last().agents,
        [(user("u1"), AgentCommand::WorkEnded { leg: leg.clone(), wrap_up: Some(secs(30)) })]
    );
    let counted = Counted::Leg {
        user: user("u1"),
        queue: Some(queue("q1")),
        leg,
        talk: secs(90),
        hold: Duration::from_millis(5_500),
    };
    assert_eq!(desk.last().counted, [counted]);
}

#[test]
fn a_call_for_a_queue_and_an_agent_waits_there_and_rings_for_that_agent() {
    let desk = Desk::start(Direction::Inbound, Some("q1"), Some("u1"));
    let said: Vec<_> = desk.last().events.iter().map(|event| event.what.name()).collect();
    assert_eq!(said, ["call.incoming", "queue.joined", "call.ringing"]);
    let What::Joined { position, size, .. } = desk.said("queue.joined").what else { unreachable!() };
    assert_eq!((position, size), (3, 3));
    let internal = Desk::start(Direction::Internal, Some("q1"), Some("u1"));
    let said: Vec<_> = internal.last().events.iter().map(|event| event.what.name()).collect();
    assert_eq!((said, internal.call.state), (vec!["call.outgoing", "queue.joined"], State::Queued));
}

#[test]
fn leaving_a_queue_tells_the_place_left_and_how_many_still_wait() {
    let desk = Desk::inbound(Some("q1")).did(&Answer(user("u1")));
    let What::Left { position, size, reason, .. } = desk.said("queue.left").what else { unreachable!() };
    assert_eq!((position, size, reason), (1, 1, LeftReason::Answered));
}

#[test]
fn no_report_is_older_than_the_one_before() {
    let mut desk = Desk::inbound(None).did(&Answer(user("u1")));
    let answered = desk.now;
    desk.now = answered.minus(secs(3));
    desk.says(&end(None, None));
    assert_eq!((desk.last().at, desk.ending().duration), (answered, Duration::ZERO));
    assert_eq!(desk.call.ended_at, Some(answered));
}

#[test]
fn a_step_concerns_the_queues_to_join_to_leave_and_to_serve() {
    let desk = Desk::inbound(Some("q2")).did(&Ring(user("u1")));
    assert_eq!(concerned_queues(&desk.call, &Enqueue(queue("q1"))), [queue("q1"), queue("q2")]);
    assert_eq!(concerned_queues(&desk.call, &transfer(TransferKind::Redirect, "q1")).len(), 2);
    assert_eq!(concerned_queues(&Desk::inbound(None).call, &Answer(user("u1"))), []);
}

#[test]
fn an_offer_outlives_the_queue_that_it_was_made_in() {
    let mut desk = Desk::inbound(Some("q1")).did(&Ring(user("u1"))).did(&Dequeue(LeftReason::ExitKey));
    assert_eq!(desk.says(&Answer(user("u1"))), ["call.answered"]);
    let event = desk.said("call.answered");
    assert!(matches!(event.what, What::Answered { via: Via::Direct, .. }));
    assert_eq!(event.queue, Some(queue("q1")));
}

#[test]
fn when_one_agent_answers_the_other_offers_end_after_it() {
    let mut desk = Desk::inbound(Some("q1")).did(&Ring(user("u1"))).did(&Ring(user("u2")));
    let What::Ringing { also_ringing, .. } = &desk.said("call.ringing").what else { unreachable!() };
    assert_eq!(*also_ringing, 1);
    assert_eq!(desk.says(&Answer(user("u2"))), ["queue.left", "call.answered", "call.missed"]);
    let missed = desk.said("call.missed");
    assert_eq!((missed.user.clone(), missed.audience.clone()), (Some(user("u1")), vec![user("u1")]));
    let works: Vec<_> = desk.last().agents.iter().map(|(user, _)| user.as_str()).collect();
    assert_eq!(works, ["u2", "u1"]);
    assert_eq!(desk.says(&Miss(user("u1"), OfferOutcome::AnsweredElsewhere)), [""; 0]);
}

#[test]
fn an_answer_without_a_ring_is_a_part_that_rang_for_no_time() {
    let mut desk = Desk::inbound(None);
    desk.after(7_000).says(&Answer(user("u1")));
    let What::Answered { wait, ring, via, .. } = &desk.said("call.answered").what else { unreachable!() };
    assert_eq!((*wait, *ring, *via), (Duration::ZERO, Duration::ZERO, Via::Direct));
    desk.says(&end(None, None));
    assert_eq!(
        desk.last().agents[0].1,
        AgentCommand::WorkEnded { leg: desk.call.legs[0].id.clone(), wrap_up: None }
    );
}

#[test]
fn a_caller_who_hangs_up_in_a_queue_leaves_it_then_is_abandoned_and_then_the_phones_stop() {
    let mut desk = Desk::inbound(Some("q1")).did(&Ring(user("u1")));
    let said = desk.after(8_000).says(&end(Some(EndedBy::Customer), None));
    assert_eq!(said, ["queue.left", "call.abandoned", "call.missed", "call.ended"]);
    let What::Abandoned { place, wait, position, short, .. } = &desk.said("call.abandoned").what else {
        unreachable!()
    };
    assert_eq!((*place, *wait, *position, *short), (Where::Queue, secs(8), Some(1), false));
    assert_eq!(desk.call.outcome, Some(Outcome::Abandoned));
    let entry = EndedEntry { reason: LeftReason::Abandoned, wait: secs(8), offered: true };
    assert_eq!(desk.last().counted, [Counted::Entry(queue("q1"), entry)]);
    assert_eq!(desk.ending().users, []);
}

#[test]
fn a_caller_is_short_abandoned_below_the_queues_limit_only() {
    for (ms, expected) in [(4_999, true), (5_000, false)] {
        let mut desk = Desk::inbound(Some("q1"));
        desk.after(ms).says(&end(None, None));
        let What::Abandoned { short, .. } = &desk.said("call.abandoned").what else { unreachable!() };
        assert_eq!(*short, expected, "{ms}");
    }
}

#[test]
fn where_a_caller_gave_up_is_told_apart() {
    let before = Desk::inbound(None).did(&end(None, None));
    let ringing = Desk::inbound(None).did(&Ring(user("u1"))).did(&end(None, None));
    let queued = Desk::inbound(Some("q1")).did(&end(None, None));
    for (desk, expected) in [(before, Where::BeforeQueue), (ringing, Where::Ringing), (queued, Where::Queue)]
    {
        let What::Abandoned { place, .. } = desk.said("call.abandoned").what else { unreachable!() };
        assert_eq!(place, expected);
    }
}

#[test]
fn a_call_taken_out_of_its_queue_by_hanging_up_on_it_is_removed_and_not_abandoned() {
    let mut desk = Desk::inbound(Some("q1"));
    desk.by(Actor::Supervisor(user("s1")));
    assert_eq!(desk.says(&end(None, None)), ["queue.left", "call.ended"]);
    assert_eq!(desk.call.entries[0].reason, Some(LeftReason::Removed));
    assert_eq!(desk.call.ended_by, Some(EndedBy::Supervisor));
}

#[test]
fn a_call_answered_once_is_never_abandoned_though_its_next_wait_is() {
    let mut desk = Desk::inbound(Some("q1")).did(&Answer(user("u1")));
    desk.after(60_000).says(&transfer(TransferKind::Blind, "q2"));
    desk.after(20_000);
    assert_eq!(desk.says(&end(Some(EndedBy::Customer), None)), ["queue.left", "call.ended"]);
    assert_eq!((desk.call.outcome, desk.ending().wait), (Some(Outcome::Answered), Duration::ZERO));
    assert_eq!(desk.call.entries[1].reason, Some(LeftReason::Abandoned));
}

#[test]
fn a_hold_ends_with_the_call() {
    let mut desk = Desk::inbound(None).did(&Answer(user("u1"))).did(&Hold(user("u1")));
    desk.after(3_000);
    assert_eq!(desk.says(&end(None, None)), ["call.unhold", "call.ended"]);
    assert_eq!((desk.ending().hold, desk.ending().talk), (secs(3), Duration::ZERO));
}

#[test]
fn a_call_that_leaves_its_queue_rings_again_and_waits_from_its_first_join() {
    let mut desk = Desk::inbound(Some("q1"));
    assert_eq!(desk.after(30_000).says(&Dequeue(LeftReason::Timeout)), ["queue.left"]);
    assert_eq!(desk.call.state, State::Ringing);
    desk.says(&Enqueue(queue("q2")));
    desk.after(5_000).says(&Answer(user("u1")));
    let What::Answered { wait, .. } = &desk.said("call.answered").what else { unreachable!() };
    assert_eq!((*wait, desk.call.entries[1].wait(desk.now)), (secs(35), secs(5)));
}

#[test]
fn an_outbound_call_is_its_agents_from_the_start_and_answered_by_the_far_end() {
    let mut desk = Desk::start(Direction::Outbound, Some("q1"), Some("u1"));
    assert_eq!(desk.last().events[0].what.name(), "call.outgoing");
    assert_eq!((desk.last().events.len(), desk.call.state), (1, State::Ringing));
    assert!(matches!(desk.last().agents[..], [(_, AgentCommand::Answered { .. })]));
    desk.after(9_000).says(&Answer(user("u1")));
    let What::Answered { wait, ring, via, .. } = &desk.said("call.answered").what else { unreachable!() };
    assert_eq!((*wait, *ring, *via), (secs(9), secs(9), Via::Outbound));
    desk.says(&end(Some(EndedBy::Agent), None));
    assert!(
        matches!(desk.last().agents[0].1, AgentCommand::WorkEnded { wrap_up: Some(time), .. } if time == secs(30))
    );
}

#[test]
fn of_an_agents_own_call_that_nobody_answers_no_miss_is_said() {
    let mut desk = Desk::start(Direction::Outbound, None, Some("u1"));
    assert_eq!(desk.says(&end(None, Some(Outcome::Busy))), ["call.ended"]);
    let over = AgentCommand::WorkEnded { leg: desk.call.legs[0].id.clone(), wrap_up: None };
    assert_eq!(desk.last().agents, [(user("u1"), over)]);
    assert_eq!(desk.ending().users, [user("u1")]);
}

#[test]
fn a_call_between_agents_puts_both_on_the_phone_and_none_to_paper_work() {
    let mut desk = Desk::start(Direction::Internal, None, Some("u1")).did(&Ring(user("u2")));
    assert_eq!(desk.after(3_000).says(&Answer(user("u2"))), ["call.answered"]);
    let works: Vec<_> = desk.last().agents.iter().map(|(user, _)| user.as_str()).collect();
    assert_eq!((works, desk.call.agent()), (vec!["u2"], Some(&user("u2"))));
    desk.after(10_000).says(&end(None, None));
    assert_eq!((desk.ending().talk, desk.last().agents.len()), (secs(10), 2));
    assert!(
        desk.last()
            .agents
            .iter()
            .all(|(_, work)| matches!(work, AgentCommand::WorkEnded { wrap_up: None, .. }))
    );
}

#[test]
fn the_far_end_of_an_internal_call_may_answer_before_it_is_known_who_it_is() {
    let mut desk = Desk::start(Direction::Internal, None, Some("u1")).did(&Ring(user("u2")));
    assert_eq!(desk.says(&Answer(user("u1"))), ["call.answered"]);
    assert_eq!((desk.call.state, desk.call.outside.as_deref()), (State::Active, Some("100")));
    assert_eq!(desk.says(&Answer(user("u2"))), ["call.answered"]);
    assert_eq!((desk.call.agent(), &desk.call.outside), (Some(&user("u2")), &None));
}

#[test]
fn a_call_that_nobody_reports_on_ends_when_it_was_last_heard_of() {
    let mut desk = Desk::inbound(Some("q1")).did(&Answer(user("u1")));
    let stale = Command::Stale(secs(12 * 3600));
    desk.after(60_000).says(&Hold(user("u1")));
    desk.by(Actor::System).after(12 * 3_600_000 - 1);
    assert_eq!(desk.apply(&stale), Ok(None));
    assert_eq!(desk.after(1).says(&stale), ["call.unhold", "call.ended"]);
    let ending = desk.ending();
    assert_eq!((ending.estimated, ending.outcome, ending.ended_by), (true, Outcome::Failed, EndedBy::System));
    assert_eq!((ending.talk, ending.hold, desk.last().at), (secs(60), Duration::ZERO, desk.now));
    assert_eq!((desk.last().counted.len(), desk.apply(&stale)), (0, Ok(None)));
}

#[test]
fn only_what_is_different_is_updated_also_after_the_end() {
    let mut desk = Desk::inbound(None).did(&Answer(user("u1"))).did(&end(None, None));
    desk.by(Actor::Agent(user("u1"))).after(1_000);
    let wanted = Changes {
        disposition: Some(Some("sold".into())),
        tags: Some(vec![]),
        attributes: [("order".into(), Some("7".into())), ("gone".into(), None)].into(),
    };
    assert_eq!(desk.says(&Command::Update(wanted.clone())), ["call.updated"]);
    let event = desk.said("call.updated");
    let What::Updated { changed, by } = &event.what else { unreachable!() };
    assert_eq!((changed.tags.as_ref(), changed.attributes.len(), by), (None, 1, &Some(user("u1"))));
    assert_eq!((&event.audience, desk.call.reported_at), (&vec![user("u1")], desk.now.minus(secs(1))));
    assert_eq!(desk.says(&Command::Update(wanted)), [""; 0]);
}

#[test]
fn parts_stays_and_attributes_have_their_bounds() {
    let mut desk = Desk::inbound(None);
    for _ in 0..MAX_LEGS {
        desk.says(&Ring(user("u1")));
        desk.says(&Miss(user("u1"), OfferOutcome::NoAnswer));
    }
    assert_eq!(desk.call.legs.last().unwrap().attempt, MAX_LEGS);
    let legs = Why::TooMany { what: "parts of agents", limit: MAX_LEGS };
    assert_eq!(desk.why(&Ring(user("u1"))), legs);
    assert_eq!(desk.why(&Answer(user("u1"))), legs);
    for _ in 0..MAX_ENTRIES {
        desk.says(&Enqueue(queue("q1")));
        desk.says(&Dequeue(LeftReason::ExitKey));
    }
    assert!(matches!(desk.why(&Enqueue(queue("q2"))), Why::TooMany { limit: MAX_ENTRIES, .. }));
    let attributes = (0..=MAX_ATTRIBUTES).map(|n| (n.to_string(), Some(String::new()))).collect();
    let changes = Command::Update(Changes { attributes, ..Changes::default() });
    assert!(matches!(desk.why(&changes), Why::TooMany { limit: MAX_ATTRIBUTES, .. }));
    assert_eq!(desk.says(&end(None, None)).last(), Some(&"call.ended"));
}

#[test]
fn offers_are_said_to_whom_they_are_made_and_the_rest_to_those_in_the_call() {
    let placed = Desk::start(Direction::Internal, None, Some("u1"));
    assert_eq!(placed.said("call.outgoing").audience, [user("u1")]);
    let mut desk = placed.did(&Ring(user("u2"))).did(&Ring(user("u3")));
    assert_eq!(desk.said("call.ringing").audience, [user("u3")]);
    let both = [user("u1"), user("u2")];
    desk.says(&Miss(user("u3"), OfferOutcome::NoAnswer));
    for (command, name) in [
        (Answer(user("u2")), "call.answered"),
        (Hold(user("u2")), "call.hold"),
        (Unhold(user("u2")), "call.unhold"),
        (Command::Update(Changes { tags: Some(vec!["a".into()]), ..Changes::default() }), "call.updated"),
        (end(None, None), "call.ended"),
    ] {
        desk.says(&command);
        assert_eq!(desk.said(name).audience, both, "{name}");
    }
}

#[test]
fn what_is_said_of_a_call_names_its_queue() {
    let of_q1 = Some(queue("q1"));
    let mut desk = Desk::inbound(Some("q1"));
    assert_eq!(desk.said("call.incoming").queue, of_q1);
    let mut served = desk.clone().did(&Answer(user("u1")));
    served.says(&transfer(TransferKind::Blind, "u2"));
    let event = served.said("call.transferred");
    assert_eq!((&event.queue, &event.user), (&of_q1, &Some(user("u1"))));
    desk.says(&end(None, None));
    assert_eq!((&desk.said("call.abandoned").queue, &desk.said("call.ended").queue), (&of_q1, &of_q1));
}

#[test]
fn holds_are_counted_and_add_up() {
    let mut desk = Desk::inbound(None).did(&Answer(user("u1")));
    for n in 1..3 {
        desk.says(&Hold(user("u1")));
        let What::Hold { count, .. } = desk.said("call.hold").what else { unreachable!() };
        assert_eq!((count, desk.call.legs[0].hold_count), (n, n));
        desk.after(2_000).says(&Unhold(user("u1")));
    }
    desk.says(&end(None, None));
    assert_eq!((desk.ending().hold, desk.ending().talk), (secs(4), Duration::ZERO));
}

#[test]
fn the_sum_of_a_call_has_its_length_its_transfers_and_what_was_told_of_its_end() {
    let mut desk = Desk::inbound(Some("q1"));
    desk.after(10_000).says(&Answer(user("u1")));
    desk.after(60_000).says(&transfer(TransferKind::Attended, "u2"));
    let other = CallId::parse("other").unwrap();
    desk.after(5_000).says(&Command::End {
        ended_by: None,
        outcome: Some(Outcome::Merged),
        hangup_cause: Some(16),
        merged_into: Some(other.clone()),
    });
    let ending = desk.ending();
    assert_eq!((ending.duration, ending.transfers), (secs(75), 1));
    assert_eq!(
        (ending.outcome, ending.hangup_cause, &ending.merged_into),
        (Outcome::Merged, Some(16), &Some(other))
    );
}

#[test]
fn a_queues_own_limit_for_short_waits_comes_before_the_tenants() {
    let desk = Desk::inbound(Some("q1"));
    let mut context = context(Actor::Telephony, 1);
    context.queues[0].settings.short_abandon = Some(secs(60));
    let step = apply(&desk.call, &end(None, None), &context, desk.now.plus(secs(30))).unwrap().unwrap();
    let abandoned = step.events.iter().find(|event| event.what.name() == "call.abandoned").unwrap();
    assert!(matches!(abandoned.what, What::Abandoned { short: true, .. }));
}

#[test]
fn a_step_concerns_the_last_queue_and_those_that_open_parts_are_for() {
    let desk = Desk::inbound(Some("q1")).did(&Ring(user("u1"))).did(&Dequeue(LeftReason::Timeout));
    assert_eq!(
        concerned_queues(
            &Desk::inbound(Some("q1")).did(&Dequeue(LeftReason::Timeout)).call,
            &end(None, None)
        ),
        [queue("q1")]
    );
    let desk = desk.did(&Enqueue(queue("q2"))).did(&Dequeue(LeftReason::Timeout)).did(&Answer(user("u1")));
    assert_eq!(concerned_queues(&desk.call, &end(None, None)), [queue("q1"), queue("q2")]);
}

#[test]
fn a_call_keeps_what_others_call_it() {
    let new = NewCall {
        external_id: Some("pbx-1".into()),
        client_ref: Some("crm-1".into()),
        ..new_call(Direction::Outbound, None, Some("u1"))
    };
    let step = start(&new, &context(Actor::Telephony, 0), Timestamp(0)).unwrap();
    assert_eq!((&step.call.external_id, &step.call.client_ref), (&new.external_id, &new.client_ref));
    assert!(
        matches!(&step.events[0].what, What::Outgoing { client_ref, .. } if *client_ref == new.client_ref)
    );
}

#[test]
fn who_acts_has_ended_the_call_where_nobody_else_is_told() {
    for (actor, expected) in [
        (Actor::Agent(user("u1")), EndedBy::Agent),
        (Actor::Supervisor(user("s1")), EndedBy::Supervisor),
        (Actor::Telephony, EndedBy::Unknown),
        (Actor::System, EndedBy::System),
    ] {
        let mut desk = Desk::inbound(None).did(&Answer(user("u1")));
        desk.by(actor).says(&end(None, None));
        assert_eq!(desk.ending().ended_by, expected);
    }
}

#[test]
fn only_four_reasons_take_a_call_out_of_its_queue() {
    use LeftReason::{Empty, ExitKey, Removed, Timeout};
    for reason in LeftReason::ALL {
        let mut desk = Desk::inbound(Some("q1"));
        let is_one = matches!(reason, Timeout | ExitKey | Empty | Removed);
        assert_eq!(desk.apply(&Dequeue(*reason)).is_ok(), is_one, "{reason:?}");
    }
}
