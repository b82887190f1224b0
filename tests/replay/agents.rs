//! Agents' states, kept by their events alone.

use std::collections::BTreeMap;

use crate::harness::{Value, json};

/// What the list shows and the events tell.
const FIELDS: [&str; 10] = [
    "user_id",
    "state",
    "previous_state",
    "reason",
    "version",
    "since",
    "until",
    "call_id",
    "pending",
    "duty_since",
];

#[derive(Default)]
pub struct Agents(BTreeMap<String, Value>);

impl Agents {
    pub fn take(&mut self, kind: &str, said: &Value) {
        let user = said["user_id"].as_str().expect("an agent").to_owned();
        let agent = self.0.entry(user).or_insert_with(|| {
            let nothing: serde_json::Map<_, _> =
                FIELDS.map(|field| (field.to_owned(), Value::Null)).into_iter().collect();
            let mut agent = Value::Object(nothing);
            (agent["user_id"], agent["state"], agent["version"]) =
                (said["user_id"].clone(), json!("offline"), json!(0));
            agent
        });
        match kind {
            "agent.login" => {
                assert_eq!(agent["duty_since"], Value::Null, "{said}");
                agent["duty_since"] = said["at"].clone();
            }
            "agent.logout" => {
                assert_eq!(agent["state"], "offline", "duty ends behind its last change: {said}");
                agent["duty_since"] = Value::Null;
            }
            "agent.state.pending" => {
                count(agent, said);
                let wish = json!({ "state": said["state"], "reason": said["reason"], "requested_by": said["requested_by"] });
                agent["pending"] = if said["state"].is_null() { Value::Null } else { wish };
            }
            _ => changed(agent, said),
        }
    }

    pub fn told(&self) -> Value {
        self.0.values().cloned().collect()
    }
}

/// Each change that can be seen counts one.
fn count(agent: &mut Value, said: &Value) {
    let next = agent["version"].as_i64().map(|version| version + 1);
    assert_eq!(said["version"].as_i64(), next, "{said} after {agent}");
    agent["version"] = said["version"].clone();
}

fn changed(agent: &mut Value, said: &Value) {
    count(agent, said);
    assert_eq!(said["previous_state"], agent["state"], "{said}");
    assert!(!agent["duty_since"].is_null(), "login comes first, logout last: {said}");
    // With another call, or another end of the wrap-up, the state goes on.
    if said["changed_at"] != agent["since"]
        || said["state"] != agent["state"]
        || said["reason"] != agent["reason"]
    {
        agent["previous_state"] = said["previous_state"].clone();
    }
    for field in ["state", "reason", "until", "call_id"] {
        agent[field] = said[field].clone();
    }
    agent["since"] = said["changed_at"].clone();
    if said["call_id"].is_null() {
        agent["pending"] = Value::Null;
    }
}

/// The same of a list: of those who have ever done anything.
pub fn shown(list: &[Value]) -> Vec<Value> {
    let told = |agent: &Value| -> Value {
        let mut agent = agent.clone();
        if let Some(wish) = agent["pending"].as_object_mut() {
            wish.remove("requested_at");
        }
        FIELDS.iter().map(|field| ((*field).to_owned(), agent[*field].clone())).collect()
    };
    list.iter().filter(|agent| agent["version"] != 0).map(told).collect()
}
