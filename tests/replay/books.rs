//! Keeps the books of a tenant by its log alone, and checks the order that the log promises.

use std::collections::{BTreeMap, BTreeSet};

use super::agents::Agents;
use super::calls::Calls;
use crate::harness::{Value, json};

#[derive(Default)]
pub struct Books {
    /// How far the log was read.
    pub seq: i64,
    /// The names of what was said.
    pub types: BTreeSet<String>,
    pub agents: Agents,
    pub calls: Calls,
    /// By queue, those who serve it, by user.
    members: BTreeMap<String, BTreeMap<String, Value>>,
    /// By queue, the stays that go on, in the order in which they began.
    waiting: BTreeMap<String, Vec<Value>>,
    /// The event before.
    last: Value,
}

impl Books {
    pub fn take(&mut self, event: &Value) {
        self.seq += 1;
        assert_eq!(event["seq"].as_i64(), Some(self.seq), "no hole: {event}");
        let (kind, said) = (event["type"].as_str().expect("a name"), &event["payload"]);
        self.types.insert(kind.to_owned());
        if kind.starts_with("agent.") {
            self.explained(said);
            self.agents.take(kind, said);
        } else if kind.starts_with("queue.member.") {
            self.member(kind, said);
        } else if !said["call_id"].is_null() {
            self.place(kind, said);
            if said["via"] == "queue" {
                assert_eq!(
                    (&self.last["reason"], &self.last["call_id"]),
                    (&json!("answered"), &said["call_id"]),
                    "{event}"
                );
            }
            self.calls.of(kind, said).take(kind, said);
        }
        self.last = said.clone();
    }

    /// What a call makes of an agent comes behind what is said of the call.
    fn explained(&mut self, said: &Value) {
        if let ("ringing" | "on_call", false) =
            (said["state"].as_str().unwrap_or_default(), said["call_id"].is_null())
        {
            let state = said["state"].as_str().expect("a state").to_owned();
            let call = self.calls.of("agent.state.changed", said);
            assert!(call.explains(&said["user_id"], &state), "the call's event comes first: {said}");
        }
    }

    /// Places and sizes are those of the queue at that moment.
    fn place(&mut self, kind: &str, said: &Value) {
        let waiting = self.waiting.entry(said["queue_id"].as_str().unwrap_or_default().into()).or_default();
        if kind == "queue.joined" {
            waiting.push(said["entry_id"].clone());
            assert_eq!(
                (&said["position"], &said["size"]),
                (&json!(waiting.len()), &json!(waiting.len())),
                "{said}"
            );
        } else if kind == "queue.left" {
            let at = waiting.iter().position(|entry| *entry == said["entry_id"]).expect("it joined before");
            waiting.remove(at);
            assert_eq!((&said["position"], &said["size"]), (&json!(at + 1), &json!(waiting.len())), "{said}");
        }
    }

    fn member(&mut self, kind: &str, said: &Value) {
        let queue = self.members.entry(said["queue_id"].as_str().expect("a queue").into()).or_default();
        let user = said["user_id"].as_str().expect("an agent").to_owned();
        let at = &said["at"];
        if kind == "queue.member.added" {
            let new = json!({ "user_id": user, "since": at, "paused": false, "paused_at": null, "pause_reason": null });
            assert_eq!(queue.insert(user, new), None, "{said}");
            return;
        }
        let member = queue.get_mut(&user).unwrap_or_else(|| panic!("no member: {said}"));
        match kind {
            "queue.member.paused" => {
                let since = if member["paused"] == true { member["paused_at"].clone() } else { at.clone() };
                assert!(
                    member["paused"] == false || member["pause_reason"] != said["reason"],
                    "no news: {said}"
                );
                (member["paused"], member["paused_at"]) = (json!(true), since);
                member["pause_reason"] = said["reason"].clone();
            }
            "queue.member.unpaused" => {
                assert_eq!(member["paused"], true, "{said}");
                (member["paused"], member["paused_at"], member["pause_reason"]) =
                    (json!(false), Value::Null, Value::Null);
            }
            _ => drop(queue.remove(&user)),
        }
    }

    pub fn members(&self, queue: &str) -> Value {
        self.members.get(queue).into_iter().flat_map(BTreeMap::values).cloned().collect()
    }

    pub fn waiting(&self, queue: &str) -> Value {
        self.waiting.get(queue).into_iter().flatten().cloned().collect()
    }

    /// What a queue has counted, by the definitions, in the order of [`counted`].
    pub fn day(&self, queue: &str) -> [u64; 4] {
        let stays =
            self.calls.all().flat_map(|call| &call.entries).filter(|entry| entry["queue_id"] == queue);
        let mut day = [0; 4];
        for stay in stays.filter(|stay| !stay["left_at"].is_null()) {
            let reason = stay["reason"].as_str().expect("a reason");
            day[0] += u64::from(reason != "transferred" || stay["offered"] == true);
            day[1] += u64::from(reason == "answered");
            day[2] += u64::from(reason == "abandoned");
            day[3] += u64::from(matches!(reason, "timeout" | "exit_key" | "empty"));
        }
        day
    }
}

/// The same of a queue's numbers: offered, answered, abandoned early or late, timed out.
pub fn counted(stats: &Value) -> [u64; 4] {
    let today = |field: &str| stats["today"][field].as_u64().expect("a count");
    [today("offered"), today("answered"), today("abandoned") + today("short_abandoned"), today("timed_out")]
}
