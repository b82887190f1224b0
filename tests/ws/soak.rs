//! Three servers, MariaDB and Redis, with publishers and 300 clients, while Redis goes away, a server is killed and clients come
//! and go: what each client sees is what the log holds for it, once and in order.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::future::join_all;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

use crate::harness::wait::{eventually, within};
use crate::harness::{Client, Server, Value, json};

const CLIENTS_EACH: usize = 100;
const PUBLISHERS: usize = 3;
const EVENTS_EACH: usize = 80;

/// Who hears of the event with that number: everybody, Kim, or supervisors.
fn audience(number: usize, kim_id: &str) -> (&'static str, Value) {
    match number % 3 {
        0 => ("all", json!({})),
        1 => ("kim", json!({ "users": [kim_id] })),
        _ => ("supervisors", json!({ "roles": ["supervisor"] })),
    }
}

/// Publishes, at whichever server answers, under keys, so that what is repeated is stored once.
async fn publish(clients: &[Client], publisher: usize, kim_id: &str, published: &AtomicUsize) {
    for number in 0..EVENTS_EACH {
        let (whom, audience) = audience(number, kim_id);
        let mut event = json!({ "type": "order.paid", "payload": { "for": whom } });
        if whom != "all" {
            event["audience"] = audience;
        }
        let mut attempt = publisher;
        eventually("an event to be accepted", async || {
            attempt += 1;
            let request = clients[attempt % clients.len()].post("/api/v1/events", event.clone());
            let answer = request.header("idempotency-key", &format!("{publisher} {number}")).try_send().await;
            answer.ok().filter(|answer| answer.status == 202)
        })
        .await;
        published.fetch_add(1, Ordering::Relaxed);
    }
}

async fn until_published(published: &AtomicUsize, count: usize) {
    let is_so = async || (published.load(Ordering::Relaxed) >= count).then_some(());
    eventually(&format!("{count} events"), is_so).await;
}

/// Trouble, each at a certain point of the publishers' work.
async fn trouble(servers: &[Server], published: &AtomicUsize) {
    let step = PUBLISHERS * EVENTS_EACH / 6;
    until_published(published, step).await;
    servers[0].redis().kill_9();
    until_published(published, 2 * step).await;
    servers[0].redis().start_again().await;
    until_published(published, 3 * step).await;
    servers[1].kill_9();
    until_published(published, 4 * step).await;
    servers[1].restart().await;
    until_published(published, 5 * step).await;
    servers[0].redis().cli(&["CLIENT", "KILL", "TYPE", "pubsub"]).await;
}

type Socket = WebSocketStream<TcpStream>;

/// A connection that goes on behind that number, if the server is there.
async fn connect(server: &Server, token: &str, since: i64) -> Option<Socket> {
    let stream = server.address.try_connect().await.ok()?;
    let url = format!("{}/ws?since={since}", server.address.base()).replacen("http", "ws", 1);
    let mut request = url.into_client_request().ok()?;
    request.headers_mut().insert("authorization", format!("Bearer {token}").parse().ok()?);
    let (socket, _) = within("a handshake", tokio_tungstenite::client_async(request, stream)).await.ok()?;
    Some(socket)
}

/// The next event's number; nothing when the connection is over.
async fn next_seq(socket: &mut Socket) -> Option<i64> {
    loop {
        let Message::Text(text) = socket.next().await?.ok()? else { continue };
        let frame: Value = serde_json::from_str(&text).expect("JSON");
        assert_ne!(frame["type"], "connection.reset", "the log reaches back to the beginning");
        if let Some(seq) = frame["seq"].as_i64() {
            return Some(seq);
        }
    }
}

/// Reads on whichever server is there, leaves now and then and comes back elsewhere, until it has seen `end`.
async fn listen(
    servers: &[Server],
    token: &str,
    number: usize,
    mut end: watch::Receiver<Option<i64>>,
) -> Vec<i64> {
    let mut seen = Vec::new();
    for visit in number.. {
        let since = seen.last().copied().unwrap_or(0);
        let socket = connect(&servers[visit % servers.len()], token, since).await;
        let Some(mut socket) = socket else {
            // Its server is away: the next one's turn, as soon as others had theirs.
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        let stay = 5 + (number * 7 + visit * 13) % 60;
        for _ in 0..stay {
            let is_over =
                |end: &Option<i64>| end.is_some_and(|end| seen.last().is_some_and(|seq| *seq >= end));
            tokio::select! {
                seq = within("the next event", next_seq(&mut socket)) => match seq {
                    Some(seq) => seen.push(seq),
                    None => break,
                },
                _ = end.wait_for(is_over) => return seen,
            }
        }
    }
    unreachable!("visits are endless")
}

/// The numbers of the events for those, as the log has them.
async fn logged(server: &Server, whom: &[&str]) -> Vec<i64> {
    let ended = server.cli(&["events", "tail", "--tenant", "tenant-123"]).await;
    let events = ended.stdout.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let wanted = events.filter(|event| whom.contains(&event["payload"]["for"].as_str().unwrap_or_default()));
    wanted.map(|event| event["seq"].as_i64().expect("a number")).collect()
}

#[tokio::test]
async fn whatever_happens_each_client_sees_what_the_log_holds_for_it() {
    let here = Server::builder().mariadb().redis().env("RATE_LIMIT_API", "off");
    let here = here.env("WS_MAX_CONNECTIONS_PER_USER", "1000").start().await;
    let (second, third) = tokio::join!(here.elsewhere().start(), here.elsewhere().start());
    let (admin, (kim, kim_id), (lee, _)) = tokio::join!(
        here.admin(),
        here.user("kim@example.com", "agent"),
        here.user("lee@example.com", "agent")
    );
    let servers = [here, second, third];
    let publishers = servers.each_ref().map(|server| server.with_token(admin.token()));

    let (tell, end) = watch::channel(None);
    let published = AtomicUsize::new(0);
    let listeners = |client: &Client| {
        let (token, servers, end) = (client.token().to_owned(), &servers, &end);
        async move { join_all((0..CLIENTS_EACH).map(|number| listen(servers, &token, number, end.clone()))).await }
    };
    let work = async {
        let all = (0..PUBLISHERS).map(|publisher| publish(&publishers, publisher, &kim_id, &published));
        tokio::join!(join_all(all), trouble(&servers, &published));
        // For everybody, so that all know when they have seen all.
        let last = json!({ "type": "order.paid", "payload": { "for": "all" } });
        let answer = publishers[2].post("/api/v1/events", last).await.expect(202);
        tell.send_replace(answer.data()["events"][0]["seq"].as_i64());
    };
    let ((), seen_by_admin, seen_by_kim, seen_by_lee) =
        tokio::join!(work, listeners(&admin), listeners(&kim), listeners(&lee));

    for (seen, whom) in [
        (seen_by_admin, &["all", "kim", "supervisors"][..]),
        (seen_by_kim, &["all", "kim"]),
        (seen_by_lee, &["all"]),
    ] {
        let expected = logged(&servers[0], whom).await;
        for one in seen {
            assert_eq!(one, expected, "of {whom:?}");
        }
    }
}
