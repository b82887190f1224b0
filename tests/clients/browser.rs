//! `clients/js` in a real browser, whose pages come from another origin than the server's.

use crate::harness::browser::Page;
use crate::harness::macros::on_both;
use crate::harness::sink::{Received, Sink};
use crate::harness::wait::eventually;
use crate::harness::{Client, Server, Value, json};
use crate::quick_start::document::repository;

/// Somewhere that has the client and the page of its test, and hears the page's reports.
async fn site() -> Sink {
    let site = Sink::start().await;
    let folder = repository().join("clients/js");
    for part in ["src", "test/browser"] {
        for entry in std::fs::read_dir(folder.join(part)).expect("the client's folder") {
            let name = entry.expect("a file").file_name().into_string().expect("a name");
            let kind = if name.ends_with(".html") { "text/html" } else { "text/javascript" };
            let text = std::fs::read_to_string(folder.join(part).join(&name)).expect("a text");
            site.add_file(format!("/{part}/{name}"), kind, &text);
        }
    }
    site
}

fn open(site: &Sink, server: &Server, more: &str) -> Page {
    let base = server.address.base();
    Page::open(&format!("{}/test/browser/page.html?server={base}{more}", site.origin()))
}

fn reports(site: &Sink) -> Vec<Value> {
    let received = site.received();
    received.iter().filter(|request| request.path == "/report").map(Received::json).collect()
}

/// Numbered events, from this one on; gives their places in the log.
async fn publish(admin: &Client, from: usize, count: usize) -> Vec<Value> {
    let event = |n: usize| json!({ "type": "order.paid", "payload": { "n": n } });
    let events: Vec<Value> = (from..from + count).map(event).collect();
    let answer = admin.post("/api/v1/events", json!(events)).await.expect(202);
    let published = answer.data()["events"].as_array().expect("a list").clone();
    published.into_iter().map(|event| event["seq"].clone()).collect()
}

/// Waits for so many events at the page.
async fn events(site: &Sink, count: usize) -> Vec<Value> {
    eventually(&format!("{count} events at the page"), async || {
        let events: Vec<Value> =
            reports(site).into_iter().filter(|report| report.get("n").is_some()).collect();
        (events.len() >= count).then_some(events)
    })
    .await
}

async fn live(site: &Sink, times: usize) {
    eventually("the page to be live", async || {
        let live = reports(site).iter().filter(|report| report["state"] == "live").count();
        (live >= times).then_some(())
    })
    .await;
}

on_both! {
    async fn a_page_sees_every_event_once_and_in_order_while_the_server_is_killed(server) {
        let (admin, site) = (server.admin().await, site().await);
        let _page = open(&site, &server, "");
        live(&site, 1).await;
        let mut seqs = publish(&admin, 0, 200).await;
        events(&site, 100).await;
        server.restart().await;
        seqs.extend(publish(&admin, 200, 200).await);
        live(&site, 2).await;
        let seen = events(&site, 400).await;
        let expected: Vec<Value> = seqs.iter().enumerate().map(|(n, seq)| json!({ "n": n, "seq": seq })).collect();
        assert_eq!(seen, expected);
        let odd = |report: &Value| report.get("error").is_some() || report.get("reset").is_some();
        assert!(!reports(&site).iter().any(odd), "{:?}", reports(&site));
    }
}

/// Whether a page gets an answer of this server, and a WebSocket with a ticket that is good, without the client.
async fn tried(server: &Server, site: &Sink) -> Value {
    let _page = open(site, server, "&bare");
    eventually("the page", async || {
        site.received().iter().any(|request| request.path == "/ticket").then_some(())
    })
    .await;
    // Now that it is there: a ticket lives for 30 s.
    let ticket = server.admin().await.post_empty("/api/v1/auth/ws-ticket").await.expect(200);
    site.add_file("/ticket".to_owned(), "text/plain", ticket.text_of("ticket"));
    eventually("the page's report", async || reports(site).pop()).await
}

#[tokio::test]
async fn a_page_of_an_origin_that_is_not_allowed_gets_nothing() {
    let server = Server::builder().env("CORS_ALLOWED_ORIGINS", "https://app.example.com").start().await;
    assert_eq!(tried(&server, &site().await).await, json!({ "answered": false, "opened": false }));
}

#[tokio::test]
async fn a_page_of_an_allowed_origin_is_answered_and_listens() {
    let site = site().await;
    let server = Server::builder().env("CORS_ALLOWED_ORIGINS", site.origin()).start().await;
    assert_eq!(tried(&server, &site).await, json!({ "answered": true, "opened": true }));
}
