//! `docs/webhooks.md`: its receivers and its commands, run as they stand there.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tokio::net::TcpStream;

use super::{ALL, path, webhook};
use crate::harness::address::Address;
use crate::harness::free_port::free_port;
use crate::harness::http::Http;
use crate::harness::macros::on_both;
use crate::harness::process::{Dir, Process, guarded};
use crate::harness::sink::{Reply, Sink};
use crate::harness::wait::eventually;
use crate::harness::{Client, Server, Value, json, token};
use crate::quick_start::document::{Document, put};
use crate::quick_start::terminal::Terminal;

const GUIDE: &str = "docs/webhooks.md";

/// One of the document's receivers, running.
struct Receiver {
    process: Process,
    port: u16,
    _dir: Dir,
}

impl Receiver {
    async fn start(program: &str, file: &str, text: &str, secret: &str) -> Self {
        let (dir, port) = (Dir::new("receiver"), free_port());
        std::fs::write(dir.path().join(file), text).expect("the folder is ours");
        let mut command = guarded(program);
        command.arg(file).current_dir(dir.path());
        command.env("WEBHOOK_SECRET", secret).env("PORT", port.to_string());
        let mut process = Process::start(command);
        eventually(&format!("{file} to listen"), async || {
            assert!(process.exited().is_none(), "{:?}", process.lines());
            TcpStream::connect(("127.0.0.1", port)).await.ok()
        })
        .await;
        Self { process, port, _dir: dir }
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}/", self.port)
    }

    /// How often it has acted on the event of that name.
    fn acted_on(&self, event: &str) -> usize {
        self.process.lines().iter().filter(|line| line.starts_with(event)).count()
    }

    /// What it answers to a delivery that somebody else made up.
    async fn asked(&self, id: &str, sent_at: i64, signature: &str, body: &str) -> u16 {
        let client = Client::new(Http::new(&Address::new(self.port, None)).into(), None);
        let request = client.post("/", json!({})).raw("application/json", body.to_owned());
        let request = request.header("webhook-id", id).header("webhook-timestamp", &sent_at.to_string());
        request.header("webhook-signature", signature).await.status
    }
}

fn signature(key: &[u8], id: &str, sent_at: i64, body: &str) -> String {
    token::webhook_signature(key, id, &sent_at.to_string(), body.as_bytes())
}

/// It takes what is signed with this key and young, and nothing else.
async fn assert_careful(receiver: &Receiver, key: &[u8], now: i64) {
    let body = r#"{"id":"e1","event":"made.up","data":{}}"#;
    let id = "e1";
    let good = signature(key, id, now, body);
    assert_eq!(receiver.asked(id, now, &good, body).await, 204);
    assert_eq!(receiver.asked(id, now, &format!("v1,AAAA {good}"), body).await, 204);
    for (what, status) in [
        ("another body", receiver.asked(id, now, &good, &body.replace("{}", "{ }")).await),
        ("another id", receiver.asked("e2", now, &good, body).await),
        ("another moment", receiver.asked(id, now + 1, &good, body).await),
        ("too old", receiver.asked(id, now - 900, &signature(key, id, now - 900, body), body).await),
        ("too new", receiver.asked(id, now + 900, &signature(key, id, now + 900, body), body).await),
        ("another key", receiver.asked(id, now, &signature(b"another", id, now, body), body).await),
        ("no signature", receiver.asked(id, now, "", body).await),
        ("another version", receiver.asked(id, now, &good.replace("v1,", "v2,"), body).await),
    ] {
        assert_eq!(status, 401, "{what}");
    }
    assert_eq!(receiver.acted_on("made.up"), 1, "the same event twice");
}

async fn finished(admin: &Client, id: &Value, count: usize) -> Vec<Value> {
    eventually("the deliveries to be finished", async || {
        let logs = admin.get(&format!("{}/logs", path(id))).await.expect(200).data().as_array()?.clone();
        let done = logs.iter().filter(|entry| entry["status"] != "pending").count();
        (done == count).then_some(logs)
    })
    .await
}

/// The document's receiver against a real server, before, during and after a rotation of the secret.
async fn receives(server: &Server, receiver: Receiver, secret: &str, key: &[u8]) {
    let admin = server.admin().await;
    let id = webhook(&admin, json!({ "url": receiver.url(), "secret": secret, "events": ["order.*"] })).await;
    let publish = async || {
        let event = json!({ "type": "order.paid", "payload": { "name": "Zoë\u{0}", "n": 1 } });
        admin.post("/api/v1/events", event).await.expect(202);
    };
    publish().await;
    let logs = finished(&admin, &id, 1).await;
    admin.post_empty(&format!("{}/logs/{}/retry", path(&id), logs[0]["id"])).await.expect(202);
    admin.post_empty(&format!("{}/rotate-secret", path(&id))).await.expect(200);
    publish().await;
    let logs = eventually("the second attempt", async || {
        let logs = finished(&admin, &id, 2).await;
        logs.iter().any(|entry| entry["attempts"] == 2).then_some(logs)
    })
    .await;
    assert!(logs.iter().all(|entry| entry["status"] == "success" && entry["http_status"] == 204), "{logs:?}");
    assert_eq!(receiver.acted_on("order.paid"), 2, "the repeated one once: {:?}", receiver.process.lines());
    let now = token::claims(admin.token())["iat"].as_i64().expect("the moment of the log-in");
    assert_careful(&receiver, key, now).await;
}

on_both! {
    async fn the_python_receiver_verifies_real_deliveries_and_nothing_else(server) {
        let text = Document::open(GUIDE).find("In Python", "python");
        let secret = "an arbitrary secret, ü";
        let receiver = Receiver::start("python3", "receiver.py", &text, secret).await;
        receives(&server, receiver, secret, secret.as_bytes()).await;
    }

    async fn the_node_receiver_verifies_real_deliveries_and_nothing_else(server) {
        let text = Document::open(GUIDE).find("In Node", "js");
        let key = [7; 32];
        let secret = format!("whsec_{}", STANDARD.encode(key));
        let receiver = Receiver::start("node", "receiver.mjs", &text, &secret).await;
        receives(&server, receiver, &secret, &key).await;
    }

    async fn the_guides_commands_do_what_it_says(server) {
        let (sink, admin, dir) = (Sink::start().await, server.admin().await, Dir::new("guide"));
        let mut terminal = Terminal::open(dir.path()).await;
        terminal.run(&format!("TOKEN={}", admin.token())).await;
        let mut guide = Document::open(GUIDE);
        let here = |block: &str| put(block, "localhost:8000", &format!("localhost:{}", server.port));

        let block = put(&here(&guide.find("Set one up", "bash")), "http://127.0.0.1:9000/", &sink.url());
        let made = terminal.run(&block).await;
        let (id, secret) = made.split_once('\n').expect("two lines");
        terminal.run(id).await;
        let secret = secret.strip_prefix("WEBHOOK_SECRET=").expect("the secret");
        let tested = terminal.run(&here(&guide.find("Set one up", "bash"))).await;
        assert!(tested.contains(r#""status": "success""#), "{tested}");
        assert!(sink.received()[0].is_signed_by(secret));

        let id = json!(1);
        sink.reply_next([Reply::status(500)]);
        admin.patch(&path(&id), json!({ "retry_count": 0 })).await.expect(200);
        admin.post("/api/v1/events", json!({ "type": "order.paid", "payload": {} })).await.expect(202);
        finished(&admin, &id, 2).await;
        let queued = terminal.run(&here(&guide.find("Send again", "bash"))).await;
        assert!(queued.contains(r#""event": "order.paid""#), "{queued}");
        sink.wait_for(3).await;
        let replayed = terminal.run(&here(&guide.find("Send again", "bash"))).await;
        assert!(replayed.contains(r#""queued": 0"#), "nothing is missing: {replayed}");
        let rotated = terminal.run(&here(&guide.find("Change the secret", "bash"))).await;
        assert!(rotated.starts_with("whsec_") && rotated != secret, "{rotated}");
        finished(&admin, &id, 2).await;

        let checks = here(&guide.find("Webhooks not firing", "bash"));
        let healthy = terminal.run(&checks).await;
        let expected = [format!("1 {}", sink.url()), "is_active=true, healthy".to_owned(),
                        "asks for agent.state.changed".to_owned()];
        assert_eq!(healthy.lines().take(3).collect::<Vec<_>>(), expected, "{healthy}");
        assert_eq!(healthy.lines().count(), 5, "{healthy}");

        admin.patch(&path(&id), json!({ "is_active": false, "events": ["call.*", "order.paid"] })).await.expect(200);
        let closed = webhook(&admin, json!({ "url": format!("http://127.0.0.1:{}/", free_port()) })).await;
        let ill = terminal.run(&checks).await;
        assert!(ill.contains("is_active=false, disabled because manual"), "{ill}");
        assert!(ill.contains("does not ask for agent.state.changed, only for call.*, order.paid"), "{ill}");
        admin.post_empty(&format!("{}/test", path(&closed))).await.expect(200);
        let ill = terminal.run(&format!("WEBHOOK_ID={closed}\n{checks}")).await;
        assert!(ill.lines().last().is_some_and(|line| line.ends_with("webhook.test failed connection refused")), "{ill}");
        admin.get(ALL).await.expect(200);
    }
}

#[tokio::test]
async fn the_guides_table_of_retries_is_the_schedule_in_force() {
    let text =
        std::fs::read_to_string(crate::quick_start::document::repository().join(GUIDE)).expect("the guide");
    let table = text.lines().skip_while(|line| !line.starts_with("| attempt |")).skip(2);
    let delays: Vec<String> = table
        .take_while(|line| line.starts_with('|'))
        .map(|row| row.split('|').nth(2).expect("a delay").trim().replace(" min", "m").replace(' ', ""))
        .collect();
    let shown = Server::builder().prepare().await.run(&["config"], "").await;
    let schedule = format!("WEBHOOK_RETRY_SCHEDULE={} ", delays.join(","));
    assert!(shown.stdout.lines().any(|line| line.starts_with(&schedule)), "{schedule} in {shown:?}");
}

#[test]
fn the_guide_names_every_control_frame() {
    let text =
        std::fs::read_to_string(crate::quick_start::document::repository().join(GUIDE)).expect("the guide");
    for name in crate::events::CONTROL_FRAMES {
        assert!(text.contains(&format!("`{name}`")), "{name}");
    }
}
