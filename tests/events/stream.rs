//! `GET /api/v1/events/stream`: the log as Server-Sent Events.

use std::time::Duration;

use super::{event, publish};
use crate::harness::macros::on_both;
use crate::harness::sse::Sse;
use crate::harness::wait::eventually;
use crate::harness::ws::Ws;
use crate::harness::{Client, Server, json};

async fn open(server: &Server, client: &Client, query: &str) -> Sse {
    Sse::open(server, client, query, &[]).await.expect("a stream")
}

/// The names of the next events.
async fn names(sse: &mut Sse, count: usize) -> Vec<String> {
    let mut names = Vec::new();
    while names.len() < count {
        names.push(
            sse.event().await.data.expect("data")["payload"]["name"].as_str().expect("a name").to_owned(),
        );
    }
    names
}

async fn refused(server: &Server, client: &Client, query: &str, headers: &[(&str, &str)]) -> u16 {
    Sse::open(server, client, query, headers).await.err().expect("a refusal").0
}

on_both! {
    async fn events_come_live_as_on_the_websocket(server) {
        let admin = server.admin().await;
        publish(&admin, event("before")).await;
        let mut sse = open(&server, &admin, "").await;
        let (mut ws, _) = Ws::connect(&server, &admin).await;
        let first = sse.next().await.expect("a block");
        assert_eq!((first.id.as_deref(), first.event), (Some("1"), None), "where to go on from, shown to nobody");
        publish(&admin, event("after")).await;
        let block = sse.event().await;
        assert_eq!((block.id.as_deref(), block.event.as_deref()), (Some("2"), Some("order.paid")));
        assert_eq!(block.data.expect("data"), ws.wait_for("order.paid").await);
    }

    async fn a_quiet_stream_says_where_to_go_on_from(server) {
        let admin = server.admin().await;
        let mut sse = open(&server, &admin, "?types=rare.*").await;
        publish(&admin, vec![event("unwanted"), event("unwanted too")]).await;
        let mut id = sse.next().await.expect("a block").id;
        while id.as_deref() != Some("2") {
            server.advance(Duration::from_secs(15)).await;
            let block = sse.next().await.expect("a block");
            assert_eq!((&block.event, &block.data), (&None, &None), "shown to nobody");
            id = block.id;
        }
    }

    async fn it_goes_on_behind_a_number(server) {
        let admin = server.admin().await;
        let many: Vec<_> = (1..=300).map(|n| event(&n.to_string())).collect();
        publish(&admin, many).await;
        let expected: Vec<String> = (101..=301).map(|n| n.to_string()).collect();
        let mut by_query = open(&server, &admin, "?after=100").await;
        let mut by_header = Sse::open(&server, &admin, "?after=7", &[("last-event-id", "100")]).await.expect("a stream");
        let mut all = open(&server, &admin, "?after=0&types=order.*").await;
        publish(&admin, event("301")).await;
        assert_eq!(names(&mut by_query, 201).await, expected);
        assert_eq!(names(&mut by_header, 201).await, expected);
        assert_eq!(names(&mut all, 301).await.len(), 301);
    }

    async fn what_the_log_does_not_have_resets_the_client(server) {
        let admin = server.admin().await;
        publish(&admin, event("one")).await;
        for query in ["?after=9", "?after=1&epoch=another"] {
            let mut sse = open(&server, &admin, query).await;
            let reset = sse.event().await;
            assert_eq!((reset.event.as_deref(), reset.id.as_deref()), (Some("connection.reset"), Some("1")), "{query}");
            let data = reset.data.expect("data");
            assert_eq!((&data["type"], &data["payload"]["seq"]), (&json!("connection.reset"), &json!(1)));
            assert_eq!(data["payload"]["oldest_seq"], 1);
        }
        let mut sse = open(&server, &admin, "?after=9").await;
        sse.event().await;
        publish(&admin, event("two")).await;
        assert_eq!(names(&mut sse, 1).await, ["two"]);
    }

    async fn everybody_sees_its_own_view_of_the_types_it_wants(server) {
        let admin = server.admin().await;
        let (kim, kim_id) = server.user("kim@example.com", "agent").await;
        let (reader, _) = server.program(&admin, &["events:read"]).await;
        let mut of_kim = open(&server, &kim, "?types=order.*,agent.state.changed").await;
        let mut of_reader = open(&server, &reader, "?types=order.*").await;
        admin.post("/api/v1/agent-state/me", json!({ "state": "away", "reason": "lunch" })).await.expect(200);
        publish(&admin, json!({ "type": "order.paid", "payload": { "name": "hidden" }, "audience": { "users": [] } })).await;
        publish(&admin, json!({ "type": "ship.sent", "payload": { "name": "unwanted" } })).await;
        publish(&admin, json!({ "type": "order.paid", "payload": { "name": "kim" }, "audience": { "users": [kim_id] } })).await;
        let state = of_kim.event().await.data.expect("data");
        assert_eq!((&state["payload"]["state"], state["payload"].get("reason")), (&json!("away"), None));
        assert_eq!(names(&mut of_kim, 1).await, ["kim"]);
        assert_eq!(names(&mut of_reader, 2).await, ["hidden", "kim"]);
    }

    async fn bad_parameters_and_callers_are_refused(server) {
        let admin = server.admin().await;
        let (writer, _) = server.program(&admin, &["events:write"]).await;
        for query in ["?after=x", "?after=-1", "?types=Order", "?types="] {
            assert_eq!(refused(&server, &admin, query, &[]).await, 400, "{query}");
        }
        assert_eq!(refused(&server, &admin, "", &[("last-event-id", "x")]).await, 400);
        assert_eq!(refused(&server, &writer, "", &[]).await, 403);
        assert_eq!(refused(&server, &server.with_token("nonsense"), "", &[]).await, 401);
    }

    async fn a_stream_takes_a_connections_place(server, WS_MAX_CONNECTIONS_PER_USER = "1") {
        let admin = server.admin().await;
        let sse = open(&server, &admin, "").await;
        assert_eq!(refused(&server, &admin, "", &[]).await, 429);
        let online = admin.get("/api/v1/ws/users/user-456/online").await.expect(200);
        assert_eq!(online.data()["online"], true);
        drop(sse);
        eventually("room for another one", async || {
            Sse::open(&server, &admin, "", &[]).await.is_ok().then_some(())
        })
        .await;
    }

    async fn a_stream_ends_with_its_session(server, JWT_ACCESS_TTL = "5m") {
        let admin = server.admin().await;
        let (kim, _) = server.user("kim@example.com", "agent").await;
        let (lee, lee_id) = server.user("lee@example.com", "agent").await;
        let (program, key) = server.program(&admin, &["events:read"]).await;
        let mut streams = Vec::new();
        for client in [&kim, &lee, &program] {
            streams.push(open(&server, client, "").await);
        }
        kim.post_empty("/api/v1/auth/logout").await.expect(200);
        admin.patch(&format!("/api/v1/users/{lee_id}"), json!({ "is_active": false })).await.expect(200);
        admin.delete(&format!("/api/v1/api-keys/{key}")).await.expect(200);
        for stream in &mut streams {
            stream.ended().await;
        }
        let mut expires = open(&server, &admin, "").await;
        server.advance(Duration::from_secs(301)).await;
        expires.ended().await;
    }

    async fn a_stream_ends_when_the_server_stops(server) {
        let admin = server.admin().await;
        let mut sse = open(&server, &admin, "").await;
        sse.next().await;
        let (code, _) = server.terminate().await;
        assert_eq!(code, 0);
        sse.ended().await;
    }

    async fn a_client_that_reads_nothing_misses_nothing_in_the_end(server) {
        let admin = server.admin().await;
        let mut sse = open(&server, &admin, "").await;
        let payload = "x".repeat(30_000);
        for batch in 0..10 {
            let body: Vec<_> = (0..100)
                .map(|n| json!({ "type": "order.paid", "payload": { "name": (batch * 100 + n).to_string(), "x": payload } }))
                .collect();
            publish(&admin, body).await;
        }
        let expected: Vec<String> = (0..1000).map(|n| n.to_string()).collect();
        assert_eq!(names(&mut sse, 1000).await, expected);
    }
}

/// Two servers on one database with one Redis.
async fn two() -> (Server, Server) {
    let here = Server::builder().mariadb().redis().start().await;
    let there = here.elsewhere().start().await;
    (here, there)
}

#[tokio::test]
async fn on_another_server_everybody_sees_its_own_view_of_the_types_it_wants() {
    let (here, there) = two().await;
    let admin = here.admin().await;
    let (kim, kim_id) = here.user("kim@example.com", "agent").await;
    let mut of_kim = open(&there, &kim, "?types=order.*,agent.state.changed").await;
    let mut of_admin = open(&there, &admin, "?types=order.*").await;
    let order = |name: &str, users: &[&str]| json!({ "type": "order.paid", "payload": { "name": name }, "audience": { "users": users } });
    admin.post("/api/v1/agent-state/me", json!({ "state": "away", "reason": "lunch" })).await.expect(200);
    publish(&admin, order("hidden", &[])).await;
    publish(&admin, json!({ "type": "ship.sent", "payload": { "name": "unwanted" } })).await;
    publish(&admin, order("kim", &[&kim_id])).await;
    let state = of_kim.event().await.data.expect("data");
    assert_eq!((&state["payload"]["state"], state["payload"].get("reason")), (&json!("away"), None));
    assert_eq!(names(&mut of_kim, 1).await, ["kim"]);
    assert_eq!(names(&mut of_admin, 2).await, ["hidden", "kim"]);
}

#[tokio::test]
async fn on_another_server_what_the_log_does_not_have_resets_the_client() {
    let (here, there) = two().await;
    let admin = here.admin().await;
    publish(&admin, vec![event("one"), event("two")]).await;
    let epoch = admin.get("/api/v1/events").await.expect(200).body["meta"]["epoch"].clone();
    for query in ["?after=9", "?after=1&epoch=another"] {
        let mut sse = open(&there, &admin, query).await;
        let reset = sse.event().await;
        assert_eq!(
            (reset.event.as_deref(), reset.id.as_deref()),
            (Some("connection.reset"), Some("2")),
            "{query}"
        );
        assert_eq!(
            reset.data.expect("data")["payload"],
            json!({ "oldest_seq": 1, "seq": 2, "epoch": epoch })
        );
    }
    let query = format!("?after=1&epoch={}", epoch.as_str().expect("a text"));
    for query in [query.as_str(), "?after=0&epoch=another"] {
        let first = open(&there, &admin, query).await.event().await;
        assert_eq!(first.event.as_deref(), Some("order.paid"), "{query}");
    }
}

#[tokio::test]
async fn who_logs_out_on_one_server_ends_the_stream_on_another() {
    let (here, there) = two().await;
    let (kim, _) = here.user("kim@example.com", "agent").await;
    let mut own = open(&there, &kim, "").await;
    let mut other = open(&there, &here.admin().await, "").await;
    kim.post_empty("/api/v1/auth/logout").await.expect(200);
    own.ended().await;
    publish(&here.admin().await, event("after")).await;
    assert_eq!(names(&mut other, 1).await, ["after"]);
}
