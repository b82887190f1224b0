//! Endpoints must not be a way into the network that the server stands in.

use std::time::Duration;

use super::outgoing::tested;
use super::{ALL, newest, path, webhook};
use crate::harness::sink::{Reply, Sink};
use crate::harness::wait::eventually;
use crate::harness::{Client, Server, json};

/// Addresses outside public space, class by class.
const NOT_PUBLIC: &[&str] = &[
    // Loopback.
    "127.0.0.1",
    "127.8.8.8:8080",
    "127.0.0.1.",
    "[::1]",
    // Private.
    "10.0.0.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.0.1",
    "[fc00::1]",
    "[fd12:3456::1]",
    // Carrier-grade NAT.
    "100.64.0.1",
    "100.127.255.255",
    // Link-local, site-local.
    "169.254.0.1",
    "[fe80::1]",
    "[fec0::1]",
    // Metadata of clouds.
    "169.254.169.254",
    "100.100.100.200",
    "168.63.129.16",
    "192.0.0.192",
    "[fd00:ec2::254]",
    // Multicast, broadcast, reserved, unspecified.
    "224.0.0.1",
    "239.255.255.255",
    "255.255.255.255",
    "240.0.0.1",
    "[ff02::1]",
    "0.0.0.0",
    "0.1.2.3",
    "[::]",
    // Documentation and benchmarks.
    "192.0.2.1",
    "198.18.0.1",
    "203.0.113.1",
    "[2001:db8::1]",
    // IPv4 inside IPv6: mapped, compatible, NAT64, 6to4, Teredo.
    "[::ffff:127.0.0.1]",
    "[::ffff:a9fe:a9fe]",
    "[::127.0.0.1]",
    "[64:ff9b::127.0.0.1]",
    "[64:ff9b::a9fe:a9fe]",
    "[2002:7f00:1::]",
    "[2002:a9fe:a9fe::1]",
    "[2001:0:7f00:1::]",
];

/// Spellings that programs read as addresses, each in its own way.
const ODD: &[&str] = &[
    "0x7f.1",
    "0x7f000001",
    "0X7F.0.0.1",
    "2130706433",
    "017700000001",
    "0177.0.0.1",
    "127.1",
    "127.0.1",
    "127.0.0.01",
    "127.0.0.1..",
    "1.2.3.4.5",
    "[127.0.0.1]",
    "[::1%25lo]",
    "[fe80::1%25eth0]",
    "[::1%lo]",
    "%31%32%37.0.0.1",
    "①②⑦.⓪.⓪.①",
    "127。0。0。1",
];

const OTHER_URLS: &[&str] = &[
    "http://user@example.com/",
    "http://user:password@example.com/",
    "https://:@example.com/",
    "https://example.com@127.0.0.1/",
    "https://example.com:0/",
    "https://example.com:65536/",
    "ftp://example.com/",
    "ws://example.com/",
    "gopher://example.com/",
    "file:///etc/passwd",
    "data:text/plain,x",
    "javascript:alert(1)",
    "//example.com/",
    "/hooks",
    "example.com",
    "http:///hooks",
    "http:example.com",
];

async fn production(mariadb: bool, networks: &str) -> (Server, Client) {
    let builder = Server::builder().production().env("WEBHOOK_ALLOWED_NETWORKS", networks);
    let server = if mariadb { builder.mariadb().start().await } else { builder.start().await };
    let admin = server.other_tenant("acme").await;
    (server, admin)
}

async fn refused_at_set_up(mariadb: bool) {
    let (_server, admin) = production(mariadb, "").await;
    let literals = NOT_PUBLIC.iter().chain(ODD).map(|host| format!("http://{host}/hook"));
    for url in literals.chain(OTHER_URLS.iter().map(|url| (*url).to_owned())) {
        let answer = admin.post(ALL, json!({ "url": url })).await;
        assert_eq!(answer.status, 422, "{url}: {}", answer.text);
        answer.names("url");
    }
    assert_eq!(*admin.get(ALL).await.expect(200).data(), json!([]));
    let id = webhook(&admin, json!({ "url": "https://8.8.8.8/", "is_active": false })).await;
    let bad = json!({ "url": "http://169.254.169.254/latest/meta-data" });
    admin.patch(&path(&id), bad.clone()).await.assert_error(422).names("url");
    admin.put(&path(&id), bad).await.assert_error(422).names("url");
    assert_eq!(admin.get(&path(&id)).await.expect(200).data()["url"], "https://8.8.8.8/");
}

#[tokio::test]
async fn production_refuses_what_is_no_public_address_at_set_up_on_sqlite() {
    refused_at_set_up(false).await;
}

#[tokio::test]
async fn production_refuses_what_is_no_public_address_at_set_up_on_mariadb() {
    refused_at_set_up(true).await;
}

/// A name is taken at set-up; what it stands for is judged when it is dialled.
async fn refused_when_dialled(mariadb: bool) {
    let sink = Sink::start().await;
    let (_server, admin) = production(mariadb, "none").await;
    for name in ["localhost", "LOCALHOST"] {
        let url = sink.url().replace("127.0.0.1", name);
        let outcome = tested(&admin, json!({ "url": url, "is_active": false })).await;
        assert_eq!(outcome["status"], "failed", "{outcome}");
        let error = outcome["error"].as_str().expect("words");
        let address = error.strip_prefix("address ").and_then(|rest| rest.strip_suffix(" is not allowed"));
        assert!(matches!(address, Some("127.0.0.1" | "::1")), "{name}: {outcome}");
    }
    assert_eq!(sink.connections(), 0);
}

#[tokio::test]
async fn a_name_that_stands_for_a_private_address_is_not_dialled_on_sqlite() {
    refused_when_dialled(false).await;
}

#[tokio::test]
async fn a_name_that_stands_for_a_private_address_is_not_dialled_on_mariadb() {
    refused_when_dialled(true).await;
}

/// Neither a test nor what was queued goes there, once the configuration has changed.
async fn closed_later(before: Server) {
    let sink = Sink::start().await;
    let admin = before.admin().await;
    let id = webhook(&admin, json!({ "url": sink.url(), "retry_count": 1 })).await;
    sink.reply_next([Reply::status(500)]);
    admin.post("/api/v1/events", json!({ "type": "order.queued", "payload": {} })).await.expect(202);
    newest(&admin, &id, "the first attempt", |entry| entry["attempts"] == 1).await;
    let before_that = sink.connections();
    before.kill_9();
    let server = before.another().env("WEBHOOK_ALLOWED_NETWORKS", "none").start().await;
    let admin = server.admin().await;
    admin.post(ALL, json!({ "url": sink.url() })).await.assert_error(422).names("url");
    let tested = admin.post_empty(&format!("{}/test", path(&id))).await.expect(200);
    assert_eq!(tested.text_of("error"), "address 127.0.0.1 is not allowed");
    admin.post("/api/v1/events", json!({ "type": "order.paid", "payload": {} })).await.expect(202);
    // Once for the retry of the one, once for that of the other.
    for _ in 0..2 {
        server.advance(Duration::from_secs(7)).await;
    }
    for event in ["order.queued", "order.paid"] {
        let entry = eventually("the delivery to fail", async || {
            let logs = admin.get(&format!("{}/logs?event={event}", path(&id))).await.expect(200);
            let entry = logs.data()[0].clone();
            (entry["status"] == "failed").then_some(entry)
        })
        .await;
        assert_eq!(entry["error"], "address 127.0.0.1 is not allowed", "{entry}");
    }
    assert_eq!(sink.connections(), before_that);
}

#[tokio::test]
async fn an_address_that_was_open_once_is_not_dialled_any_more_on_sqlite() {
    closed_later(Server::builder().start().await).await;
}

#[tokio::test]
async fn an_address_that_was_open_once_is_not_dialled_any_more_on_mariadb() {
    closed_later(Server::builder().mariadb().start().await).await;
}

async fn open_and_no_others(mariadb: bool) {
    let sink = Sink::start().await;
    let (_server, admin) = production(mariadb, "127.0.0.0/8, 10.1.0.0/16").await;
    for url in [
        sink.url(),
        sink.url().replace("127.0.0.1", "localhost"),
        sink.url().replace("127.0.0.1", "[::ffff:127.0.0.1]"),
    ] {
        let outcome = tested(&admin, json!({ "url": url })).await;
        assert_eq!(outcome["status"], "success", "{url}: {outcome}");
    }
    for url in ["http://10.1.2.3/", "http://[64:ff9b::10.1.2.3]/"] {
        admin.post(ALL, json!({ "url": url, "is_active": false })).await.expect(201);
    }
    for url in ["http://10.2.0.1/", "http://[::1]/", "http://169.254.169.254/", "http://0x7f.1/"] {
        admin.post(ALL, json!({ "url": url })).await.assert_error(422).names("url");
    }
}

#[tokio::test]
async fn networks_that_are_allowed_are_open_and_no_others_on_sqlite() {
    open_and_no_others(false).await;
}

#[tokio::test]
async fn networks_that_are_allowed_are_open_and_no_others_on_mariadb() {
    open_and_no_others(true).await;
}
