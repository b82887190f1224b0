//! The five seconds for which a user without connections still counts. The product's clock is moved, each server's by the
//! same.

use std::time::Duration;

use super::edges::{edge, silence};
use crate::harness::macros::on_both;
use crate::harness::wait::eventually;
use crate::harness::ws::Ws;
use crate::harness::{Client, Server, Value, json};

async fn advance(servers: &[&Server], seconds: u64) {
    for server in servers {
        server.advance(Duration::from_secs(seconds)).await;
    }
}

/// Milliseconds since midnight.
fn millis(moment: &Value) -> i64 {
    let clock = moment.as_str().and_then(|text| text.get(11..23)).expect("a moment with milliseconds");
    let numbers = clock.split([':', '.']).map(|part| part.parse::<i64>().expect("a number"));
    numbers.zip([3_600_000, 60_000, 1000, 1]).map(|(number, unit)| number * unit).sum()
}

/// Nobody was told gone before the grace was over, by the product's own clock.
fn assert_not_too_early(offline: &Value) {
    assert_eq!(offline["type"], "user.offline");
    let payload = &offline["payload"];
    let waited = (millis(&payload["at"]) - millis(&payload["last_seen_at"])).rem_euclid(86_400_000);
    assert!(waited >= 5000, "{waited} ms: {offline}");
}

/// Waits until this server knows that the user has no connection.
async fn gone(asked: &Client, user: &str) {
    let path = format!("/api/v1/ws/users/{user}/online");
    eventually("the connection to be gone", async || {
        (asked.get(&path).await.expect(200).data()["online"] == false).then_some(())
    })
    .await;
}

on_both! {
    async fn nobody_goes_offline_before_the_grace_is_over(server) {
        let (mut boss, _) = Ws::connect(&server, &server.admin().await).await;
        let (kim, kim_id) = server.user("kim@example.com", "agent").await;
        let (ws, _) = Ws::connect(&server, &kim).await;
        edge(&mut boss, &kim_id).await;
        ws.close().await;
        gone(&kim, &kim_id).await;
        advance(&[&server], 4).await;
        assert_not_too_early(&edge(&mut boss, &kim_id).await);
    }

    async fn who_comes_back_within_the_grace_was_never_away(server) {
        let (mut boss, _) = Ws::connect(&server, &server.admin().await).await;
        let (kim, kim_id) = server.user("kim@example.com", "agent").await;
        let (before, _) = Ws::connect(&server, &kim).await;
        edge(&mut boss, &kim_id).await;
        before.close().await;
        gone(&kim, &kim_id).await;
        // It is written when what is found after it is told. What is left of the grace is a slow machine's.
        silence(&server, &mut boss, &kim_id, "a@example.com").await;
        advance(&[&server], 1).await;
        let (_after, _) = Ws::connect(&server, &kim).await;
        // Also: it is written by then that he is back.
        silence(&server, &mut boss, &kim_id, "b@example.com").await;
        advance(&[&server], 10).await;
        silence(&server, &mut boss, &kim_id, "c@example.com").await;
    }
}

async fn who_closes_first_and_then_comes_to_the_other_server(with_redis: bool) {
    let builder = Server::builder().mariadb();
    let here = if with_redis { builder.redis() } else { builder }.start().await;
    let there = here.elsewhere().start().await;
    let both = [&here, &there];
    let admin = here.admin().await;
    let mut bosses = [Ws::connect(&here, &admin).await.0, Ws::connect(&there, &admin).await.0];
    let (kim, kim_id) = here.user("kim@example.com", "agent").await;
    let (first, _) = Ws::connect(&there, &kim).await;
    for boss in &mut bosses {
        assert_eq!(edge(boss, &kim_id).await["type"], "user.online");
    }
    first.close().await;
    gone(&admin, &kim_id).await;
    advance(&both, 2).await;
    let (second, _) = Ws::connect(&here, &kim).await;
    silence(&here, &mut bosses[0], &kim_id, "a@example.com").await;
    advance(&both, 10).await;
    silence(&there, &mut bosses[0], &kim_id, "b@example.com").await;
    silence(&here, &mut bosses[1], &kim_id, "c@example.com").await;

    second.close().await;
    gone(&there.with_token(admin.token()), &kim_id).await;
    advance(&both, 4).await;
    let offline = edge(&mut bosses[0], &kim_id).await;
    assert_not_too_early(&offline);
    assert_eq!(offline["payload"]["reason"], json!("closed"));
    assert_eq!(edge(&mut bosses[1], &kim_id).await, offline);
}

#[tokio::test]
async fn who_closes_first_and_then_comes_to_the_other_server_was_never_away_with_redis() {
    who_closes_first_and_then_comes_to_the_other_server(true).await;
}

#[tokio::test]
async fn who_closes_first_and_then_comes_to_the_other_server_was_never_away_without_redis() {
    who_closes_first_and_then_comes_to_the_other_server(false).await;
}
