//! The same over TLS, which this process speaks itself: `wss://`, and HTTP/2 for all else.

use std::time::Duration;

use hyper::Version;

use crate::harness::raw::{Frame, PONG, Raw, TEXT};
use crate::harness::sse::Sse;
use crate::harness::ws::Ws;
use crate::harness::{Client, Server, json};

/// Publishes one event for each name, with ten thousand letters each.
async fn publish(client: &Client, names: std::ops::RangeInclusive<i64>) {
    let letters = "x".repeat(10_000);
    let event = |name| json!({ "type": "order.paid", "payload": { "name": name, "letters": letters } });
    client.post("/api/v1/events", names.map(event).collect::<Vec<_>>()).await.expect(202);
}

/// The next `count` events of the log come in this order.
async fn comes(ws: &mut Ws, numbers: std::ops::RangeInclusive<i64>) {
    for number in numbers {
        let event = ws.next_event().await;
        assert_eq!((&event["seq"], &event["payload"]["name"]), (&json!(number), &json!(number)));
    }
}

/// More than sockets hold comes live and again after a new beginning, and the end of the server is told.
async fn everything_comes(server: Server) {
    let admin = server.admin().await;
    let (mut live, ready) = Ws::connect(&server, &admin).await;
    assert_eq!((&ready["user_id"], &ready["seq"]), (&json!("user-456"), &json!(0)));
    publish(&admin, 1..=350).await;
    publish(&admin, 351..=700).await;
    comes(&mut live, 1..=700).await;
    live.send(&json!({ "type": "ping", "ref": "a7" })).await;
    assert_eq!(live.wait_for("pong").await["ref"], "a7");

    let ticket = admin.post_empty("/api/v1/auth/ws-ticket").await.expect(200).text_of("ticket").to_owned();
    let path = format!("/ws?since=100&ticket={ticket}");
    let mut resumed = Ws::open(&server, &path, &[]).await.expect("a connection");
    resumed.expect_type("connection.ready").await;
    publish(&admin, 701..=702).await;
    comes(&mut resumed, 101..=702).await;
    comes(&mut live, 701..=702).await;
    let (closed, ended) = tokio::join!(live.close_code(), server.terminate());
    assert_eq!((closed, resumed.close_code().await, ended.0), (1012, 1012, 0));
}

#[tokio::test]
async fn everything_comes_over_tls_on_sqlite() {
    everything_comes(Server::builder().tls().start().await).await;
}

#[tokio::test]
async fn everything_comes_over_tls_on_mariadb() {
    everything_comes(Server::builder().mariadb().redis().tls().start().await).await;
}

#[tokio::test]
async fn a_quiet_connection_is_pinged_over_tls_and_closed_when_it_stays_quiet() {
    let server = Server::builder().tls().start().await;
    let admin = server.admin().await;
    let mut quiet = Raw::connect(&server, &admin).await;
    let mut alive = Raw::connect(&server, &admin).await;
    for _ in 0..2 {
        server.advance(Duration::from_secs(30)).await;
        assert_eq!(alive.next().await, Frame::Ping);
        alive.say(PONG, b"").await;
        alive.say(TEXT, br#"{"type":"ping"}"#).await;
        alive.expect_document("pong").await;
    }
    assert_eq!(quiet.next().await, Frame::Ping);
    assert_eq!(quiet.next().await, Frame::Closed(Some(1001)));
    assert_eq!(quiet.next().await, Frame::End);
}

#[tokio::test]
async fn http2_carries_streams_of_events_and_no_websockets() {
    let server = Server::builder().tls().start().await;
    let admin = server.admin().await;
    let answer = admin.get("/ws").await;
    assert_eq!(answer.version, Version::HTTP_2);
    assert_eq!(answer.assert_error(400).body["error"]["code"], "upgrade_required");
    let mut sse = Sse::open(&server, &admin, "?after=0", &[]).await.expect("a stream");
    publish(&admin, 1..=400).await;
    for number in 1..=400 {
        let event = sse.event().await;
        assert_eq!((event.id, event.event.as_deref()), (Some(number.to_string()), Some("order.paid")));
    }
    let ((), ended) = tokio::join!(sse.ended(), server.terminate());
    assert_eq!(ended.0, 0);
}
