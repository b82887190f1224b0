//! Does what comes to mind, of all that the contract's calls can do. What is refused must be refused in good form.

use std::time::Duration;

use crate::harness::{Answer, Client, Server, Value, json};

/// Dice that fall the same each time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        // xorshift64
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }

    fn of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        let at = self.below(all.len() as u64);
        &all[usize::try_from(at).expect("a small number")]
    }
}

pub struct Walk<'a> {
    server: &'a Server,
    admin: Client,
    pub reader: Client,
    agents: Vec<(Client, String)>,
    pub queues: Vec<String>,
}

impl<'a> Walk<'a> {
    /// Three agents on duty who serve two queues.
    pub async fn begin(server: &'a Server) -> Self {
        let admin = server.admin().await;
        let scopes = ["agents:read", "calls:read", "calls:write", "events:read", "queues:read"];
        let (reader, _) = server.program(&admin, &scopes).await;
        let (mut agents, mut queues) = (Vec::new(), Vec::new());
        for name in ["kim", "lee", "ida"] {
            agents.push(server.user(&format!("{name}@example.com"), "agent").await);
        }
        for (name, wrap_up) in [("Sales", 5), ("Support", 0)] {
            let body = json!({ "name": name, "channel": "voice", "wrap_up_seconds": wrap_up });
            let id = admin.post("/api/v1/queues", body).await.expect(201).text_of("id").to_owned();
            for (_, agent) in &agents {
                admin.put(&format!("/api/v1/queues/{id}/members/{agent}"), json!({})).await.expect(200);
            }
            queues.push(id);
        }
        for (client, _) in &agents {
            client.post("/api/v1/agent-state/me", json!({ "state": "available" })).await.expect(200);
        }
        let walk = Self { server, admin, reader, agents, queues };
        walk.story().await;
        walk
    }

    /// Once through what dice may leave out.
    async fn story(&self) {
        let [(kim, kim_id), (_, lee_id), (ida, ida_id)] = &self.agents[..] else { panic!("three agents") };
        let (own, queue) = ("/api/v1/agent-state/me", &self.queues[0]);
        for id in ["told", "given-up"] {
            let body = json!({
                "id": id, "direction": "inbound", "queue_id": queue, "from": { "number": "+4930901820" },
                "to": { "number": "+4930555000" },
            });
            self.reader.post("/api/v1/calls", body).await.expect(201);
        }
        for (call, what, body) in [
            ("told", "ring", json!({ "user_id": kim_id })),
            ("told", "miss", json!({ "user_id": kim_id, "outcome": "no_answer" })),
            ("told", "answer", json!({ "user_id": lee_id })),
            ("told", "hold", json!({ "user_id": lee_id })),
            ("told", "unhold", json!({ "user_id": lee_id })),
            ("told", "transfer", json!({ "kind": "attended", "to": { "user_id": ida_id } })),
            ("given-up", "end", json!({ "ended_by": "customer" })),
        ] {
            self.reader.post(&format!("/api/v1/calls/{call}/{what}"), body).await.expect(200);
        }
        ida.post(own, json!({ "state": "break" })).await.expect(200);
        self.reader.patch("/api/v1/calls/told", json!({ "tags": ["x"] })).await.expect(200);
        self.reader.post_empty("/api/v1/calls/told/end").await.expect(200);
        let member = format!("/api/v1/queues/{queue}/members/{kim_id}");
        for what in ["pause", "unpause"] {
            self.admin.post_empty(&format!("{member}/{what}")).await.expect(200);
        }
        self.admin.delete(&member).await.expect(200);
        for state in ["offline", "available"] {
            kim.post(own, json!({ "state": state })).await.expect(200);
        }
    }

    /// A call that an agent has on hold, and that stays so.
    pub async fn hold(&self) {
        let (number, (_, lee)) = (json!({ "number": "+4930901820" }), &self.agents[1]);
        let body = json!({ "id": "held", "direction": "inbound", "from": number, "to": number });
        self.reader.post("/api/v1/calls", body).await.expect(201);
        for what in ["answer", "hold"] {
            let path = format!("/api/v1/calls/held/{what}");
            self.reader.post(&path, json!({ "user_id": lee })).await.expect(200);
        }
    }

    pub async fn go(&self, seed: u64, steps: u32) {
        let mut dice = Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        for step in 0..steps {
            let answer = match dice.below(24) {
                0..=1 => self.choose(&mut dice).await,
                2 => self.decide_over(&mut dice).await,
                3..=5 => self.serve(&mut dice).await,
                6 => {
                    self.server.advance(Duration::from_millis(dice.below(4_000))).await;
                    continue;
                }
                7..=9 => self.begin_call(&mut dice, format!("c{seed}-{}", step / 24)).await,
                _ => self.report(&mut dice, step).await,
            };
            assert!(
                matches!(answer.status, 200 | 201 | 403 | 404 | 409),
                "seed {seed}, step {step}: {}",
                answer.text
            );
        }
    }

    async fn choose(&self, dice: &mut Dice) -> Answer {
        let (client, _) = dice.of(&self.agents);
        let state = dice.of(&["available", "available", "available", "break", "busy", "away", "offline"]);
        let body = match dice.below(2) {
            0 => json!({ "state": state }),
            _ => json!({ "state": state, "reason": dice.of(&["lunch", "training"]) }),
        };
        match dice.below(5) {
            0 => client.post_empty("/api/v1/agent-state/me/wrap-up/end").await,
            1 => client.post("/api/v1/agent-state/me/wrap-up/extend", json!({ "seconds": 3 })).await,
            _ => client.post("/api/v1/agent-state/me", body).await,
        }
    }

    async fn decide_over(&self, dice: &mut Dice) -> Answer {
        let (_, user) = dice.of(&self.agents);
        let body = match dice.below(3) {
            0 => json!({ "state": "offline", "force": true }),
            _ => json!({ "state": dice.of(&["available", "break", "offline"]) }),
        };
        self.admin.put(&format!("/api/v1/agent-state/{user}"), body).await
    }

    async fn serve(&self, dice: &mut Dice) -> Answer {
        let (_, user) = dice.of(&self.agents);
        let member = format!("/api/v1/queues/{}/members/{user}", dice.of(&self.queues));
        match dice.below(8) {
            0 => self.admin.delete(&member).await,
            1..=2 => self.admin.put(&member, json!({})).await,
            3..=5 => {
                let reason = dice.of(&["lunch", "training"]);
                self.admin.post(&format!("{member}/pause"), json!({ "reason": reason })).await
            }
            _ => self.admin.post_empty(&format!("{member}/unpause")).await,
        }
    }

    async fn begin_call(&self, dice: &mut Dice, id: String) -> Answer {
        let direction = *dice.of(&["inbound", "inbound", "inbound", "outbound", "internal"]);
        let mut body = json!({
            "id": id, "direction": direction, "from": { "number": "+4930901820", "name": "Anna" },
            "to": { "number": "+4930555000" },
        });
        if dice.below(3) > 0 {
            body["queue_id"] = json!(dice.of(&self.queues));
        }
        if dice.below(3) == 0 || direction != "inbound" {
            body["user_id"] = json!(dice.of(&self.agents).1);
        }
        self.reader.post("/api/v1/calls", body).await
    }

    /// Something about one of the calls that may be there, by a program or by an agent.
    async fn report(&self, dice: &mut Dice, step: u32) -> Answer {
        let call = format!("/api/v1/calls/c{}-{}", 1 + dice.below(3), step / 24);
        let (agent, user) = dice.of(&self.agents);
        let client = if dice.below(4) == 0 { agent } else { &self.reader };
        let own = json!({ "user_id": user });
        let (what, body): (&str, Value) = match dice.below(27) {
            0..=1 => ("enqueue", json!({ "queue_id": dice.of(&self.queues) })),
            2 => ("dequeue", json!({ "reason": dice.of(&["timeout", "exit_key", "empty", "removed"]) })),
            3..=7 => ("ring", own),
            8..=9 => {
                ("miss", json!({ "user_id": user, "outcome": dice.of(&["no_answer", "declined", "busy"]) }))
            }
            10..=14 => ("answer", own),
            15..=16 => ("hold", own),
            17 => ("unhold", own),
            18..=20 => (
                "transfer",
                json!({ "kind": dice.of(&["blind", "attended", "redirect"]), "to": self.target(dice) }),
            ),
            21..=24 => ("end", json!({ "ended_by": dice.of(&["customer", "customer", "agent", "system"]) })),
            _ => {
                let noted = json!({ "disposition": dice.of(&["sold", "lost"]), "attributes": { "k": dice.of(&["1", "2"]) } });
                return client.patch(&call, noted).await;
            }
        };
        client.post(&format!("{call}/{what}"), body).await
    }

    fn target(&self, dice: &mut Dice) -> Value {
        match dice.below(3) {
            0 => json!({ "user_id": dice.of(&self.agents).1 }),
            1 => json!({ "queue_id": dice.of(&self.queues) }),
            _ => json!({ "number": "+33140000000" }),
        }
    }
}
