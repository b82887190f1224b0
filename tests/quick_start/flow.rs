//! The end of the quick start: an agent's state change on its way, and the format and signature of webhooks.

use super::document::put;
use super::terminal::{in_folder, wait_for_line};
use super::walk::{Walk, json};
use crate::harness::process::run;
use crate::harness::sink::Received;
use crate::harness::wait::eventually;

const SECRET: &str = "test-secret-123";

impl Walk {
    /// Steps 1 to 5 of the flow, with the terminal of section 9 listening.
    pub async fn agent_state_change_flow(&mut self) -> Received {
        let text = self.document.next("Full Example: Agent State Change Flow", "");
        let request = text.lines().find(|line| line.trim().starts_with("POST /api/v1/agent-state/me"));
        assert!(request.is_some(), "{text}");
        let body = text.lines().find(|line| line.trim().starts_with("{\"state\"")).expect("a body").trim();
        let curl = format!(
            "curl -s -X POST http://localhost:8000/api/v1/agent-state/me -H \"Authorization: Bearer $TOKEN\" \
             -H 'Content-Type: application/json' -d '{body}'"
        );
        let answer = json(&self.terminal.run(&self.here(&curl)).await);
        assert_eq!(answer["data"]["state"], "available", "{answer}");

        let wscat = self.wscat.as_mut().expect("section 9 has connected");
        let line = wait_for_line(wscat, "agent.state.changed").await;
        let frame = json(&line[line.find('{').expect("a frame")..=line.rfind('}').expect("a frame")]);
        assert_eq!(frame["type"], "agent.state.changed");
        assert_eq!(frame["payload"]["user_id"], "user-456");
        assert_eq!(frame["payload"]["state"], "available");
        assert_eq!(frame["payload"]["tenant_id"], "tenant-123");

        let received = self.sink.wait_for_event("agent.state.changed").await;
        assert_headers(&received);
        assert!(received.is_signed_by(SECRET));
        self.check_delivery().await;
        received
    }

    async fn check_delivery(&mut self) {
        let curl = "curl -s http://localhost:8000/api/v1/webhooks/1/logs -H \"Authorization: Bearer $TOKEN\"";
        let curl = self.here(curl);
        let entry = eventually("the delivery in the log", async || {
            let answer = json(&self.terminal.run(&curl).await);
            let entry = answer["data"][0].clone();
            (entry["event"] == "agent.state.changed" && entry["status"] == "success").then_some(entry)
        })
        .await;
        assert_eq!(entry["http_status"], 200, "{entry}");
        assert!(entry["response_time_ms"].is_number(), "{entry}");
        assert_eq!(entry["retries"], 0, "{entry}");
    }

    pub fn webhook_payload_format(&mut self, received: &Received) {
        let mut documented = json(&self.document.next("Webhook Payload Format", "json"));
        let body = received.json();
        let now = body["timestamp"].as_i64().expect("unix seconds");
        assert!(now > 1_700_000_000, "{body}");
        // The example's moment, and its agent was away before; ours came from off duty.
        documented["timestamp"] = now.into();
        documented["data"]["previous_state"] = "offline".into();
        for field in ["event", "tenant_id", "timestamp"] {
            assert_eq!(body[field], documented[field], "{body}");
        }
        for (field, value) in documented["data"].as_object().expect("an object") {
            assert_eq!(body["data"][field], *value, "{body}");
        }
    }

    pub async fn verify_webhook_signature(&mut self, received: &Received) {
        let block = self.document.next("Verify Webhook Signature (Python Example)", "python");
        let ours = put(&block, "'your-webhook-secret'", &format!("'{SECRET}'"));
        assert_eq!(self.handler_says(&ours, received).await, "None", "the signature is accepted");
        assert_eq!(self.handler_says(&block, received).await, "401", "another secret is not");
    }

    /// Runs the document's handler, which ends in a `return`, as the body of a function.
    async fn handler_says(&self, block: &str, received: &Received) -> String {
        let indented: String = block.lines().map(|line| format!("    {line}\n")).collect();
        let program = format!("{REQUEST}\ndef handler(request):\n{indented}\nprint(handler(Request()))\n");
        std::fs::write(self.folder().join("handler.py"), program).expect("the folder is ours");
        std::fs::write(self.folder().join("body"), &received.body).expect("the folder is ours");
        let mut command = in_folder("python3", self.folder());
        command.args(["handler.py", received.header("x-webhook-signature")]);
        let output = run(command, "").await;
        assert!(output.status.success(), "{output:?}");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }
}

/// As much of a web framework's request as the handler uses.
const REQUEST: &str = r#"
import sys

class Request:
    headers = {"X-Webhook-Signature": sys.argv[1]}
    def get_data(self, as_text):
        return open("body", "rb").read().decode("utf-8")
"#;

/// The headers that the quick start lists.
pub fn assert_headers(received: &Received) {
    assert_eq!(received.header("content-type"), "application/json");
    assert_eq!(received.header("x-webhook-id"), "1");
    assert_eq!(received.header("x-tenant-id"), "tenant-123");
    assert!(received.is_signed_by(SECRET), "{:?}", received.headers);
}
