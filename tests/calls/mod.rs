//! `/api/v1/calls/…`: a small call center, and what its log says.

mod bad_input;
mod counting;
mod direct;
mod ends;
mod erasing;
mod guide;
mod hearing;
mod inbound;
mod paging;
mod payloads;
mod reading;
mod refusing;
mod repeating;
mod stale;
mod wallboard;

use crate::harness::{Answer, Client, Server, Value, json};

pub const CALLS: &str = "/api/v1/calls";

/// Two agents on duty, who serve one queue with 30 s of wrap-up, and a program that reports for the telephone system.
pub struct Center {
    pub admin: Client,
    pub pbx: Client,
    pub kim: Client,
    pub kim_id: String,
    pub lee: Client,
    pub lee_id: String,
    pub queue: String,
}

impl Center {
    pub async fn open(server: &Server) -> Self {
        let admin = server.admin().await;
        let (kim, kim_id) = server.user("kim@example.com", "agent").await;
        let (lee, lee_id) = server.user("lee@example.com", "agent").await;
        let (pbx, _) = server.program(&admin, &["calls:read", "calls:write", "events:read"]).await;
        let queue = queue(&admin, "Sales", 30, &[&kim_id, &lee_id]).await;
        for agent in [&kim, &lee] {
            agent.post("/api/v1/agent-state/me", json!({ "state": "available" })).await.expect(200);
        }
        Self { admin, pbx, kim, kim_id, lee, lee_id, queue }
    }

    /// An inbound call that waits in the queue.
    pub async fn caller(&self, id: &str) -> Answer {
        let body = json!({
            "id": id, "external_id": format!("pbx-{id}"), "direction": "inbound", "queue_id": self.queue,
            "from": { "number": "+4930901820", "name": "Anna" }, "to": { "number": "+4930555000" },
        });
        self.pbx.post(CALLS, body).await.expect(201)
    }

    /// An inbound call that is with Kim.
    pub async fn with_kim(&self, id: &str) {
        self.caller(id).await;
        self.report(id, "answer", json!({ "user_id": self.kim_id })).await.expect(200);
    }

    pub async fn report(&self, id: &str, what: &str, body: Value) -> Answer {
        report(&self.pbx, id, what, body).await
    }

    /// The same for one of the agents.
    pub async fn of(&self, user: &str, id: &str, what: &str) -> Answer {
        self.report(id, what, json!({ "user_id": user })).await
    }

    /// The log's end.
    pub async fn head(&self) -> i64 {
        head(&self.admin).await
    }

    /// What was said since then, in short: type, agent, and what matters most.
    pub async fn said(&self, after: i64) -> Vec<String> {
        self.heard(&self.admin, after).await
    }

    /// The same, as that client may hear it.
    pub async fn heard(&self, client: &Client, after: i64) -> Vec<String> {
        events(client, after).await.iter().map(|event| self.brief(event)).collect()
    }

    fn brief(&self, event: &Value) -> String {
        let payload = &event["payload"];
        let user = match payload["user_id"].as_str() {
            Some(id) if id == self.kim_id => "kim",
            Some(id) if id == self.lee_id => "lee",
            Some(_) => "somebody",
            None => "",
        };
        let kind = event["type"].as_str().unwrap();
        if kind == "agent.state.changed" {
            return format!("{user} {}", payload["state"].as_str().unwrap());
        }
        let more =
            ["reason", "outcome", "where", "via", "kind"].iter().find_map(|field| payload[*field].as_str());
        [kind, user, more.unwrap_or_default()]
            .into_iter()
            .filter(|word| !word.is_empty())
            .collect::<Vec<_>>()
            .join(" ")
    }

    pub async fn state_of(&self, user: &str) -> Value {
        self.admin.get(&format!("/api/v1/agent-state/{user}")).await.expect(200).data().clone()
    }

    pub async fn call(&self, id: &str) -> Value {
        self.admin.get(&format!("{CALLS}/{id}")).await.expect(200).data().clone()
    }
}

pub async fn queue(admin: &Client, name: &str, wrap_up: u32, members: &[&str]) -> String {
    let body = json!({ "name": name, "channel": "voice", "wrap_up_seconds": wrap_up });
    let id = admin.post("/api/v1/queues", body).await.expect(201).text_of("id").to_owned();
    for member in members {
        admin.put(&format!("/api/v1/queues/{id}/members/{member}"), json!({})).await.expect(200);
    }
    id
}

pub async fn report(client: &Client, id: &str, what: &str, body: Value) -> Answer {
    client.post(&format!("{CALLS}/{id}/{what}"), body).await
}

pub async fn head(client: &Client) -> i64 {
    client.get("/api/v1/events?limit=1").await.expect(200).body["meta"]["seq"].as_i64().unwrap()
}

/// What a client may hear of the log behind `after`.
pub async fn events(client: &Client, after: i64) -> Vec<Value> {
    let answer = client.get(&format!("/api/v1/events?after={after}&limit=200")).await.expect(200);
    answer.data().as_array().unwrap().clone()
}
