//! Every command in every state: what is said, `same` where it is so already, `409` where it cannot be.

use super::*;
use crate::queues::LeftReason;

fn states() -> Vec<(&'static str, Desk)> {
    let ringing = || Desk::inbound(None).did(&Command::Ring(user("u1")));
    let active = || ringing().did(&Command::Answer(user("u1")));
    vec![
        ("new", Desk::inbound(None)),
        ("ringing", ringing()),
        ("queued", Desk::inbound(Some("q1"))),
        ("active", active()),
        ("held", active().did(&Command::Hold(user("u1")))),
        ("outside", active().did(&transfer(TransferKind::Blind, "+0800"))),
        ("ended", active().did(&end(None, None))),
    ]
}

fn commands() -> Vec<(&'static str, Command)> {
    use Command::{Answer, Dequeue, Enqueue, Hold, Miss, Ring, Stale, Unhold, Update};
    let sold = Changes { disposition: Some(Some("sold".into())), ..Changes::default() };
    vec![
        ("enqueue q1", Enqueue(queue("q1"))),
        ("enqueue q2", Enqueue(queue("q2"))),
        ("dequeue timeout", Dequeue(LeftReason::Timeout)),
        ("dequeue answered", Dequeue(LeftReason::Answered)),
        ("ring u1", Ring(user("u1"))),
        ("ring u2", Ring(user("u2"))),
        ("miss u1", Miss(user("u1"), OfferOutcome::Declined)),
        ("miss u2", Miss(user("u2"), OfferOutcome::Declined)),
        ("answer u1", Answer(user("u1"))),
        ("answer u2", Answer(user("u2"))),
        ("hold u1", Hold(user("u1"))),
        ("hold u2", Hold(user("u2"))),
        ("unhold u1", Unhold(user("u1"))),
        ("unhold u2", Unhold(user("u2"))),
        ("blind u2", transfer(TransferKind::Blind, "u2")),
        ("attended u2", transfer(TransferKind::Attended, "u2")),
        ("redirect u2", transfer(TransferKind::Redirect, "u2")),
        ("blind u1", transfer(TransferKind::Blind, "u1")),
        ("blind q1", transfer(TransferKind::Blind, "q1")),
        ("redirect q2", transfer(TransferKind::Redirect, "q2")),
        ("blind number", transfer(TransferKind::Blind, "+0800")),
        ("redirect number", transfer(TransferKind::Redirect, "+0900")),
        ("end", end(None, None)),
        ("stale", Stale(Duration::ZERO)),
        ("update", Update(sold)),
    ]
}

#[test]
fn every_command_in_every_state_does_what_the_table_says() {
    let states = states();
    let heads: Vec<_> = states.iter().map(|(state, _)| (*state).to_owned()).collect();
    let mut table = row("", &heads);
    for (name, command) in commands() {
        let cells: Vec<_> = states.iter().map(|(_, desk)| cell(desk, &command)).collect();
        table.push_str(&row(name, &cells));
    }
    assert!(table == include_str!("table.txt"), "the table is now:\n{table}");
}

/// What `command` says and which state it leads to.
fn cell(desk: &Desk, command: &Command) -> String {
    let mut after = desk.clone();
    match after.after(6_000).apply(command) {
        Ok(None) => "same".to_owned(),
        Err(refusal) => {
            assert_eq!(refusal.state, desk.call.state);
            "409".to_owned()
        }
        Ok(Some(step)) => {
            let names: Vec<_> = step.events.iter().map(|event| short(event.what.name())).collect();
            format!("{} > {}", names.join(" "), step.call.state.as_str())
        }
    }
}

fn short(name: &str) -> &str {
    name.split('.').next_back().unwrap_or(name)
}

fn row(first: &str, cells: &[String]) -> String {
    let cells: String = cells.iter().map(|cell| format!(" | {cell:<36}")).collect();
    format!("{first:<17}{cells}").trim_end().to_owned() + "\n"
}

#[test]
fn a_refusal_tells_what_is_in_the_way() {
    let mut queued = Desk::inbound(Some("q1"));
    let why = queued.why(&Command::Enqueue(queue("q2"))).to_string();
    assert_eq!(why, "the call waits in queue q1: take it out, transfer it, or answer it first");
    let mut active = queued.did(&Command::Answer(user("u1")));
    let why = active.why(&Command::Ring(user("u2"))).to_string();
    assert_eq!(why, "agent u1 has the call: transfer it first");
    assert_eq!(active.why(&Command::Dequeue(LeftReason::Unknown)), Why::NotAReason);
    assert_eq!(active.did(&end(None, None)).why(&Command::Hold(user("u1"))), Why::Ended);
}
