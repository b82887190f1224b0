//! `/api/v1/ws/connections` and `/api/v1/ws/users/online`.

use crate::harness::macros::on_both;
use crate::harness::wait::eventually;
use crate::harness::ws::Ws;
use crate::harness::{Client, Server, Value, json};

const CONNECTIONS: &str = "/api/v1/ws/connections";

async fn list(client: &Client) -> Vec<Value> {
    client.get(CONNECTIONS).await.expect(200).data().as_array().expect("a list").clone()
}

fn ids(list: &[Value]) -> Vec<&str> {
    list.iter().map(|it| it["connection_id"].as_str().expect("an id")).collect()
}

async fn online(client: &Client) -> Vec<Value> {
    let answer = client.get("/api/v1/ws/users/online").await.expect(200);
    answer.data().as_array().expect("a list").iter().map(|it| it["user_id"].clone()).collect()
}

on_both! {
    async fn the_list_shows_the_tenants_connections(server) {
        let admin = server.admin().await;
        let (kim, kim_id) = server.user("kim@example.com", "agent").await;
        let (program, _) = server.program(&admin, &["events:read"]).await;
        let stranger = server.other_tenant("other").await;
        let (_other, _) = Ws::connect(&server, &stranger).await;
        let bearer = format!("Bearer {}", kim.token());
        let headers = [("authorization", bearer.as_str()), ("user-agent", "phone/1.0")];
        let mut ws = Ws::open(&server, "/ws", &headers).await.expect("a connection");
        let id = ws.expect_type("connection.ready").await["payload"]["connection_id"].clone();
        let (_own, _) = Ws::connect(&server, &program).await;
        let all = list(&admin).await;
        assert_eq!(all.len(), 2, "{all:?}");
        let own = all.iter().find(|it| it["connection_id"] == id).expect("the connection");
        assert_eq!((&own["user_id"], &own["user_agent"]), (&json!(kim_id), &json!("phone/1.0")));
        assert_eq!(own["remote_addr"], "127.0.0.1");
        assert!(own["connected_at"].as_str().unwrap().ends_with('Z') && own["server"].is_string());
        let other = all.iter().find(|it| it["connection_id"] != id).expect("the program's");
        assert_eq!(other["user_id"], Value::Null);
        assert_eq!(online(&admin).await, [json!(kim_id)]);
        let first = admin.get(&format!("{CONNECTIONS}?limit=1")).await.expect(200);
        let cursor = first.body["meta"]["next_cursor"].as_str().expect("a cursor").to_owned();
        let second = admin.get(&format!("{CONNECTIONS}?limit=1&cursor={cursor}")).await.expect(200);
        assert_eq!(second.body["meta"]["next_cursor"], Value::Null);
        assert_ne!(first.data()[0], second.data()[0]);
    }

    async fn an_admin_closes_a_connection(server) {
        let admin = server.admin().await;
        let (kim, _) = server.user("kim@example.com", "agent").await;
        let stranger = server.other_tenant("other").await;
        let (mut ws, ready) = Ws::connect(&server, &kim).await;
        let path = format!("{CONNECTIONS}/{}", ready["connection_id"].as_str().unwrap());
        kim.delete(&path).await.assert_error(403);
        stranger.delete(&path).await.assert_error(404);
        admin.delete(&format!("{CONNECTIONS}/nobody")).await.assert_error(404);
        admin.delete(&format!("{CONNECTIONS}/not%20an%20id")).await.assert_error(404);
        admin.delete(&path).await.expect(200);
        assert_eq!(ws.close_code().await, 4403);
        eventually("the connection to be gone", async || list(&admin).await.is_empty().then_some(())).await;
        admin.delete(&path).await.assert_error(404);
    }
}

async fn over_two_servers(with_redis: bool) {
    let builder = Server::builder().mariadb();
    let here = if with_redis { builder.redis() } else { builder }.start().await;
    let there = here.elsewhere().start().await;
    let admin = here.admin().await;
    let (kim, kim_id) = here.user("kim@example.com", "agent").await;
    let (_own, own) = Ws::connect(&here, &admin).await;
    let bearer = format!("Bearer {}", kim.token());
    let headers = [("authorization", bearer.as_str()), ("user-agent", "phone/1.0")];
    let mut ws = Ws::open(&there, "/ws", &headers).await.expect("a connection");
    let ready = ws.expect_type("connection.ready").await["payload"].clone();
    let both = || [own["connection_id"].as_str().unwrap(), ready["connection_id"].as_str().unwrap()];
    eventually("both servers' connections", async || (ids(&list(&admin).await) == both()).then_some(()))
        .await;
    let all = list(&admin).await;
    assert_ne!(all[0]["server"], all[1]["server"]);
    // Each server knows its own best, and says the same of the other's.
    assert_eq!(all, list(&there.with_token(admin.token())).await);
    let mut of_kim = all[1].clone();
    for field in ["server", "connected_at"] {
        assert!(!of_kim[field].take().as_str().expect("a text").is_empty(), "{field}: {all:?}");
    }
    let expected = json!({
        "connection_id": ready["connection_id"], "user_id": kim_id, "server": null, "connected_at": null,
        "remote_addr": "127.0.0.1", "user_agent": "phone/1.0",
    });
    assert_eq!(of_kim, expected);
    assert_eq!(online(&admin).await, [json!(kim_id), json!("user-456")]);
    let of_kim = admin.get(&format!("/api/v1/ws/users/{kim_id}/online")).await.expect(200).data().clone();
    assert_eq!((&of_kim["online"], &of_kim["connections"]), (&json!(true), &json!(1)));
    let stats = json!({ "total_clients": 2, "total_tenants": 1, "clients_by_tenant": { "tenant-123": 2 } });
    assert_eq!(*admin.get("/api/v1/ws/stats").await.expect(200).data(), stats);
    admin.delete(&format!("{CONNECTIONS}/{}", both()[1])).await.expect(200);
    assert_eq!(ws.close_code().await, 4403);
    eventually("one to be left", async || (list(&admin).await.len() == 1).then_some(())).await;
    let of_kim = admin.get(&format!("/api/v1/ws/users/{kim_id}/online")).await.expect(200).data().clone();
    assert_eq!((&of_kim["online"], &of_kim["connections"]), (&json!(false), &json!(0)));
}

#[tokio::test]
async fn both_servers_connections_are_listed_counted_and_closed_with_redis() {
    over_two_servers(true).await;
}

#[tokio::test]
async fn both_servers_connections_are_listed_counted_and_closed_without_redis() {
    over_two_servers(false).await;
}
