//! Endpoints with `https`: which certificates are good, and which protocol is spoken.

use std::sync::Arc;

use hyper::Version;
use rustls::ServerConfig;

use super::outgoing::tested;
use super::webhook;
use crate::harness::process::Dir;
use crate::harness::sink::Sink;
use crate::harness::tls::{Authority, Certificate, GOOD};
use crate::harness::{Client, Server, json};

const EXPIRED: Certificate = Certificate { years: [2000, 2001], ..GOOD };
const FUTURE: Certificate = Certificate { years: [3999, 4000], ..GOOD };
const ANOTHER: Certificate = Certificate { name: "hooks.example.com", ..GOOD };

/// A server that believes this authority, which is written to a file in a folder.
async fn believer(authority: &Authority, mariadb: bool) -> (Server, Client, Dir) {
    let dir = Dir::new("authority");
    let file = dir.path().join("ca.pem");
    std::fs::write(&file, authority.pem()).expect("the folder is ours");
    let builder = Server::builder().env("WEBHOOK_CA_FILE", &file.display().to_string());
    let server = if mariadb { builder.mariadb().start().await } else { builder.start().await };
    let admin = server.admin().await;
    (server, admin, dir)
}

/// What a test says about an endpoint with that side of TLS, and what came there.
async fn outcome(admin: &Client, tls: Arc<ServerConfig>) -> (serde_json::Value, Sink) {
    let sink = Sink::start_tls(tls).await;
    (tested(admin, json!({ "url": sink.url(), "timeout": 30 })).await, sink)
}

async fn certificates_are_checked(mariadb: bool) {
    let authority = Authority::new("Ours");
    let (_server, admin, _dir) = believer(&authority, mariadb).await;
    let stranger = Authority::new("Another");
    for (tls, error) in [
        (authority.server(EXPIRED, &[]), "TLS: certificate expired"),
        (authority.server(FUTURE, &[]), "TLS: certificate not valid yet"),
        (authority.server(ANOTHER, &[]), "TLS: certificate is for another name"),
        (stranger.server(GOOD, &[]), "TLS: certificate from an unknown issuer"),
        (
            stranger.self_signed_server(),
            "TLS: certificate of an authority, such as a self-signed one, instead of a server's",
        ),
        (
            Authority::new("Ours").server(GOOD, &[]),
            "TLS: certificate with a signature that is not its issuer's",
        ),
    ] {
        let (outcome, sink) = outcome(&admin, tls).await;
        assert_eq!(outcome["error"], error);
        assert_eq!((&outcome["status"], &outcome["http_status"]), (&json!("failed"), &json!(null)));
        assert!(sink.received().is_empty(), "nothing was said to it: {outcome}");
    }
    let plain = Sink::start().await;
    let url = plain.url().replace("http:", "https:");
    let outcome = tested(&admin, json!({ "url": url })).await;
    assert_eq!(outcome["error"], "TLS: the server does not speak TLS there");
}

async fn http2_and_http11_are_spoken(mariadb: bool) {
    let authority = Authority::new("Ours");
    let (_server, admin, _dir) = believer(&authority, mariadb).await;
    for (protocols, version) in [
        (["h2", "http/1.1"].as_slice(), Version::HTTP_2),
        (&["http/1.1"], Version::HTTP_11),
        (&[], Version::HTTP_11),
    ] {
        let sink = Sink::start_tls(authority.server(GOOD, protocols)).await;
        let id = webhook(&admin, json!({ "url": sink.url(), "secret": "s3cret" })).await;
        for _ in 0..3 {
            let answer = admin.post_empty(&format!("{}/test", super::path(&id))).await.expect(200);
            assert_eq!(answer.data()["status"], "success", "{protocols:?}: {}", answer.text);
        }
        let received = sink.received();
        assert!(received.iter().all(|request| request.version == version), "{received:?}");
        assert!(received.iter().all(|request| request.is_signed_by("s3cret")), "{received:?}");
        assert!(sink.connections() <= 2, "{protocols:?}");
    }
}

#[tokio::test]
async fn a_certificate_that_is_not_good_is_told_in_words_on_sqlite() {
    certificates_are_checked(false).await;
}

#[tokio::test]
async fn a_certificate_that_is_not_good_is_told_in_words_on_mariadb() {
    certificates_are_checked(true).await;
}

#[tokio::test]
async fn http2_is_spoken_where_it_is_offered_and_http11_elsewhere_on_sqlite() {
    http2_and_http11_are_spoken(false).await;
}

#[tokio::test]
async fn http2_is_spoken_where_it_is_offered_and_http11_elsewhere_on_mariadb() {
    http2_and_http11_are_spoken(true).await;
}

#[tokio::test]
async fn without_a_file_only_public_authorities_are_believed() {
    let server = Server::builder().start().await;
    let (outcome, _) = outcome(&server.admin().await, Authority::new("Ours").server(GOOD, &[])).await;
    assert_eq!(outcome["error"], "TLS: certificate from an unknown issuer");
}

#[tokio::test]
async fn a_file_without_certificates_stops_the_start_with_one_line() {
    let dir = Dir::new("authority");
    let empty = dir.path().join("empty.pem");
    std::fs::write(&empty, "nothing\n").expect("the folder is ours");
    for (file, why) in
        [(empty, "there is no certificate in it"), (dir.path().join("absent.pem"), "No such file")]
    {
        let ended =
            Server::builder().env("WEBHOOK_CA_FILE", &file.display().to_string()).start_refused().await;
        assert_eq!(ended.code, Some(1), "{ended:?}");
        let line = ended.stderr.lines().find(|line| line.contains("WEBHOOK_CA_FILE")).unwrap_or_default();
        assert!(line.contains(why), "{ended:?}");
    }
}
