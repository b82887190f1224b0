//! Calls with their legs and entries, kept by the events alone. A leg is called by its id, as in the events.

use std::collections::BTreeMap;

use crate::harness::{Value, json};

#[derive(Default)]
pub struct Calls(BTreeMap<String, Call>);

pub struct Call {
    pub fields: Value,
    pub legs: Vec<Value>,
    pub entries: Vec<Value>,
    /// Whether a number outside has it, while no agent has.
    outside: bool,
    /// Whom the last event has transferred it to.
    target: Option<Value>,
}

impl Calls {
    /// The call that an event is about, which its first event begins.
    pub fn of(&mut self, kind: &str, said: &Value) -> &mut Call {
        let id = said["call_id"].as_str().expect("a call").to_owned();
        if matches!(kind, "call.incoming" | "call.outgoing") {
            assert!(!self.0.contains_key(&id), "a call begins once: {said}");
            self.0.insert(id.clone(), Call::begin(said));
        }
        self.0
            .get_mut(&id)
            .unwrap_or_else(|| panic!("nothing comes before the call's beginning: {kind} {said}"))
    }

    pub fn all(&self) -> impl Iterator<Item = &Call> {
        self.0.values()
    }

    pub fn told(&self) -> Value {
        self.0.values().map(Call::told).collect()
    }

    /// Those that go on.
    pub fn active(&self) -> Value {
        self.0.values().map(Call::told).filter(|call| call["state"] != "ended").collect()
    }
}

fn is_open(leg: &Value) -> bool {
    leg["ended_at"].is_null()
}

fn is_active(leg: &Value) -> bool {
    is_open(leg) && !leg["answered_at"].is_null()
}

impl Call {
    fn begin(said: &Value) -> Self {
        let mut fields = json!({
            "id": said["call_id"], "external_id": said["external_id"], "direction": said["direction"],
            "started_at": said["started_at"], "queue_id": null, "answered_at": null, "ended_at": null, "outcome": null,
            "ended_by": null, "transfers": 0, "disposition": null, "tags": [], "attributes": {},
        });
        let mut legs = Vec::new();
        if !said["leg_id"].is_null() {
            let role = if said["direction"] == "internal" { "caller" } else { "placed" };
            let queue = if role == "placed" { said["queue_id"].clone() } else { Value::Null };
            fields["queue_id"] = queue.clone();
            let via = json!("outbound");
            legs.push(leg(&said["leg_id"], said, role, (queue, via), &said["at"]));
        }
        Self { fields, legs, entries: Vec::new(), outside: false, target: None }
    }

    fn leg(&mut self, said: &Value) -> &mut Value {
        self.legs
            .iter_mut()
            .find(|leg| leg["id"] == said["leg_id"])
            .unwrap_or_else(|| panic!("no such leg: {said}"))
    }

    fn end_offers(&mut self, outcome: &str, at: &Value, whose: impl Fn(&Value) -> bool) {
        for leg in self.legs.iter_mut().filter(|leg| is_open(leg) && !is_active(leg) && whose(leg)) {
            (leg["ended_at"], leg["outcome"]) = (at.clone(), json!(outcome));
        }
    }

    pub fn take(&mut self, kind: &str, said: &Value) {
        let is_over = !self.fields["ended_at"].is_null();
        assert!(!is_over || kind == "call.updated", "behind the end: {kind} {said}");
        let at = &said["at"];
        let target = self.target.take();
        match kind {
            "queue.joined" => {
                (self.fields["queue_id"], self.outside) = (said["queue_id"].clone(), false);
                self.entries.push(json!({
                    "id": said["entry_id"], "queue_id": said["queue_id"], "joined_at": at, "left_at": null, "reason": null,
                    "position": said["position"], "wait_seconds": null, "offered": false,
                }));
            }
            "queue.left" => {
                let entry = self.entries.last_mut().expect("a stay");
                assert!(entry["id"] == said["entry_id"] && entry["left_at"].is_null(), "{said}");
                for field in ["reason", "wait_seconds"] {
                    entry[field] = said[field].clone();
                }
                entry["left_at"] = at.clone();
            }
            "call.ringing" => {
                assert_eq!(said["started_at"], self.fields["started_at"], "{said}");
                let via = if target.is_some_and(|target| target == said["user_id"]) {
                    json!("transfer")
                } else {
                    Value::Null
                };
                self.legs.push(leg(&said["leg_id"], said, "agent", (said["queue_id"].clone(), via), at));
                if let Some(entry) = self.entries.last_mut().filter(|entry| entry["left_at"].is_null()) {
                    entry["offered"] = json!(true);
                }
            }
            "call.missed" => {
                let leg = self.leg(said);
                assert!(is_open(leg) && !is_active(leg), "{said}");
                (leg["ended_at"], leg["outcome"]) = (at.clone(), said["outcome"].clone());
            }
            "call.answered" => self.answered(said),
            "call.hold" => {
                let leg = self.leg(said);
                assert!(is_active(leg) && leg["held_since"].is_null(), "{said}");
                (leg["held_since"], leg["hold_count"]) = (at.clone(), said["hold_count"].clone());
            }
            "call.unhold" => {
                let leg = self.leg(said);
                assert!(!leg["held_since"].is_null(), "{said}");
                leg["held_since"] = Value::Null;
            }
            "call.transferred" => self.transferred(said),
            "call.ended" => {
                self.end_offers("caller_gone", at, |_| true);
                self.legs.iter_mut().filter(|leg| is_open(leg)).for_each(|leg| leg["ended_at"] = at.clone());
                self.outside = false;
                for field in ["ended_at", "outcome", "ended_by"] {
                    self.fields[field] = said[field].clone();
                }
                assert_eq!(said["transfers"], self.fields["transfers"], "{said}");
            }
            "call.updated" => {
                for (field, value) in said["changed"].as_object().expect("changes") {
                    match (field.as_str(), value.as_object()) {
                        ("attributes", Some(some)) => some.iter().for_each(|(key, value)| {
                            self.fields["attributes"][key] = value.clone();
                        }),
                        _ => self.fields[field] = value.clone(),
                    }
                }
            }
            "call.abandoned" => assert!(self.fields["answered_at"].is_null(), "{said}"),
            _ => {}
        }
    }

    fn answered(&mut self, said: &Value) {
        let at = &said["at"];
        if !self.legs.iter().any(|leg| leg["id"] == said["leg_id"]) {
            assert_eq!(said["ring_seconds"], 0.0, "an answer without a ring: {said}");
            self.legs.push(leg(&said["leg_id"], said, "agent", (Value::Null, Value::Null), at));
        }
        let leg = self.leg(said);
        assert!(is_open(leg) && !is_active(leg), "{said}");
        (leg["answered_at"], leg["outcome"]) = (at.clone(), json!("answered"));
        (leg["via"], leg["queue_id"]) = (said["via"].clone(), said["queue_id"].clone());
        self.outside = leg["role"] == "caller";
        if !self.outside {
            for leg in
                self.legs.iter_mut().filter(|leg| leg["role"] == "caller" && is_open(leg) && !is_active(leg))
            {
                (leg["answered_at"], leg["outcome"]) = (at.clone(), json!("answered"));
            }
            self.end_offers("answered_elsewhere", at, |leg| leg["role"] == "placed");
        }
        if self.fields["answered_at"].is_null() {
            self.fields["answered_at"] = at.clone();
        }
    }

    fn transferred(&mut self, said: &Value) {
        let (at, to) = (&said["at"], &said["to"]);
        let goes_to = if to["kind"] == "user" { to["id"].clone() } else { Value::Null };
        self.end_offers("caller_gone", at, |leg| leg["role"] == "placed" && leg["user_id"] != goes_to);
        self.fields["transfers"] = json!(self.fields["transfers"].as_i64().map(|count| count + 1));
        let gone = self.legs.iter().position(|leg| is_active(leg) && leg["user_id"] == said["from_user_id"]);
        if let Some(gone) = gone {
            self.legs[gone]["ended_at"] = at.clone();
            if self.legs[gone]["role"] == "caller" {
                self.legs[gone]["role"] = json!("agent");
                self.legs
                    .iter_mut()
                    .filter(|leg| is_active(leg))
                    .for_each(|leg| leg["role"] = json!("caller"));
            }
        }
        self.outside = to["kind"] == "number";
        match self.legs.iter_mut().find(|leg| is_open(leg) && leg["user_id"] == goes_to) {
            Some(leg) => leg["via"] = json!("transfer"),
            None => self.target = Some(goes_to),
        }
    }

    fn has_it(&self) -> Option<&Value> {
        self.legs.iter().find(|leg| is_active(leg) && leg["role"] != "caller")
    }

    fn state(&self) -> &'static str {
        if !self.fields["ended_at"].is_null() {
            "ended"
        } else if self.has_it().is_some() || self.outside {
            if self.legs.iter().any(|leg| !leg["held_since"].is_null()) { "held" } else { "active" }
        } else if self.entries.iter().any(|entry| entry["left_at"].is_null()) {
            "queued"
        } else {
            "ringing"
        }
    }

    /// Whether the agent is in it like this, by what was said of the call so far. Who places a call is on it from then on.
    pub fn explains(&self, user: &Value, state: &str) -> bool {
        self.legs.iter().any(|leg| {
            let at_work = is_active(leg) || (is_open(leg) && leg["role"] != "agent");
            leg["user_id"] == *user && (if state == "on_call" { at_work } else { is_open(leg) })
        })
    }

    fn told(&self) -> Value {
        let mut call = self.fields.clone();
        call["state"] = json!(self.state());
        call["user_id"] = self.has_it().map_or(Value::Null, |leg| leg["user_id"].clone());
        call["legs"] = self.legs.iter().map(|leg| only(leg, LEG)).collect();
        call["entries"] = self.entries.iter().map(|entry| only(entry, ENTRY)).collect();
        call
    }
}

fn leg(id: &Value, said: &Value, role: &str, (queue, via): (Value, Value), at: &Value) -> Value {
    json!({
        "id": id, "user_id": said["user_id"], "role": role, "queue_id": queue, "via": via, "offered_at": at,
        "answered_at": null, "ended_at": null, "outcome": null, "hold_count": 0, "held_since": null,
    })
}

const LEG: &[&str] = &[
    "id",
    "user_id",
    "role",
    "queue_id",
    "via",
    "offered_at",
    "answered_at",
    "ended_at",
    "outcome",
    "hold_count",
    "held_since",
];
const ENTRY: &[&str] = &["id", "queue_id", "joined_at", "left_at", "reason", "position"];
const CALL: &[&str] = &[
    "id",
    "external_id",
    "direction",
    "started_at",
    "queue_id",
    "answered_at",
    "ended_at",
    "outcome",
    "ended_by",
    "transfers",
    "disposition",
    "tags",
    "attributes",
    "state",
    "user_id",
];

fn only(value: &Value, fields: &[&str]) -> Value {
    fields.iter().map(|field| ((*field).to_owned(), value[*field].clone())).collect()
}

/// The same of a list, by id.
pub fn shown(mut list: Vec<Value>) -> Vec<Value> {
    list.sort_by_key(|call| call["id"].to_string());
    let told = |call: &Value| {
        let mut told = only(call, CALL);
        let parts = |name: &str, fields| -> Value {
            call[name].as_array().expect("a list").iter().map(|part| only(part, fields)).collect()
        };
        (told["legs"], told["entries"]) = (parts("legs", LEG), parts("entries", ENTRY));
        told
    };
    list.iter().map(told).collect()
}
