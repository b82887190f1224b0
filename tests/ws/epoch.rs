//! The log's epoch: who comes back to another log than he left is told to start over, however that has come about.

use super::several_servers::at;
use crate::harness::macros::on_both;
use crate::harness::sse::Sse;
use crate::harness::wait::eventually;
use crate::harness::ws::Ws;
use crate::harness::{Client, Server, Value, json};

/// As after a backup was restored that was made behind the third event.
const RESTORE: &str = "DELETE FROM events WHERE seq > 3; UPDATE tenant_sequences SET seq = 3 WHERE seq > 3";

async fn publish(client: &Client, count: usize) {
    client
        .post("/api/v1/events", vec![json!({ "type": "order.paid", "payload": {} }); count])
        .await
        .expect(202);
}

async fn open(server: &Server, client: &Client, query: &str) -> (Ws, Value) {
    let bearer = format!("Bearer {}", client.token());
    let mut ws =
        Ws::open(server, &format!("/ws{query}"), &[("authorization", &bearer)]).await.expect("a connection");
    let ready = ws.expect_type("connection.ready").await;
    (ws, ready["payload"].clone())
}

async fn epoch(server: &Server, client: &Client) -> String {
    open(server, client, "").await.1["epoch"].as_str().expect("a text").to_owned()
}

/// The epoch that comes after this one.
async fn epoch_after(server: &Server, client: &Client, before: &str) -> String {
    eventually("another epoch", async || Some(epoch(server, client).await).filter(|now| now != before)).await
}

/// Who left in `old` starts over, who has heard of `new` goes on. The log ends at `head` before and one later after.
async fn is_reset(server: &Server, client: &Client, (old, new): (&str, &str), head: i64) {
    let (mut left, _) = open(server, client, &format!("?since=2&epoch={old}")).await;
    let reset = left.expect_type("connection.reset").await;
    assert_eq!(reset["payload"], json!({ "oldest_seq": 1, "seq": head, "epoch": new }));
    let (mut heard, _) = open(server, client, &format!("?since=2&epoch={new}")).await;
    publish(client, 1).await;
    assert_eq!(left.next_event().await["seq"], head + 1, "live from where it was reset");
    for seq in 3..=head + 1 {
        assert_eq!(heard.next_event().await["seq"], seq);
    }
    let list = client.get("/api/v1/events?limit=1").await.expect(200);
    assert_eq!(list.body["meta"]["epoch"], new);
}

on_both! {
    async fn a_start_finds_a_restored_backup_and_goes_on_after_a_mere_restart(server) {
        let admin = server.admin().await;
        publish(&admin, 6).await;
        let old = epoch(&server, &admin).await;
        assert_eq!(server.terminate().await.0, 0);
        server.restart().await;
        assert_eq!(epoch(&server, &admin).await, old);
        publish(&admin, 1).await;
        assert_eq!(server.terminate().await.0, 0);
        // A log that has grown again since, to where only the end of the last server's time had been.
        server.sql(&RESTORE.replace('3', "6")).await;
        server.restart().await;
        let new = epoch(&server, &admin).await;
        assert_ne!(new, old);
        assert!(server.logs().iter().any(|line| line.contains("as after a restored backup")), "{:?}", server.logs());
        is_reset(&server, &admin, (&old, &new), 6).await;
        server.restart().await;
        assert_eq!(epoch(&server, &admin).await, new);
    }

    async fn the_same_backup_twice_has_two_new_epochs(server) {
        let admin = server.admin().await;
        publish(&admin, 6).await;
        let old = epoch(&server, &admin).await;
        let restore = format!("{RESTORE}; UPDATE platform SET value = '{old}' WHERE name = 'epoch'");
        let mut epochs = vec![old];
        for _ in 0..2 {
            assert_eq!(server.terminate().await.0, 0);
            server.sql(&restore).await;
            server.restart().await;
            let new = epoch(&server, &admin).await;
            assert!(!epochs.contains(&new), "{new} of {epochs:?}");
            epochs.push(new);
            publish(&admin, 4).await;
        }
    }

    async fn a_new_epoch_by_hand_reaches_whoever_is_connected(server) {
        let admin = server.admin().await;
        publish(&admin, 3).await;
        let (mut live, ready) = open(&server, &admin, "").await;
        let mut stream = Sse::open(&server, &admin, "", &[]).await.expect("a stream");
        let made = server.cli(&["epoch", "new", "--json"]).await.json();
        assert_eq!(live.close_code().await, 1012);
        // A stream has never been told of an epoch: it is reset before it ends.
        let reset = stream.event().await;
        assert_eq!((reset.id.as_deref(), reset.event.as_deref()), (Some("3"), Some("connection.reset")));
        stream.ended().await;
        let new = epoch(&server, &admin).await;
        assert_eq!(made["epoch"], new);
        is_reset(&server, &admin, (ready["epoch"].as_str().unwrap(), &new), 3).await;
    }
}

#[tokio::test]
async fn a_log_that_goes_back_beneath_two_servers_has_one_other_epoch_on_both() {
    let here = Server::builder().mariadb().redis().start().await;
    let there = here.elsewhere().start().await;
    let admin = here.admin().await;
    publish(&admin, 6).await;
    let (mut live, ready) = open(&here, &admin, "").await;
    let (mut live_there, same) = open(&there, &at(&there, &admin), "").await;
    let old = ready["epoch"].as_str().unwrap();
    assert_eq!(same["epoch"], old);
    here.sql(RESTORE).await;
    assert_eq!((live.close_code().await, live_there.close_code().await), (1012, 1012));
    let new = epoch_after(&here, &admin, old).await;
    assert_eq!(epoch_after(&there, &at(&there, &admin), old).await, new);
    is_reset(&there, &at(&there, &admin), (old, &new), 3).await;
    is_reset(&here, &admin, (old, &new), 4).await;
}

#[tokio::test]
async fn without_redis_a_running_server_notices_by_itself_with_nobody_connected() {
    let server = Server::builder().mariadb().start().await;
    let admin = server.admin().await;
    publish(&admin, 6).await;
    let old = epoch(&server, &admin).await;
    // Its start looks: what it has never seen it cannot miss.
    server.restart().await;
    server.sql(RESTORE).await;
    let new = eventually("another epoch", async || {
        let list = admin.get("/api/v1/events?limit=1").await.expect(200);
        list.body["meta"]["epoch"].as_str().filter(|now| *now != old).map(str::to_owned)
    })
    .await;
    is_reset(&server, &admin, (&old, &new), 3).await;
}
