//! `ordering`

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{path, webhook};
use crate::harness::macros::on_both;
use crate::harness::sink::{Received, Reply, Sink};
use crate::harness::wait::{eventually, within};
use crate::harness::{Client, Server, Value, json};

/// Publishes an event about each of these; what it is about stands in it.
async fn publish(admin: &Client, subjects: &[&str]) {
    let event =
        |subject: &&str| json!({ "type": "order.paid", "subject": subject, "payload": { "about": subject } });
    let events: Vec<Value> = subjects.iter().map(event).collect();
    admin.post("/api/v1/events", events).await.expect(202);
}

async fn nothing_is_pending(admin: &Client, id: &Value) {
    eventually("every delivery to be recorded", async || {
        let stats = admin.get(&format!("{}/stats", path(id))).await.expect(200);
        (stats.data()["pending_count"] == 0).then_some(())
    })
    .await;
}

fn seqs(received: &[Received]) -> Vec<i64> {
    received.iter().map(|request| request.json()["seq"].as_i64().unwrap()).collect()
}

/// What each request was about, in order of arrival.
fn subjects(received: &[Received]) -> Vec<String> {
    received.iter().map(|request| request.json()["data"]["about"].as_str().unwrap().to_owned()).collect()
}

on_both! {
    async fn a_strict_endpoint_that_fails_every_third_time_gets_everything_in_order(server, WEBHOOK_RETRY_SCHEDULE = "20ms") {
        let sink = Sink::start().await;
        let replies = [Reply::status(200), Reply::status(200), Reply::status(500)];
        sink.reply_next(replies.iter().cycle().take(90).cloned());
        let admin = server.admin().await;
        let id = webhook(&admin, json!({ "url": sink.url(), "events": ["order.*"], "ordering": "strict" })).await;
        for number in 0..6 {
            publish(&admin, &[["a", "b"][number % 2]; 10]).await;
        }
        nothing_is_pending(&admin, &id).await;
        let seqs = seqs(&sink.received());
        assert_eq!(seqs.len(), 60 + 29);
        assert!(seqs.is_sorted(), "{seqs:?}");
        // Each third request failed and is the next one's again; no other is.
        let repeated: Vec<usize> = (1..seqs.len()).filter(|at| seqs[*at] == seqs[at - 1]).collect();
        assert_eq!(repeated, (3..seqs.len()).step_by(3).collect::<Vec<_>>());
    }

    async fn a_retry_holds_back_its_subject_and_no_other(server) {
        let sink = Sink::start().await;
        let admin = server.admin().await;
        let id = webhook(&admin, json!({ "url": sink.url(), "events": ["order.*"], "ordering": "subject" })).await;
        sink.reply_next([Reply::status(500)]);
        publish(&admin, &["call:1"]).await;
        sink.wait_for(1).await;
        publish(&admin, &["call:1", "call:2", "call:3", "call:1", "call:2", "call:3", "call:2"]).await;
        let received = sink.wait_for(6).await;
        let others = subjects(&received[1..]);
        assert!(others.iter().all(|subject| subject != "call:1"), "{others:?}");
        eventually("the others to be recorded", async || {
            let stats = admin.get(&format!("{}/stats", path(&id))).await.expect(200);
            (stats.data()["successful_count"] == 5).then_some(())
        })
        .await;
        server.advance(Duration::from_secs(7)).await;
        let received = sink.wait_for(9).await;
        assert_eq!(subjects(&received[6..]), ["call:1", "call:1", "call:1"]);
        for subject in ["call:1", "call:2", "call:3"] {
            let of_subject: Vec<Received> = received.iter().filter(|one| one.json()["data"]["about"] == subject).cloned().collect();
            assert!(seqs(&of_subject).is_sorted(), "{subject}");
        }
        nothing_is_pending(&admin, &id).await;
    }

    async fn a_retry_by_hand_goes_out_at_once(server) {
        let sink = Sink::start().await;
        let admin = server.admin().await;
        let settings = json!({ "url": sink.url(), "events": ["order.*"], "ordering": "strict", "retry_count": 0 });
        let id = webhook(&admin, settings).await;
        let count = async |name: &str, count: u64| {
            eventually(name, async || {
                let stats = admin.get(&format!("{}/stats", path(&id))).await.expect(200);
                (stats.data()[name] == count).then_some(())
            })
            .await;
        };
        // An endpoint that is known to answer: one that only fails has one request at a time.
        publish(&admin, &["first"]).await;
        count("successful_count", 1).await;
        sink.reply_next([Reply::status(500)]);
        publish(&admin, &["a"]).await;
        count("failed_count", 1).await;
        let failed = admin.get("/api/v1/webhooks/failed").await.expect(200);
        let failed = failed.data()[0].clone();
        // The next ones wait for one that does not answer; the one by hand goes past them.
        sink.reply_next([Reply::stall()]);
        publish(&admin, &["b", "c"]).await;
        sink.wait_for(3).await;
        admin.post_empty(&format!("{}/logs/{}/retry", path(&id), failed["id"])).await.expect(202);
        count("successful_count", 2).await;
        assert_eq!(subjects(&sink.received()), ["first", "a", "b", "a"]);
    }

    async fn a_replay_goes_in_order_behind_what_waits(server) {
        let sink = Sink::start().await;
        let admin = server.admin().await;
        let since = "2020-01-01T00:00:00Z";
        publish(&admin, &["a", "b", "c", "d"]).await;
        let id = webhook(&admin, json!({ "url": sink.url(), "events": ["order.*"], "ordering": "strict" })).await;
        publish(&admin, &["e"]).await;
        sink.wait_for(1).await;
        sink.reply_next([Reply::status(500)]);
        let queued = admin.post(&format!("{}/replay", path(&id)), json!({ "since": since, "only": "missing" })).await.expect(202);
        assert_eq!(queued.data()["queued"], 4);
        sink.wait_for(2).await;
        server.advance(Duration::from_secs(7)).await;
        let received = sink.wait_for(6).await;
        assert_eq!(subjects(&received), ["e", "a", "a", "b", "c", "d"]);
    }

    async fn another_order_holds_for_what_is_published_from_then_on(server) {
        let sink = Sink::start().await;
        let admin = server.admin().await;
        let id = webhook(&admin, json!({ "url": sink.url(), "events": ["order.*"], "ordering": "strict" })).await;
        sink.reply_next([Reply::status(500)]);
        publish(&admin, &["a", "b", "c"]).await;
        sink.wait_for(1).await;
        admin.patch(&path(&id), json!({ "ordering": "none" })).await.expect(200);
        publish(&admin, &["d", "e"]).await;
        let received = sink.wait_for(3).await;
        let free: BTreeSet<String> = subjects(&received[1..]).into_iter().collect();
        assert_eq!(free, BTreeSet::from(["d".to_owned(), "e".to_owned()]));
        server.advance(Duration::from_secs(7)).await;
        let received = sink.wait_for(6).await;
        assert_eq!(subjects(&received[3..]), ["a", "b", "c"]);
    }
}

/// Reads what is said on the channel until this is in it.
async fn heard(subscriber: &mut TcpStream, words: &str) {
    let mut heard = String::new();
    while !heard.contains(words) {
        let mut buffer = [0; 1024];
        let read = within("a message", subscriber.read(&mut buffer)).await.expect("Redis is there");
        assert!(read > 0, "Redis has closed");
        heard.push_str(&String::from_utf8_lossy(&buffer[..read]));
    }
}

#[tokio::test]
async fn whoever_sends_to_an_ordered_endpoint_is_told_through_redis_what_other_servers_queue() {
    let here = Server::builder().mariadb().redis().start().await;
    let there = here.elsewhere().start().await;
    let sink = Sink::start().await;
    let admin = here.admin().await;
    let id = webhook(&admin, json!({ "url": sink.url(), "events": ["order.*"], "ordering": "strict" })).await;
    publish(&admin, &["a"]).await;
    sink.wait_for(1).await;
    let mut subscriber = TcpStream::connect(("127.0.0.1", here.redis().port)).await.expect("Redis");
    subscriber.write_all(b"SUBSCRIBE callcenter:doorbells\r\n").await.expect("Redis");
    heard(&mut subscriber, ":1\r\n").await;
    // One of the two does not send; the other one keeps its peace about its own.
    publish(&admin, &["b"]).await;
    publish(&there.with_token(admin.token()), &["c"]).await;
    heard(&mut subscriber, &format!(" {id}\r\n")).await;
    assert_eq!(subjects(&sink.wait_for(3).await), ["a", "b", "c"]);
    let listeners = here.redis().cli(&["PUBSUB", "NUMSUB", "callcenter:doorbells"]).await;
    assert!(listeners.trim_end().ends_with('3'), "both servers and the test: {listeners}");
}
