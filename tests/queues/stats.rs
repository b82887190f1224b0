//! What is true of a queue now, and what has ended today: asked for, and told as `queue.stats`.

use super::{call, join, mark, path, queue, report};
use crate::harness::macros::on_both;
use crate::harness::wait::within;
use crate::harness::ws::Ws;
use crate::harness::{Client, Server, Value, json};
use std::time::Duration;

/// The next numbers of that queue that look like this.
async fn numbers(ws: &mut Ws, queue: &str, ready: impl Fn(&Value) -> bool) -> Value {
    let found = async {
        loop {
            let frame = ws.wait_for("queue.stats").await;
            assert!(frame["seq"].is_null(), "of the moment: {frame}");
            let payload = &frame["payload"];
            if payload["queue_id"] == queue && ready(payload) {
                return payload.clone();
            }
        }
    };
    within("the numbers", found).await
}

async fn choose(client: &Client, state: &str) {
    client.post("/api/v1/agent-state/me", json!({ "state": state })).await.expect(200);
}

/// The same numbers, whenever they were asked for.
fn timeless(stats: &Value) -> Value {
    let mut stats = stats.clone();
    for field in ["at", "longest_wait_seconds", "seq"] {
        stats.as_object_mut().unwrap().remove(field);
    }
    stats
}

/// From one moment to another within a day of it.
fn milliseconds_between(from: &Value, to: &Value) -> usize {
    const DAY: usize = 24 * 3600 * 1000;
    let of_day = |moment: &Value| {
        let text = moment.as_str().expect("a moment").to_owned();
        let number = |from: usize, to: usize| text[from..to].parse::<usize>().expect("digits");
        ((number(11, 13) * 60 + number(14, 16)) * 60 + number(17, 19)) * 1000 + number(20, 23)
    };
    (of_day(to) + DAY - of_day(from)) % DAY
}

on_both! {
    async fn a_day_of_a_queue_adds_up(server) {
        let admin = server.admin().await;
        let (kim, kim_id) = server.user("kim@example.com", "agent").await;
        let id = queue(&admin, "Sales").await;
        join(&admin, &id, &kim_id).await;
        let stats = format!("{}/stats", path(&id));
        let nothing = admin.get(&stats).await.expect(200);
        for interval in ["today", "last_30_minutes"] {
            assert_eq!(nothing.data()[interval], json!({
                "offered": 0, "answered": 0, "abandoned": 0, "short_abandoned": 0, "timed_out": 0,
                "service_level_percent": null, "threshold_seconds": 20, "abandonment_percent": null,
                "average_abandon_seconds": null, "asa_seconds": null, "aht_seconds": null,
                "max_wait_seconds": 0.0,
            }));
        }
        choose(&kim, "available").await;
        let (mut ws, _) = Ws::connect(&server, &admin).await;
        let first = numbers(&mut ws, &id, |_| true).await;
        assert_eq!(timeless(&first), timeless(admin.get(&stats).await.expect(200).data()));
        assert_eq!((&first["waiting"], &first["agents"]["available"]), (&json!(0), &json!(1)));

        let (one, two) = (call(&admin, &id, "+4930901820").await, call(&admin, &id, "+4930901821").await);
        let waiting = numbers(&mut ws, &id, |stats| stats["waiting"] == 2).await;
        assert!(waiting["oldest_joined_at"].is_string(), "{waiting}");
        server.advance(Duration::from_secs(30)).await;
        let older = numbers(&mut ws, &id, |stats| stats["longest_wait_seconds"].as_f64() >= Some(30.0)).await;
        assert_eq!(older["oldest_joined_at"], waiting["oldest_joined_at"], "nothing else has changed: {older}");

        for what in ["ring", "answer"] {
            report(&admin, &one, what, json!({ "user_id": kim_id })).await;
        }
        server.advance(Duration::from_secs(60)).await;
        report(&admin, &one, "end", json!({ "ended_by": "customer" })).await;
        report(&admin, &two, "end", json!({ "ended_by": "customer" })).await;
        let done = numbers(&mut ws, &id, |stats| stats["today"]["offered"] == 2 && stats["waiting"] == 0).await;
        let today = &done["today"];
        assert_eq!((&today["answered"], &today["abandoned"]), (&json!(1), &json!(1)), "{done}");
        assert_eq!(today["service_level_percent"], 0.0, "answered after 30 of 20 seconds: {done}");
        assert_eq!(today["abandonment_percent"], 50.0, "{done}");
        for (field, least) in [("asa_seconds", 30.0), ("average_abandon_seconds", 90.0), ("aht_seconds", 60.0), ("max_wait_seconds", 90.0)] {
            let value = today[field].as_f64().expect("a number");
            assert!((least..least + 20.0).contains(&value), "{field}: {done}");
        }
        assert_eq!(done["last_30_minutes"], *today, "all of it was lately");
        assert!(done.get("oldest_joined_at").is_none(), "{done}");
        let asked = admin.get(&stats).await.expect(200);
        assert_eq!(timeless(asked.data()), timeless(&numbers_now(&server, &admin, &id).await));
    }

    async fn the_last_half_hour_goes_by_without_an_event(server) {
        let admin = server.admin().await;
        let id = queue(&admin, "Sales").await;
        // Programs stay signed in.
        let (program, _) = server.program(&admin, &["calls:write", "events:read", "queues:read"]).await;
        let (mut ws, _) = Ws::connect(&server, &program).await;
        let lately = |offered: u64| move |stats: &Value| stats["last_30_minutes"]["offered"] == offered;
        let minutes = |minutes: u64| Duration::from_secs(minutes * 60);
        for offered in [1, 2] {
            let one = call(&program, &id, "+4930901820").await;
            report(&program, &one, "dequeue", json!({ "reason": "timeout" })).await;
            numbers(&mut ws, &id, lately(offered)).await;
            // To within the thirtieth minute of the first one, and past it.
            server.advance(if offered == 1 { minutes(28) } else { minutes(2) }).await;
        }
        let second = numbers(&mut ws, &id, lately(1)).await;
        assert_eq!(second["last_30_minutes"]["service_level_percent"], 0.0, "{second}");
        server.advance(minutes(30)).await;
        let gone = numbers(&mut ws, &id, lately(0)).await;
        assert_eq!(gone["last_30_minutes"]["service_level_percent"], Value::Null, "{gone}");
        let stats = program.get(&format!("{}/stats", path(&id))).await.expect(200);
        assert_eq!(timeless(stats.data()), timeless(&gone));
    }

    async fn numbers_come_right_after_a_subscription_and_to_those_who_may_see_them(server) {
        let admin = server.admin().await;
        let (kim, kim_id) = server.user("kim@example.com", "agent").await;
        let (lee, _) = server.user("lee@example.com", "agent").await;
        let stranger = server.other_tenant("other").await;
        let (sales, support) = (queue(&admin, "Sales").await, queue(&admin, "Support").await);
        let foreign = queue(&stranger, "Theirs").await;
        join(&admin, &sales, &kim_id).await;
        let subscribe = |events: &[&str]| json!({ "type": "subscribe", "payload": { "events": events } });

        let (mut ws, _) = Ws::connect(&server, &kim).await;
        assert_eq!(ws.wait_for("queue.stats").await["payload"]["queue_id"], json!(sales));
        ws.send(&subscribe(&["queue.*"])).await;
        ws.wait_for("subscribed").await;
        let told = ws.wait_for("queue.stats").await;
        assert_eq!(told["payload"]["queue_id"], json!(sales), "and no other queue: {told}");
        // Numbers that do not change are not told again; those of another queue never.
        choose(&kim, "available").await;
        let told = ws.wait_for("queue.stats").await;
        assert_eq!((&told["payload"]["queue_id"], &told["payload"]["agents"]["available"]), (&json!(sales), &json!(1)));

        let (mut of_admin, _) = Ws::connect(&server, &admin).await;
        let mut missing = vec![sales.as_str(), support.as_str()];
        while !missing.is_empty() {
            let told = of_admin.wait_for("queue.stats").await;
            missing.retain(|id| told["payload"]["queue_id"] != *id);
        }
        let (mut elsewhere, _) = Ws::connect(&server, &stranger).await;
        assert_eq!(elsewhere.wait_for("queue.stats").await["payload"]["queue_id"], json!(foreign));

        // Who is in no queue gets no numbers, and who asked for other events neither.
        let (mut outside, _) = Ws::connect(&server, &lee).await;
        let (mut other, _) = Ws::connect(&server, &admin).await;
        other.wait_for("queue.stats").await;
        other.send(&subscribe(&["test.*"])).await;
        other.wait_for("subscribed").await;
        choose(&kim, "away").await;
        numbers(&mut ws, &sales, |stats| stats["agents"]["paused"] == 1).await;
        mark(&admin).await;
        for ws in [&mut outside, &mut other] {
            loop {
                let frame = ws.next_json().await;
                assert_ne!(frame["type"], "queue.stats", "{frame}");
                if frame["type"] == "test.mark" {
                    break;
                }
            }
        }
    }
}

on_both! {
    async fn a_wrap_ups_end_is_told_whoever_serves_the_queue_and_whatever_rings_meanwhile(server) {
        let admin = server.admin().await;
        let (kim, kim_id) = server.user("kim@example.com", "agent").await;
        let (lee, lee_id) = server.user("lee@example.com", "agent").await;
        let id = queue(&admin, "Sales").await;
        admin.patch(&path(&id), json!({ "wrap_up_seconds": 30 })).await.expect(200);
        join(&admin, &id, &lee_id).await;
        for agent in [&kim, &lee] {
            choose(agent, "available").await;
        }
        let (mut ws, _) = Ws::connect(&server, &admin).await;
        let serve = async |user: &str| {
            let one = call(&admin, &id, "+4930901820").await;
            report(&admin, &one, "answer", json!({ "user_id": user })).await;
            report(&admin, &one, "end", json!({ "ended_by": "customer" })).await;
        };
        let least = |seconds: f64| move |stats: &Value| stats["today"]["aht_seconds"].as_f64() >= Some(seconds);

        // Who is no member.
        serve(&kim_id).await;
        numbers(&mut ws, &id, |stats| stats["today"]["answered"] == 1).await;
        server.advance(Duration::from_secs(31)).await;
        numbers(&mut ws, &id, least(30.0)).await;

        // Who is being rung for something else when the time is over.
        serve(&lee_id).await;
        let body = json!({ "direction": "inbound", "from": { "number": "1" }, "to": { "number": "2" }, "user_id": lee_id });
        let other = admin.post("/api/v1/calls", body).await.expect(201).text_of("id").to_owned();
        let told = numbers(&mut ws, &id, |stats| stats["today"]["answered"] == 2 && stats["agents"]["ringing"] == 1).await;
        server.advance(Duration::from_secs(31)).await;
        let asked = admin.get(&format!("{}/stats", path(&id))).await.expect(200);
        assert_eq!(asked.data()["today"]["aht_seconds"], told["today"]["aht_seconds"], "asked for as told");
        report(&admin, &other, "end", json!({ "ended_by": "customer" })).await;
        numbers(&mut ws, &id, least(30.0)).await;
    }

    async fn queues_that_are_changed_or_new_are_told_as_they_are(server) {
        let admin = server.admin().await;
        let id = queue(&admin, "Sales").await;
        let (mut ws, _) = Ws::connect(&server, &admin).await;
        numbers(&mut ws, &id, |_| true).await;
        let change = json!({ "name": "Sales 2", "sla": { "threshold_seconds": 30 } });
        admin.patch(&path(&id), change).await.expect(200);
        let told = numbers(&mut ws, &id, |stats| stats["queue_name"] == "Sales 2").await;
        assert_eq!(told["today"]["threshold_seconds"], 30, "{told}");
        call(&admin, &id, "+4930901820").await;
        let told = numbers(&mut ws, &id, |stats| stats["waiting"] == 1).await;
        assert_eq!((&told["queue_name"], &told["today"]["threshold_seconds"]), (&json!("Sales 2"), &json!(30)));
        let new = queue(&admin, "Support").await;
        call(&admin, &new, "+4930901821").await;
        let told = numbers(&mut ws, &new, |stats| stats["waiting"] == 1).await;
        assert_eq!(told["queue_name"], "Support", "{told}");
    }

    async fn settings_that_cannot_be_read_are_their_own_tenants_trouble_alone(server) {
        let admin = server.admin().await;
        let other = server.other_tenant("other").await;
        let (id, theirs) = (queue(&admin, "Sales").await, queue(&other, "Theirs").await);
        let (mut ws, _) = Ws::connect(&server, &admin).await;
        let (mut of_other, _) = Ws::connect(&server, &other).await;
        numbers(&mut ws, &id, |_| true).await;
        numbers(&mut of_other, &theirs, |_| true).await;
        server.sql("INSERT INTO tenant_settings (tenant_id, settings, updated_at) VALUES ('other', 'no JSON', 0)").await;
        call(&admin, &id, "+4930901820").await;
        numbers(&mut ws, &id, |stats| stats["waiting"] == 1).await;
        other.post("/api/v1/agent-state/me", json!({ "state": "available" })).await.assert_error(500);
        choose(&admin, "available").await;
    }

    async fn however_often_a_queue_changes_it_is_told_once_a_second(server) {
        let admin = server.admin().await;
        let (kim, kim_id) = server.user("kim@example.com", "agent").await;
        let id = queue(&admin, "Sales").await;
        join(&admin, &id, &kim_id).await;
        let (mut ws, _) = Ws::connect(&server, &admin).await;
        numbers(&mut ws, &id, |_| true).await;
        for _ in 0..100 {
            choose(&kim, "available").await;
            choose(&kim, "away").await;
        }
        call(&admin, &id, "+4930901820").await;
        let mut told = Vec::new();
        while told.last().is_none_or(|stats: &Value| stats["waiting"] != 1) {
            told.push(numbers(&mut ws, &id, |_| true).await);
        }
        // By their own moments, however long the changes took; the first may have been late in its second.
        let took = milliseconds_between(&told[0]["at"], &told[told.len() - 1]["at"]);
        assert!(told.len() <= took / 1000 + 2, "{} in {took} ms: {told:?}", told.len());
    }

    async fn numbers_are_of_the_tenants_day(server, JWT_ACCESS_TTL = "90d") {
        let admin = server.admin().await;
        let id = queue(&admin, "Sales").await;
        let set = async |settings: Value| admin.patch("/api/v1/settings", settings).await.expect(200);
        let stats = format!("{}/stats", path(&id));
        let asked = async |field: &str| admin.get(&stats).await.expect(200).data()["today"][field].clone();
        // Whatever the time: these two never have the same day.
        set(json!({ "timezone": "Pacific/Kiritimati", "short_abandon_seconds": 0 })).await;
        let one = call(&admin, &id, "+4930901820").await;
        report(&admin, &one, "end", json!({ "ended_by": "customer" })).await;
        assert_eq!((asked("abandoned").await, asked("short_abandoned").await), (json!(1), json!(0)), "the tenant's limit");
        let (mut ws, _) = Ws::connect(&server, &admin).await;
        numbers(&mut ws, &id, |stats| stats["today"]["offered"] == 1).await;
        set(json!({ "timezone": "Pacific/Pago_Pago" })).await;
        assert_eq!(asked("offered").await, 0);
        numbers(&mut ws, &id, |stats| stats["today"]["offered"] == 0).await;
        assert_eq!(numbers_now(&server, &admin, &id).await["today"]["offered"], 0, "told as it is");
        set(json!({ "timezone": "Pacific/Kiritimati" })).await;
        numbers(&mut ws, &id, |stats| stats["today"]["offered"] == 1).await;
        assert_eq!(asked("offered").await, 1);
        assert_eq!(numbers_now(&server, &admin, &id).await["today"]["offered"], 1);
        // At midnight all begins anew, and listeners hear of it though nothing has happened.
        server.advance(Duration::from_secs(24 * 3600)).await;
        let admin = server.admin().await;
        let (mut ws, _) = Ws::connect(&server, &admin).await;
        numbers(&mut ws, &id, |stats| stats["today"]["offered"] == 0).await;
        assert_eq!(admin.get(&stats).await.expect(200).data()["today"]["offered"], 0);
    }
}

/// What somebody is told who begins to listen now.
async fn numbers_now(server: &Server, client: &Client, queue: &str) -> Value {
    let (mut ws, _) = Ws::connect(server, client).await;
    numbers(&mut ws, queue, |_| true).await
}

#[tokio::test]
async fn every_server_tells_its_own_listeners_and_a_new_one_begins_with_the_truth() {
    let here = Server::builder().mariadb().start().await;
    let there = here.elsewhere().start().await;
    let admin = here.admin().await;
    let there_admin = there.with_token(admin.token());
    let id = queue(&admin, "Sales").await;
    let (mut ws, _) = Ws::connect(&there, &there_admin).await;
    numbers(&mut ws, &id, |_| true).await;
    call(&admin, &id, "+4930901820").await;
    let told = numbers(&mut ws, &id, |stats| stats["waiting"] == 1).await;
    here.restart().await;
    assert_eq!(timeless(&numbers_now(&here, &admin, &id).await), timeless(&told));
}
