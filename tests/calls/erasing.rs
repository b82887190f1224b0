//! Callers' personal data goes when its tenant says so.

use super::{CALLS, Center, events, report};
use crate::harness::macros::on_both;
use crate::harness::sink::{Reply, Sink};
use crate::harness::wait::eventually;
use crate::harness::ws::Ws;
use crate::harness::{Server, Value, json};
use std::time::Duration;

const DAY: Duration = Duration::from_secs(24 * 3600);

/// Has the tenant's callers forgotten after so many days.
async fn erase_after(center: &Center, days: u32) {
    let set = center.admin.patch("/api/v1/settings", json!({ "erase_after_days": days })).await.expect(200);
    assert_eq!(set.data()["erase_after_days"], days);
}

/// Lets rounds of tidying up come until there is an answer: the next one may find what the last one was too early for.
async fn in_a_round<T>(server: &Server, what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    eventually(what, async || {
        server.advance(Duration::from_secs(60)).await;
        ask().await
    })
    .await
}

on_both! {
    async fn a_callers_data_goes_from_history_and_log(server, JWT_ACCESS_TTL = "90d") {
        let center = Center::open(&server).await;
        // Settings that cannot be read are another tenant's trouble alone.
        server.sql("INSERT INTO tenant_settings (tenant_id, settings, updated_at) VALUES ('a-broken', 'no JSON', 0)").await;
        // Somebody listens, so that the events are in memory.
        let (_ws, _) = Ws::connect(&server, &center.pbx).await;
        center.with_kim("old").await;
        center.report("old", "end", json!({})).await.expect(200);
        center.caller("open").await;
        erase_after(&center, 2).await;
        server.advance(Duration::from_secs(3 * 24 * 3600)).await;
        // Nobody has reported on the open one within CALL_STALE_AFTER, so that it has ended too.
        center.caller("new").await;
        let masked = json!({ "number": "+********20", "name": "***" });
        eventually("the old calls to be masked", async || {
            // The next round may find what the last one was too early for.
            server.advance(Duration::from_secs(60)).await;
            (center.call("old").await["from"] == masked && center.call("open").await["from"] == masked).then_some(())
        })
        .await;
        eventually("their events to be masked", async || {
            let log = center.admin.get("/api/v1/events?limit=200").await.expect(200);
            let whole = log.data().as_array().unwrap().iter().filter(|event| event.to_string().contains("901820"));
            // Of the new call: its arrival and its place in the queue.
            (whole.count() == 2).then_some(())
        })
        .await;
        assert_eq!(center.call("old").await["to"]["number"], "+4930555000", "one's own number is nobody's secret");
        assert_eq!(center.call("new").await["from"]["name"], "Anna");
        // Not from memory either: whoever comes back gets it as the log has it now.
        let bearer = format!("Bearer {}", center.pbx.token());
        let mut ws = Ws::open(&server, "/ws?since=0", &[("authorization", &bearer)]).await.unwrap();
        let mut arrived = 0;
        while arrived < 3 {
            let frame = ws.next_event().await;
            arrived += usize::from(frame["type"] == "call.incoming");
            assert!(!frame.to_string().contains("901820") || frame["payload"]["call_id"] == "new", "{frame}");
        }
        // Nor in what a repeated report is told by.
        let again = json!({
            "id": "old", "external_id": "pbx-old", "direction": "inbound", "queue_id": center.queue,
            "from": { "number": "+4930901820", "name": "Anna" }, "to": { "number": "+4930555000" },
        });
        center.pbx.post(CALLS, again).await.assert_error(409).names("state");
        assert_eq!(center.pbx.get(CALLS).await.expect(200).data().as_array().unwrap().len(), 3, "the history stays");
    }

    async fn what_an_endpoint_answered_to_a_callers_data_goes_too(server, JWT_ACCESS_TTL = "90d") {
        let center = Center::open(&server).await;
        let sink = Sink::start().await;
        let settings = json!({ "name": "crm", "url": sink.url(), "events": ["call.incoming"] });
        let hook = center.admin.post("/api/v1/webhooks", settings).await.expect(201).data()["id"].clone();
        let no = Reply::status(500).body("no place for +4930901820");
        sink.reply_next([no, Reply::status(200).body("thanks, +4930901820")]);
        center.caller("old").await;
        let logs = format!("/api/v1/webhooks/{hook}/logs");
        let entry = eventually("the delivery", async || {
            let listed = center.admin.get(&logs).await.expect(200);
            server.advance(Duration::from_secs(5)).await;
            listed.data().as_array()?.iter().find(|entry| entry["status"] == "success")?["id"].as_i64()
        })
        .await;
        let shown = async || center.admin.get(&format!("{logs}/{entry}")).await.expect(200).text;
        assert!(shown().await.contains("no place for"), "{}", shown().await);
        center.admin.patch("/api/v1/settings", json!({ "erase_after_days": 1 })).await.expect(200);
        server.advance(DAY * 2).await;
        eventually("the answers to go", async || {
            server.advance(Duration::from_secs(60)).await;
            (!shown().await.contains("901820")).then_some(())
        })
        .await;
    }

    async fn calls_and_queues_numbers_are_kept_for_400_days(server, JWT_ACCESS_TTL = "90d") {
        let center = Center::open(&server).await;
        center.with_kim("old").await;
        center.report("old", "end", json!({})).await.expect(200);
        let kept = async || center.pbx.get(CALLS).await.expect(200).data().as_array().unwrap().len();
        server.advance(DAY * 399).await;
        center.caller("new").await;
        server.advance(Duration::from_secs(120)).await;
        let pruned = async |table: &str| {
            let metrics = server.anonymous().get("/metrics").await.expect(200);
            metrics.text.contains(&format!("callcenter_retention_pruned_rows_total{{table=\"{table}\"}} 1\n"))
        };
        assert_eq!((kept().await, pruned("calls").await), (2, false));
        server.advance(DAY * 2).await;
        eventually("the old call to go", async || {
            server.advance(Duration::from_secs(60)).await;
            (kept().await == 1 && pruned("queue_days").await && pruned("agent_days").await).then_some(())
        })
        .await;
        assert!(pruned("calls").await);
        let left = center.pbx.get(&format!("{CALLS}/old")).await;
        left.assert_error(404);
        // Its id is free again, with all that belonged to it gone.
        let made = center.caller("old").await;
        assert_eq!((made.data()["legs"].clone(), made.data()["entries"].as_array().unwrap().len()), (json!([]), 1));
    }

    async fn minutes_of_queues_go_when_nobody_looks_at_them_any_more(server) {
        let center = Center::open(&server).await;
        let pruned = async || {
            let metrics = server.anonymous().get("/metrics").await.expect(200);
            let line = "callcenter_retention_pruned_rows_total{table=\"queue_minutes\"} ";
            let count = metrics.text.split(line).nth(1).and_then(|rest| rest.lines().next());
            count.expect("a counter").parse::<u64>().expect("a number")
        };
        for call in ["early", "late"] {
            center.caller(call).await;
            center.report(call, "dequeue", json!({ "reason": "timeout" })).await.expect(200);
            // Twice what is looked at, and a little for the first of them only.
            server.advance(Duration::from_secs(40 * 60)).await;
        }
        let one_is_gone = eventually("the first minute to go", async || {
            server.advance(Duration::from_secs(1)).await;
            Some(pruned().await).filter(|rows| *rows > 0)
        });
        assert_eq!(one_is_gone.await, 1, "and not the second");
    }

    async fn numbers_outside_that_were_called_or_got_a_call_go_too(server, JWT_ACCESS_TTL = "90d") {
        let center = Center::open(&server).await;
        let outside = json!({
            "id": "o1", "direction": "outbound", "user_id": center.kim_id,
            "from": { "number": "+4930555000" }, "to": { "number": "+4930901821" },
        });
        center.pbx.post(CALLS, outside).await.expect(201);
        center.report("o1", "end", json!({})).await.expect(200);
        center.with_kim("c1").await;
        let on = json!({ "kind": "blind", "to": { "number": "+33140000022" } });
        report(&center.kim, "c1", "transfer", on).await.expect(200);
        center.report("c1", "end", json!({})).await.expect(200);
        let before = events(&center.admin, 0).await;
        erase_after(&center, 1).await;
        server.advance(DAY * 2).await;
        let after = in_a_round(&server, "the numbers to be masked", async || {
            let log = events(&center.admin, 0).await;
            let text = Value::from(log.clone()).to_string();
            (!text.contains("90182") && !text.contains("33140000022") && !text.contains("Anna")).then_some(log)
        })
        .await;
        let payload = |kind: &str| {
            let event = after.iter().find(|event| event["type"] == kind).unwrap_or_else(|| panic!("{kind} in {after:?}"));
            event["payload"].clone()
        };
        let placed = payload("call.outgoing");
        assert_eq!((&placed["from"]["number"], &placed["to"]["number"]), (&json!("+4930555000"), &json!("+********21")));
        assert_eq!(payload("call.transferred")["to"], json!({ "kind": "number", "number": "+*********22" }));
        let types = |log: &[Value]| log.iter().map(|event| event["type"].clone()).collect::<Vec<_>>();
        assert_eq!(types(&before), types(&after)[..before.len()], "no event is lost");
        let call = in_a_round(&server, "the call to be masked", async || {
            Some(center.call("o1").await).filter(|call| call["to"]["number"] == "+********21")
        })
        .await;
        assert_eq!(call["from"]["number"], "+4930555000");
    }

    async fn a_delivery_gives_away_no_caller_who_is_forgotten(
        server, JWT_ACCESS_TTL = "90d", WEBHOOK_RETRY_SCHEDULE = "20d", EVENT_RETENTION = "2d"
    ) {
        let (center, good, bad) = (Center::open(&server).await, Sink::start().await, Sink::start().await);
        bad.reply_next([Reply::status(500)]);
        let mut logs = Vec::new();
        for sink in [&good, &bad] {
            let hook = json!({ "url": sink.url(), "events": ["call.incoming"] });
            let id = center.admin.post("/api/v1/webhooks", hook).await.expect(201).data()["id"].clone();
            logs.push(format!("/api/v1/webhooks/{id}/logs"));
        }
        center.caller("c1").await;
        center.report("c1", "end", json!({})).await.expect(200);
        // One is delivered, the other is tried again long after its event has gone from the log.
        for (list, status) in logs.iter().zip(["success", "pending"]) {
            eventually(status, async || {
                let entries = center.admin.get(list).await.expect(200);
                (entries.data()[0]["status"] == status && entries.data()[0]["attempts"] == 1).then_some(())
            })
            .await;
        }
        let sent = async |list: &str| {
            let entries = center.admin.get(list).await.expect(200);
            let one = format!("{list}/{}", entries.data()[0]["id"]);
            center.admin.get(&one).await.expect(200).data()["request"]["body"].clone()
        };
        server.advance(DAY * 3).await;
        in_a_round(&server, "the event to go", async || sent(&logs[0]).await.is_null().then_some(())).await;
        let kept = sent(&logs[1]).await.to_string();
        assert!(kept.contains("+4930901820") && kept.contains("Anna"), "the delivery has it of its own: {kept}");

        erase_after(&center, 5).await;
        server.advance(DAY * 3).await;
        in_a_round(&server, "the delivery's copy to be masked", async || {
            let body = sent(&logs[1]).await.to_string();
            (!body.contains("901820") && !body.contains("Anna")).then_some(())
        })
        .await;
        server.advance(DAY * 20).await;
        let last = bad.wait_for(2).await.remove(1).json();
        assert_eq!(last["event"], "call.incoming");
        assert_eq!(last["data"]["from"], json!({ "number": "+********20", "name": "***" }));
    }
}
