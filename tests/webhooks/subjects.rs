//! What the product's own events are about: `ordering: subject` keeps those of one agent, call or queue in order.

use std::time::Duration;

use super::webhook;
use crate::calls::{self, CALLS, Center};
use crate::harness::macros::on_both;
use crate::harness::sink::{Reply, Sink};
use crate::harness::{Server, Value, json};

/// An endpoint that fails the first time, and the field that tells what its events are about.
struct Endpoint {
    sink: Sink,
    about: &'static str,
}

impl Endpoint {
    async fn start(center: &Center, events: &[&str], about: &'static str) -> Self {
        let sink = Sink::start().await;
        sink.reply_next([Reply::status(500)]);
        let settings = json!({ "url": sink.url(), "events": events, "ordering": "subject" });
        webhook(&center.admin, settings).await;
        Self { sink, about }
    }

    /// What it has heard, once it is so much: the event, and what it is about.
    async fn heard(&self, count: usize) -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let brief = |body: Value| (text(&body["event"]), text(&body["data"][self.about]));
        self.sink.wait_for(count).await.iter().map(|request| brief(request.json())).collect()
    }
}

on_both! {
    async fn events_of_one_agent_call_or_queue_wait_for_each_other(server) {
        let center = Center::open(&server).await;
        let support = calls::queue(&center.admin, "Support", 0, &[]).await;
        let agents = Endpoint::start(&center, &["agent.state.changed"], "user_id").await;
        let calls = Endpoint::start(&center, &["call.incoming", "call.ended"], "call_id").await;
        let queues = Endpoint::start(&center, &["queue.joined", "queue.left"], "queue_id").await;
        let state = |state: &str| json!({ "state": state });

        center.kim.post("/api/v1/agent-state/me", state("busy")).await.expect(200);
        center.caller("c1").await;
        for endpoint in [&agents, &calls, &queues] {
            endpoint.sink.wait_for(1).await;
        }
        center.kim.post("/api/v1/agent-state/me", state("away")).await.expect(200);
        center.lee.post("/api/v1/agent-state/me", state("busy")).await.expect(200);
        center.report("c1", "end", json!({ "ended_by": "customer" })).await.expect(200);
        let other = json!({
            "id": "c2", "direction": "inbound", "queue_id": support,
            "from": { "number": "+4930901820" }, "to": { "number": "+4930555000" },
        });
        center.pbx.post(CALLS, other).await.expect(201);

        let told = |event: &str, about: &str| (event.to_owned(), about.to_owned());
        let (kim, lee, sales) = (&center.kim_id, &center.lee_id, &center.queue);
        let changed = "agent.state.changed";
        assert_eq!(agents.heard(2).await, [told(changed, kim), told(changed, lee)]);
        assert_eq!(calls.heard(2).await, [told("call.incoming", "c1"), told("call.incoming", "c2")]);
        assert_eq!(queues.heard(2).await, [told("queue.joined", sales), told("queue.joined", &support)]);
        server.advance(Duration::from_secs(7)).await;
        assert_eq!(agents.heard(4).await[2..], [told(changed, kim), told(changed, kim)]);
        assert_eq!(calls.heard(4).await[2..], [told("call.incoming", "c1"), told("call.ended", "c1")]);
        assert_eq!(queues.heard(4).await[2..], [told("queue.joined", sales), told("queue.left", sales)]);
    }
}
