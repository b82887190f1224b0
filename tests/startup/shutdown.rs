//! SIGTERM.

use crate::harness::macros::on_both;
use crate::harness::sink::{Reply, Sink};
use crate::harness::wait::eventually;
use crate::harness::ws::Ws;
use crate::harness::{Server, json};
use std::time::Duration;

on_both! {
    async fn a_terminated_server_exits_with_zero(server) {
        server.admin().await;
        assert_eq!(server.terminate().await.0, 0);
        server.restart().await;
        server.admin().await;
    }

    async fn web_sockets_are_told_to_come_back(server) {
        let admin = server.admin().await;
        let (mut ws, _) = Ws::connect(&server, &admin).await;
        let (closed, ended) = tokio::join!(ws.close_code(), server.terminate());
        assert_eq!(closed, 1012);
        assert_eq!(ended.0, 0);
    }

    async fn a_delivery_that_hangs_is_given_back_uncounted(server, WEBHOOK_RETRY_SCHEDULE = "1d") {
        let sink = Sink::start().await;
        sink.reply_next([Reply::stall()]);
        let admin = server.admin().await;
        let settings = json!({ "url": sink.url(), "timeout": 60, "events": ["order.*"] });
        admin.post("/api/v1/webhooks", settings).await.expect(201);
        admin.post("/api/v1/events", json!({ "type": "order.paid", "payload": {} })).await.expect(202);
        sink.wait_for(1).await;
        assert_eq!(server.terminate().await.0, 0);

        server.restart().await;
        let received = sink.wait_for(2).await;
        assert_eq!(received[1].header("x-webhook-attempt"), "1");
        assert_eq!(received[1].header("webhook-id"), received[0].header("webhook-id"));
        let admin = server.admin().await;
        let entry = eventually("the success", async || {
            let logs = admin.get("/api/v1/webhooks/1/logs?status=success").await.expect(200);
            logs.data().get(0).cloned()
        })
        .await;
        assert_eq!((&entry["attempts"], &entry["retries"]), (&json!(1), &json!(0)), "{entry}");
    }

    async fn a_delivery_in_flight_is_finished_and_not_repeated(server) {
        let sink = Sink::start().await;
        sink.reply_next([Reply::status(200).after(Duration::from_millis(500))]);
        let admin = server.admin().await;
        admin.post("/api/v1/webhooks", json!({ "url": sink.url() })).await.expect(201);
        admin.post("/api/v1/agent-state/me", json!({ "state": "available" })).await.expect(200);
        sink.wait_for(1).await;
        assert_eq!(server.terminate().await.0, 0);

        server.restart().await;
        let admin = server.admin().await;
        eventually("both deliveries to be done", async || {
            let logs = admin.get("/api/v1/webhooks/1/logs?status=success").await.expect(200);
            (logs.data().as_array().unwrap().len() == 2).then_some(())
        })
        .await;
        let mut ids: Vec<_> = sink.received().iter().map(|request| request.header("webhook-id").to_owned()).collect();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), sink.received().len(), "nothing came twice");
    }
}
