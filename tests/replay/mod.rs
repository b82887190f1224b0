//! Random reports, choices and memberships, several at a time, while lists are read; then the log alone, read up to the
//! position that a list is true for, must tell what the list shows.

mod agents;
mod books;
mod calls;
mod walk;

use std::collections::BTreeSet;

use crate::harness::macros::on_both;
use crate::harness::{Client, Server, Value, json};
use books::Books;
use walk::Walk;

/// A list of live state.
enum Of {
    Agents,
    Calls,
    /// Those that go on.
    Active,
    Waiting(String),
    Members(String),
    Day(String),
}

/// What it showed, and the position of the log that this is true for.
struct Picture {
    of: Of,
    shown: Vec<Value>,
    seq: i64,
}

impl Of {
    fn path(&self) -> String {
        match self {
            Self::Agents => "/api/v1/agent-state".into(),
            Self::Calls => "/api/v1/calls".into(),
            Self::Active => "/api/v1/calls?active=true".into(),
            Self::Waiting(queue) => format!("/api/v1/queues/{queue}/entries"),
            Self::Members(queue) => format!("/api/v1/queues/{queue}/members"),
            Self::Day(queue) => format!("/api/v1/queues/{queue}/stats"),
        }
    }

    async fn picture(self, client: &Client) -> Picture {
        let answer = client.get(&format!("{}?limit=200", self.path())).await.expect(200);
        let (meta, data) = (&answer.body["meta"], answer.data());
        assert_eq!(meta["next_cursor"], Value::Null, "one page has all");
        let seq = meta["seq"].as_i64().or(data["seq"].as_i64()).expect("a position");
        let shown = data.as_array().cloned().unwrap_or_else(|| vec![data.clone()]);
        Picture { of: self, shown, seq }
    }
}

impl Picture {
    fn is_what(&self, books: &Books) {
        let shown = self.shown.clone();
        let (told, shown): (Value, Vec<Value>) = match &self.of {
            Of::Agents => (books.agents.told(), agents::shown(&shown)),
            Of::Calls => (books.calls.told(), calls::shown(shown)),
            Of::Active => (books.calls.active(), calls::shown(shown)),
            Of::Waiting(queue) => {
                (books.waiting(queue), shown.iter().map(|entry| entry["entry_id"].clone()).collect())
            }
            Of::Members(queue) => (books.members(queue), shown),
            Of::Day(queue) => (json!([books.day(queue)]), vec![json!(books::counted(&shown[0]))]),
        };
        assert_eq!(told, Value::from(shown), "{} at {}: the log tells the first", self.of.path(), self.seq);
    }
}

/// The wallboard: several lists, all of the same position.
async fn wallboard(client: &Client) -> Vec<Picture> {
    let answer = client.get("/api/v1/wallboard").await.expect(200);
    let (data, seq) = (answer.data(), answer.body["meta"]["seq"].as_i64().expect("a position"));
    let list = |name: &str| data[name].as_array().expect("a list").clone();
    let day = |queue: Value| {
        let of = Of::Day(queue["id"].as_str().expect("an id").to_owned());
        Picture { of, shown: vec![queue["stats"].clone()], seq }
    };
    let mut all: Vec<Picture> = list("queues").into_iter().map(day).collect();
    all.push(Picture { of: Of::Agents, shown: list("agents"), seq });
    all.push(Picture { of: Of::Active, shown: list("calls"), seq });
    all
}

async fn pictures(walk: &Walk<'_>) -> Vec<Picture> {
    let mut all = wallboard(&walk.reader).await;
    for of in [Of::Agents, Of::Calls] {
        all.push(of.picture(&walk.reader).await);
    }
    for queue in &walk.queues {
        for of in [Of::Waiting, Of::Members, Of::Day] {
            all.push(of(queue.clone()).picture(&walk.reader).await);
        }
    }
    all
}

/// The whole log.
async fn log(client: &Client) -> Vec<Value> {
    let mut events: Vec<Value> = Vec::new();
    loop {
        let page = client.get(&format!("/api/v1/events?after={}&limit=200", events.len())).await.expect(200);
        events.extend(page.data().as_array().expect("a list").clone());
        if page.body["meta"]["seq"].as_u64() == Some(events.len() as u64) {
            return events;
        }
    }
}

on_both! {
    async fn the_log_up_to_where_a_list_is_true_tells_what_it_shows(server) {
        let walk = Walk::begin(&server).await;
        let meanwhile = async {
            let mut all = Vec::new();
            for _ in 0..10 {
                all.extend(pictures(&walk).await);
            }
            all
        };
        // Three at a time, each with dice of its own: reports that cross are the rule in a call center.
        let (mut all, ..) = tokio::join!(meanwhile, walk.go(1, 120), walk.go(2, 120), walk.go(3, 120));
        walk.hold().await;
        all.extend(pictures(&walk).await);
        all.sort_by_key(|picture| picture.seq);

        let mut books = Books::default();
        let mut events = log(&walk.reader).await.into_iter();
        for picture in &all {
            while books.seq < picture.seq {
                books.take(&events.next().expect("the log goes further"));
            }
            picture.is_what(&books);
        }
        let said: BTreeSet<&str> = books.types.iter().map(String::as_str).collect();
        for kind in [
            "agent.state.pending", "agent.logout", "call.transferred", "call.missed", "call.unhold", "call.abandoned",
            "call.updated", "queue.left", "queue.member.removed", "queue.member.unpaused",
        ] {
            assert!(said.contains(kind), "{kind} happened: {said:?}");
        }
    }
}
