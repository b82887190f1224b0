//! `docs/realtime.md`: its commands, its frames and its programs, against a real server, one after the other.

use std::collections::BTreeSet;
use std::mem::discriminant;
use std::os::unix::fs::symlink;
use std::time::Duration;

use crate::harness::macros::on_both;
use crate::harness::process::{Dir, Process, guarded};
use crate::harness::wait::eventually;
use crate::harness::ws::Ws;
use crate::harness::{Client, Server, Value, json};
use crate::quick_start::document::{Document, put, repository};
use crate::quick_start::terminal::{Terminal, serve, wait_for_line};

/// The document as far as nothing has run it yet, and the server that stands in for the reader's.
struct Guide<'a> {
    document: Document,
    server: &'a Server,
}

impl<'a> Guide<'a> {
    fn open(server: &'a Server) -> Self {
        Self { document: Document::open("docs/realtime.md"), server }
    }

    fn code(&mut self, heading: &str, language: &str) -> String {
        let block = self.document.next(heading, language);
        block.replace("localhost:8000", &format!("127.0.0.1:{}", self.server.port))
    }

    fn text(&mut self, heading: &str) -> String {
        self.document.next(heading, "json").trim().to_owned()
    }

    fn json(&mut self, heading: &str) -> Value {
        let text = self.text(heading);
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    /// The next frame of the document looks like this one.
    #[track_caller]
    fn shows(&mut self, heading: &str, real: &Value) {
        let documented = self.json(heading);
        assert_eq!(documented["type"], real["type"]);
        assert_alike(&documented, real);
    }
}

/// The same fields, with values of the same kinds.
#[track_caller]
fn assert_alike(documented: &Value, real: &Value) {
    let (Value::Object(own), Value::Object(other)) = (documented, real) else {
        assert_eq!(discriminant(documented), discriminant(real), "{documented} is {real}");
        return;
    };
    let names = |fields: &serde_json::Map<String, Value>| fields.keys().cloned().collect::<BTreeSet<_>>();
    assert_eq!(names(own), names(other), "{documented} is {real}");
    own.iter().for_each(|(name, value)| assert_alike(value, &other[name]));
}

async fn publish(admin: &Client, payload: &Value) {
    admin.post("/api/v1/events", json!({ "type": "order.paid", "payload": payload })).await.expect(202);
}

/// Connects with a ticket as the document does, and compares the first frames; gives the document's event too.
async fn connecting(guide: &mut Guide<'_>, terminal: &mut Terminal, admin: &Client) -> (Ws, Value) {
    assert!(guide.code("Real time", "mermaid").contains("/ws?since="));
    let block = guide.code("Real time", "bash");
    terminal.run(&block).await;
    let block = guide.code("Connect", "bash");
    let ticket: Value = serde_json::from_str(&terminal.run(&block).await).expect("JSON");
    assert_alike(&guide.json("Connect"), &ticket);
    let path = format!("/ws?ticket={}", ticket["ticket"].as_str().expect("a ticket"));
    let mut ws = Ws::open(guide.server, &path, &[]).await.expect("a connection");
    let ready = ws.next_json().await;
    guide.shows("Connect", &ready);

    let event = guide.json("Events");
    publish(admin, &event["payload"]).await;
    let real = ws.wait_for("order.paid").await;
    assert_eq!(real["payload"], event["payload"]);
    assert_alike(&event, &real);
    let (kim, _) = guide.server.user("kim@example.com", "agent").await;
    let _online = Ws::connect(guide.server, &kim).await;
    let real = ws.wait_for("user.online").await;
    guide.shows("Events", &real);
    (ws, event)
}

async fn resuming(guide: &mut Guide<'_>, terminal: &mut Terminal, admin: &Client) {
    let bearer = format!("Bearer {}", admin.token());
    let headers = [("authorization", bearer.as_str())];
    let mut ws = Ws::open(guide.server, "/ws?since=1&epoch=another", &headers).await.expect("a connection");
    ws.expect_type("connection.ready").await;
    let reset = ws.next_json().await;
    guide.shows("Go on after a loss", &reset);
    let block = guide.code("Go on after a loss", "bash");
    assert!(terminal.run(&block).await.parse::<i64>().is_ok_and(|seq| seq >= 1));
}

const SAY: &str = "Say something";

/// Sends the document's message; the answer must be the document's, to the letter.
async fn exchange(guide: &mut Guide<'_>, ws: &mut Ws) {
    let message = guide.text(SAY);
    ws.send_text(&message).await;
    let expected = guide.json(SAY);
    let answer = ws.wait_for(expected["type"].as_str().expect("a type")).await;
    assert_eq!(answer, expected, "to {message}");
}

async fn messages(guide: &mut Guide<'_>, ws: &mut Ws) {
    ws.send_text(&guide.text(SAY)).await;
    let pong = ws.wait_for("pong").await;
    guide.shows(SAY, &pong);
    for _ in ["subscribe", "unsubscribe"] {
        exchange(guide, ws).await;
    }
    guide.server.advance(Duration::from_secs(245)).await;
    let expiring = ws.wait_for("auth.expiring").await;
    guide.shows(SAY, &expiring);
    let mut refresh = guide.json(SAY);
    refresh["payload"]["access_token"] = guide.server.admin().await.token().into();
    ws.send(&refresh).await;
    let refreshed = ws.wait_for("auth.refreshed").await;
    guide.shows(SAY, &refreshed);
    exchange(guide, ws).await;
}

const HTTP: &str = "Over plain HTTP";

async fn over_http(guide: &mut Guide<'_>, event: &Value) {
    let (dir, admin) = (Dir::new("guide"), guide.server.admin().await);
    publish(&admin, &event["payload"]).await;
    let block = format!("TOKEN={}\n{}", admin.token(), guide.code(HTTP, "bash"));
    let mut curl = serve(&block, dir.path());
    let data = wait_for_line(&mut curl, "data: ").await;
    let data: Value = serde_json::from_str(data.trim_start_matches("data: ")).expect("JSON");
    let documented = guide.document.next(HTTP, "text");
    let fields = |line: &str| line.split_once(": ").map(|(name, _)| name.to_owned());
    let shown: Vec<_> = documented.lines().map(fields).collect();
    assert_eq!(curl.lines().iter().map(|line| fields(line)).take(shown.len()).collect::<Vec<_>>(), shown);
    let frame = documented.lines().last().and_then(|line| line.strip_prefix("data: ")).expect("data");
    assert_alike(&serde_json::from_str(frame).expect("JSON"), &data);

    let mut terminal = Terminal::open(dir.path()).await;
    terminal.run(&format!("TOKEN={}", admin.token())).await;
    let block = guide.code(HTTP, "bash");
    let page = terminal.run(&block).await;
    for real in page.lines() {
        let documented = guide.json(HTTP);
        assert_alike(&documented, &serde_json::from_str(real).expect("JSON"));
    }
}

/// A folder in which the client is installed, with the document's next programs, by the name in their first lines.
fn programs(guide: &mut Guide<'_>) -> Dir {
    let dir = Dir::new("programs");
    std::fs::write(dir.path().join("package.json"), r#"{"type":"module"}"#).expect("the folder is ours");
    std::fs::create_dir(dir.path().join("node_modules")).expect("the folder is ours");
    let installed = dir.path().join("node_modules/callcenter-client");
    symlink(repository().join("clients/js"), installed).expect("the folder is ours");
    for name in ["session.js", "agents.js", "follow.js"] {
        let text = guide.code("The JavaScript client", "js");
        assert!(text.starts_with(&format!("// {name}\n")), "{text}");
        std::fs::write(dir.path().join(name), text).expect("the folder is ours");
    }
    dir
}

fn node(dir: &Dir, file: &str, key: &str) -> Process {
    let mut command = guarded("node");
    command.arg(file).current_dir(dir.path()).env("API_KEY", key);
    Process::start(command)
}

async fn watches_agents(server: &Server, dir: &Dir) {
    let mut agents = node(dir, "agents.js", "");
    wait_for_line(&mut agents, "live").await;
    let state = async |state: &str| {
        let admin = server.admin().await;
        admin.post("/api/v1/agent-state/me", json!({ "state": state })).await.expect(200);
    };
    state("available").await;
    wait_for_line(&mut agents, "user-456 is available").await;
    // Over the first token's end, and the second one's.
    for word in ["away", "busy"] {
        server.advance(Duration::from_secs(245)).await;
        state(word).await;
        wait_for_line(&mut agents, &format!("user-456 is {word}")).await;
    }
    server.advance(Duration::from_secs(245)).await;
    let admin = server.admin().await;
    publish(&admin, &json!({ "order_id": "B-1" })).await;
    wait_for_line(&mut agents, "order.paid B-1").await;
}

async fn follows(server: &Server, dir: &Dir) {
    let admin = server.admin().await;
    let (program, _) = server.program(&admin, &["events:read"]).await;
    let mut follow = node(dir, "follow.js", program.token());
    wait_for_line(&mut follow, "B-1 was paid").await;
    let seen = follow.lines().pop().and_then(|line| line.split(':').next()?.parse::<i64>().ok());
    let kept = async || {
        let text = std::fs::read_to_string(dir.path().join("place.json")).ok()?;
        let place: Value = serde_json::from_str(&text).ok()?;
        (place["since"].as_i64() == seen).then_some(())
    };
    eventually("the place to be kept", kept).await;
    follow.kill_9();
    publish(&admin, &json!({ "order_id": "B-2" })).await;
    let mut follow = node(dir, "follow.js", program.token());
    wait_for_line(&mut follow, "B-2 was paid").await;
    assert_eq!(follow.lines().len(), 1, "it goes on where it was: {:?}", follow.lines());
}

on_both! {
    async fn the_guide_does_what_it_says(server, JWT_ACCESS_TTL = "5m") {
        let (mut guide, dir, admin) = (Guide::open(&server), Dir::new("guide"), server.admin().await);
        let mut terminal = Terminal::open(dir.path()).await;
        let (mut ws, event) = connecting(&mut guide, &mut terminal, &admin).await;
        resuming(&mut guide, &mut terminal, &admin).await;
        messages(&mut guide, &mut ws).await;
        over_http(&mut guide, &event).await;
        put(&guide.code("Several servers", "nginx"), "proxy_read_timeout 75s", "");
        let dir = programs(&mut guide);
        watches_agents(&server, &dir).await;
        follows(&server, &dir).await;
        guide.document.assert_at_the_end();
    }
}
