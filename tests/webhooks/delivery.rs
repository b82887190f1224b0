//! Which events go where, and that endpoints do not wait for each other.

use super::{happen, path, webhook};
use crate::harness::macros::on_both;
use crate::harness::sink::{Reply, Sink};
use crate::harness::wait::eventually;
use crate::harness::ws::Ws;
use crate::harness::{Server, json};

on_both! {
    async fn an_endpoint_gets_what_it_asked_for(server) {
        let (exact, prefix, other, all) = tokio::join!(Sink::start(), Sink::start(), Sink::start(), Sink::start());
        let admin = server.admin().await;
        webhook(&admin, json!({ "url": exact.url(), "events": ["agent.state.changed"] })).await;
        webhook(&admin, json!({ "url": prefix.url(), "events": ["agent.*"] })).await;
        webhook(&admin, json!({ "url": other.url(), "events": ["agent.logout", "call.*"] })).await;
        webhook(&admin, json!({ "url": all.url() })).await;
        happen(&admin, "first").await;
        happen(&admin, "second").await;

        // Login and two changes, everywhere where they are wanted.
        all.wait_for(3).await;
        prefix.wait_for(3).await;
        exact.wait_for(2).await;
        assert_eq!(exact.received().len(), 2);
        assert!(exact.received().iter().all(|request| request.json()["event"] == "agent.state.changed"));
        assert!(other.received().is_empty());
    }

    async fn an_inactive_webhook_gets_nothing_until_it_is_active(server) {
        let sink = Sink::start().await;
        let admin = server.admin().await;
        happen(&admin, "on duty").await;
        let id = webhook(&admin, json!({ "url": sink.url(), "is_active": false })).await;
        happen(&admin, "unheard").await;
        admin.patch(&path(&id), json!({ "is_active": true })).await.expect(200);
        happen(&admin, "heard").await;
        assert_eq!(sink.wait_for(1).await[0].json()["data"]["reason"], "heard");
    }

    async fn what_is_not_in_the_log_goes_to_no_endpoint(server) {
        let (asking, all) = (Sink::start().await, Sink::start().await);
        let admin = server.admin().await;
        webhook(&admin, json!({ "url": asking.url(), "events": ["user.online", "queue.stats", "agent.login"] })).await;
        webhook(&admin, json!({ "url": all.url() })).await;
        let (mut ws, _) = Ws::connect(&server, &admin).await;
        ws.wait_for("user.online").await;
        happen(&admin, "on duty").await;
        asking.wait_for(1).await;
        let events = all.wait_for(2).await.iter().map(|one| one.json()["event"].clone()).collect::<Vec<_>>();
        assert!(events.iter().all(|event| event.as_str().unwrap().starts_with("agent.")), "{events:?}");
        assert_eq!(asking.received()[0].json()["event"], "agent.login");
    }

    async fn another_tenants_endpoints_hear_nothing(server) {
        let sink = Sink::start().await;
        let stranger = server.other_tenant("other").await;
        webhook(&stranger, json!({ "url": sink.url() })).await;
        happen(&server.admin().await, "private").await;
        happen(&stranger, "own").await;
        for request in sink.wait_for(2).await {
            assert_eq!(request.json()["tenant_id"], "other");
        }
    }

    async fn an_endpoint_that_never_answers_holds_nobody_up(server, WEBHOOK_WORKERS = "1") {
        let (stuck, quick) = tokio::join!(Sink::start(), Sink::start());
        stuck.reply_always(Reply::stall());
        let admin = server.admin().await;
        webhook(&admin, json!({ "url": stuck.url(), "timeout": 60 })).await;
        webhook(&admin, json!({ "url": quick.url(), "events": ["agent.state.changed"] })).await;
        for number in 0..30 {
            happen(&admin, &number.to_string()).await;
        }
        let received = quick.wait_for(30).await;
        assert_eq!(received.len(), 30);
    }

    async fn each_event_comes_once_in_normal_running(server) {
        let sink = Sink::start().await;
        let admin = server.admin().await;
        let id = webhook(&admin, json!({ "url": sink.url() })).await;
        for number in 0..50 {
            happen(&admin, &number.to_string()).await;
        }
        eventually("all to be recorded", async || {
            let stats = admin.get(&format!("{}/stats", path(&id))).await.expect(200);
            (stats.data()["successful_count"] == 51).then_some(())
        })
        .await;
        let mut numbers: Vec<i64> =
            sink.received().iter().map(|request| request.json()["seq"].as_i64().unwrap()).collect();
        numbers.sort_unstable();
        assert_eq!(numbers, (1..=51).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn two_servers_deliver_each_event_once() {
    let sink = Sink::start().await;
    let here = Server::builder().mariadb().redis().start().await;
    let there = here.elsewhere().start().await;
    let admin = here.admin().await;
    let (kim, _) = here.user("kim@example.com", "agent").await;
    let kim = there.with_token(kim.token());
    let id = webhook(&admin, json!({ "url": sink.url() })).await;
    let post = async |client, name: &str| {
        for number in 0..25 {
            happen(client, &format!("{name} {number}")).await;
        }
    };
    tokio::join!(post(&admin, "here"), post(&kim, "there"));
    eventually("all to be recorded", async || {
        let stats = admin.get(&format!("{}/stats", path(&id))).await.expect(200);
        (stats.data()["successful_count"] == 52).then_some(())
    })
    .await;
    let mut numbers: Vec<i64> =
        sink.received().iter().map(|request| request.json()["seq"].as_i64().unwrap()).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=52).collect::<Vec<_>>());
}
