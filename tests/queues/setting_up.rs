//! Making, changing, listing and deleting queues.

use super::{ALL, fields, join, kinds, mark, member, path, queue, until_mark};
use crate::harness::macros::on_both;
use crate::harness::ws::Ws;
use crate::harness::{Server, Value, json};

fn bad() -> Vec<(&'static str, Value)> {
    let with = |field: &str, value: Value| {
        let mut body = json!({ "name": "Other", "channel": "voice" });
        body[field] = value;
        body
    };
    let mut bad = vec![
        ("name", json!({ "channel": "voice" })),
        ("channel", json!({ "name": "Other" })),
        ("body", json!([])),
        ("strategy", with("strategy", json!("rrmemory"))),
        ("sla.percent", with("sla", json!({ "percent": 80 }))),
        ("sla", with("sla", json!("80/20"))),
    ];
    for name in
        [json!(""), json!("x".repeat(101)), json!("a\nb"), json!(" a"), json!("a "), json!(7), json!({})]
    {
        bad.push(("name", with("name", name.clone())));
        bad.push(("external_name", with("external_name", name)));
    }
    for channel in [json!("fax"), json!("Voice"), json!(""), json!(1)] {
        bad.push(("channel", with("channel", channel)));
    }
    for number in [json!(0), json!(-1), json!(86_401), json!(1.5), json!("20"), json!(1e30)] {
        bad.push(("sla.threshold_seconds", with("sla", json!({ "threshold_seconds": number }))));
    }
    for number in [json!(0), json!(101), json!(-1), json!(300), json!("80")] {
        bad.push(("sla.target_percent", with("sla", json!({ "target_percent": number }))));
    }
    for field in ["short_abandon_seconds", "wrap_up_seconds"] {
        for number in [json!(-1), json!(3_601), json!("5"), json!(0.5)] {
            bad.push((field, with(field, number)));
        }
    }
    bad
}

on_both! {
    async fn a_queue_is_made_changed_and_found(server) {
        let admin = server.admin().await;
        let made = admin.post(ALL, json!({ "name": "Sales", "channel": "voice" })).await.expect(201).data().clone();
        assert_eq!(made["sla"], json!({ "threshold_seconds": 20, "target_percent": 80 }));
        assert_eq!((&made["short_abandon_seconds"], &made["wrap_up_seconds"]), (&Value::Null, &json!(0)));
        assert_eq!((&made["external_name"], &made["channel"]), (&Value::Null, &json!("voice")));
        let one = path(made["id"].as_str().unwrap());

        let change = json!({
            "name": "Sales 2", "external_name": "8001", "sla": { "threshold_seconds": 30 },
            "short_abandon_seconds": 0, "wrap_up_seconds": 45, "channel": "voice",
        });
        let changed = admin.patch(&one, change).await.expect(200).data().clone();
        assert_eq!(changed["sla"], json!({ "threshold_seconds": 30, "target_percent": 80 }));
        let told = ["name", "external_name", "short_abandon_seconds", "wrap_up_seconds"].map(|field| &changed[field]);
        assert_eq!(told, [&json!("Sales 2"), &json!("8001"), &json!(0), &json!(45)]);
        for (body, field) in [
            (json!({ "name": null }), "name"), (json!({ "wrap_up_seconds": null }), "wrap_up_seconds"),
            (json!({ "sla": null }), "sla"), (json!({ "sla": { "target_percent": null } }), "sla.target_percent"),
        ] {
            admin.patch(&one, body).await.assert_error(422).names(field);
        }
        let cleared = json!({ "external_name": null, "short_abandon_seconds": null });
        let cleared = admin.patch(&one, cleared).await.expect(200).data().clone();
        assert_eq!((&cleared["external_name"], &cleared["short_abandon_seconds"]), (&Value::Null, &Value::Null));
        assert_eq!(admin.get(&one).await.expect(200).data(), &cleared);
        admin.patch(&one, json!({ "channel": "chat" })).await.assert_error(422).names("channel");

        queue(&admin, "Support").await;
        admin.patch(&one, json!({ "name": "Support" })).await.assert_error(409).names("name");
        admin.post(ALL, json!({ "name": "Support", "channel": "chat" })).await.assert_error(409).names("name");
        // Another tenant may have one of the name.
        let stranger = server.other_tenant("other").await;
        queue(&stranger, "Support").await;

        let first = admin.get(&format!("{ALL}?limit=1")).await.expect(200);
        assert!(first.body["meta"]["seq"].as_i64() > Some(0), "{}", first.text);
        let cursor = first.body["meta"]["next_cursor"].as_str().expect("another page");
        let second = admin.get(&format!("{ALL}?limit=1&cursor={cursor}")).await.expect(200);
        assert_eq!(second.body["meta"]["next_cursor"], Value::Null);
        let mut names = [&first, &second].map(|page| page.data()[0]["name"].as_str().unwrap().to_owned());
        names.sort();
        assert_eq!(names, ["Sales 2", "Support"]);

        admin.delete(&one).await.expect(200);
        admin.delete(&one).await.assert_error(404);
        for gone in [one.clone(), format!("{one}/members"), format!("{one}/entries"), format!("{one}/stats")] {
            admin.get(&gone).await.assert_error(404);
        }
        admin.patch(&one, json!({ "name": "Back" })).await.assert_error(404);
    }

    async fn bad_settings_are_named_and_change_nothing(server) {
        let admin = server.admin().await;
        let one = path(&queue(&admin, "Sales").await);
        let before = admin.get(ALL).await.expect(200);
        for (field, body) in bad() {
            let answer = admin.post(ALL, body.clone()).await;
            assert_eq!(answer.status, 422, "{field} {body}: {}", answer.text);
            answer.names(field);
            if !(body["name"].is_null() || body["channel"].is_null()) {
                admin.patch(&one, body).await.assert_error(422).names(field);
            }
        }
        assert_eq!(admin.get(ALL).await.expect(200).body, before.body, "and no event was sent");
    }

    async fn each_role_does_what_the_table_says(server) {
        let admin = server.admin().await;
        let (kim, kim_id) = server.user("kim@example.com", "agent").await;
        let (sam, _) = server.user("sam@example.com", "supervisor").await;
        let (reader, _) = server.program(&admin, &["queues:read"]).await;
        let (writer, _) = server.program(&admin, &["queues:write"]).await;
        let (other, _) = server.program(&admin, &["calls:write", "agents:write"]).await;
        let id = queue(&admin, "Sales").await;
        let (one, own) = (path(&id), member(&id, &kim_id));
        for client in [&kim, &sam, &reader] {
            client.post(ALL, json!({ "name": "No", "channel": "voice" })).await.assert_error(403);
            client.patch(&one, json!({ "name": "No" })).await.assert_error(403);
            client.delete(&one).await.assert_error(403);
            client.get(ALL).await.expect(200);
            client.get(&one).await.expect(200);
            client.get(&format!("{one}/members")).await.expect(200);
        }
        for client in [&writer, &other] {
            client.get(ALL).await.assert_error(403);
            client.get(&format!("{one}/stats")).await.assert_error(403);
        }
        for client in [&kim, &reader, &other] {
            client.put(&own, json!({})).await.assert_error(403);
            client.delete(&own).await.assert_error(403);
        }
        // What waits in a queue is for those who serve it, and for those who see all.
        for what in ["entries", "stats"] {
            kim.get(&format!("{one}/{what}")).await.assert_error(403);
            for client in [&sam, &reader] {
                client.get(&format!("{one}/{what}")).await.expect(200);
            }
        }
        sam.put(&own, json!({})).await.expect(200);
        for what in ["entries", "stats"] {
            kim.get(&format!("{one}/{what}")).await.expect(200);
        }
        sam.delete(&own).await.expect(200);
        writer.put(&own, json!({})).await.expect(200);
        writer.post_empty(&format!("{own}/pause")).await.expect(200);
        for client in [&reader, &other] {
            client.post_empty(&format!("{own}/unpause")).await.assert_error(403);
        }
        writer.patch(&one, json!({ "wrap_up_seconds": 5 })).await.expect(200);
        writer.delete(&one).await.expect(200);
    }

    async fn everyone_learns_of_queues_their_names_and_no_more(server) {
        let admin = server.admin().await;
        let (kim, kim_id) = server.user("kim@example.com", "agent").await;
        let (sam, _) = server.user("sam@example.com", "supervisor").await;
        let stranger = server.other_tenant("other").await;
        let (mut agent, _) = Ws::connect(&server, &kim).await;
        let (mut supervisor, _) = Ws::connect(&server, &sam).await;
        let (mut elsewhere, _) = Ws::connect(&server, &stranger).await;
        let id = queue(&admin, "Sales").await;
        admin.patch(&path(&id), json!({ "wrap_up_seconds": 10 })).await.expect(200);
        admin.patch(&path(&id), json!({ "wrap_up_seconds": 10 })).await.expect(200);
        join(&admin, &id, &kim_id).await;
        admin.delete(&path(&id)).await.expect(200);
        mark(&admin).await;
        mark(&stranger).await;

        let all = ["queue.created", "queue.updated", "queue.member.added", "queue.member.removed", "queue.deleted"];
        let seen = until_mark(&mut supervisor).await;
        assert_eq!(kinds(&seen), all);
        for event in [&seen[0], &seen[1], &seen[4]] {
            assert_eq!(fields(event), ["at", "channel", "queue_id", "queue_name", "tenant_id"], "{event}");
        }
        let seen = until_mark(&mut agent).await;
        assert_eq!(kinds(&seen), all);
        for event in [&seen[0], &seen[1], &seen[4]] {
            assert_eq!(fields(event), ["queue_id", "queue_name", "tenant_id"], "{event}");
            assert_eq!(event["payload"]["queue_name"], "Sales");
        }
        assert!(until_mark(&mut elsewhere).await.is_empty());
    }
}
