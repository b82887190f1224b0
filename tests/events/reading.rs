//! `GET /api/v1/events`: the log in order, page by page, as much of it as the reader may see.

use super::{EVENTS, event, publish};
use crate::harness::macros::on_both;
use crate::harness::ws::Ws;
use crate::harness::{Answer, Client, Server, Value, json};

async fn read(client: &Client, query: &str) -> Answer {
    client.get(&format!("{EVENTS}{query}")).await.expect(200)
}

fn seqs(answer: &Answer) -> Vec<i64> {
    let events = answer.data().as_array().expect("a list");
    events.iter().map(|event| event["seq"].as_i64().expect("a number")).collect()
}

/// Every page from the first to the last, and what is on them.
async fn read_all(client: &Client, query: &str) -> Vec<Value> {
    let (mut events, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = read(client, &format!("?{query}{cursor}")).await;
        events.extend(page.data().as_array().expect("a list").iter().cloned());
        match page.body["meta"]["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return events,
        }
    }
}

fn types(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["type"].as_str().expect("a name")).collect()
}

on_both! {
    async fn an_empty_log_is_an_empty_list(server) {
        let answer = read(&server.admin().await, "").await;
        assert_eq!(seqs(&answer), [0; 0]);
        let meta = &answer.body["meta"];
        assert_eq!((&meta["seq"], &meta["oldest_seq"], &meta["next_cursor"]), (&json!(0), &json!(1), &Value::Null));
        assert!(!meta["epoch"].as_str().unwrap().is_empty());
    }

    async fn the_epoch_is_the_one_that_sockets_are_told(server) {
        let admin = server.admin().await;
        let (_ws, ready) = Ws::connect(&server, &admin).await;
        let epoch = read(&admin, "").await.body["meta"]["epoch"].clone();
        assert!(!epoch.as_str().expect("a text").is_empty());
        assert_eq!(epoch, ready["epoch"]);
        let stranger = server.other_tenant("other").await;
        assert_eq!(read(&stranger, "").await.body["meta"]["epoch"], epoch, "one log, one backup, one epoch");
    }

    async fn the_log_comes_in_order_with_all_its_fields(server) {
        let admin = server.admin().await;
        let body = json!({ "type": "order.paid", "payload": { "b": 1, "a": 2.50 }, "subject": "call:7" });
        let written = publish(&admin, json!([body, event("second")])).await;
        let answer = read(&admin, "").await;
        let first = &answer.data()[0];
        assert_eq!((&first["id"], &first["seq"]), (&json!(written[0].id), &json!(1)));
        assert_eq!((&first["type"], &first["subject"]), (&json!("order.paid"), &json!("call:7")));
        assert_eq!(first["payload"]["tenant_id"], "tenant-123");
        assert!(first["timestamp"].as_i64().unwrap() > 1_700_000_000);
        assert!(first["created_at"].as_str().unwrap().ends_with('Z'));
        assert_eq!(answer.data()[1]["subject"], Value::Null);
        assert_eq!(answer.body["meta"]["seq"], 2);
        let line = server.cli(&["events", "tail", "--tenant", "tenant-123"]).await.stdout;
        let line: Value = serde_json::from_str(line.lines().next().unwrap()).unwrap();
        assert_eq!(line, *first, "the command line shows the same");
    }

    async fn it_goes_on_behind_a_number_or_a_cursor(server) {
        let admin = server.admin().await;
        let many: Vec<Value> = (0..250).map(|n| event(&n.to_string())).collect();
        publish(&admin, many).await;
        assert_eq!(seqs(&read(&admin, "").await), (1..=50).collect::<Vec<_>>());
        assert_eq!(seqs(&read(&admin, "?limit=200&after=100").await), (101..=250).collect::<Vec<_>>());
        assert_eq!(seqs(&read(&admin, "?after=250").await), [0; 0]);
        assert_eq!(seqs(&read(&admin, "?after=9999").await), [0; 0]);
        let all = read_all(&admin, "limit=60").await;
        assert_eq!(all.len(), 250);
        assert!(all.iter().zip(1..).all(|(event, seq)| event["seq"] == seq));
        assert_eq!(read_all(&admin, "limit=50&after=150").await.len(), 100);
    }

    async fn types_are_names_and_prefixes(server) {
        let admin = server.admin().await;
        for name in ["order.paid", "order.lost", "orders", "ship.sent"] {
            publish(&admin, json!({ "type": name, "payload": {} })).await;
        }
        admin.post("/api/v1/agent-state/me", json!({ "state": "available" })).await.expect(200);
        assert_eq!(types(&read_all(&admin, "types=order.*").await), ["order.paid", "order.lost"]);
        assert_eq!(types(&read_all(&admin, "types=ship.sent,orders").await), ["orders", "ship.sent"]);
        assert_eq!(types(&read_all(&admin, "types=agent.*").await), ["agent.login", "agent.state.changed"]);
        assert_eq!(read_all(&admin, "types=*").await.len(), 6);
        assert_eq!(read_all(&admin, "types=nothing.like.it").await.len(), 0);
    }

    async fn everybody_reads_what_he_may_see(server) {
        let admin = server.admin().await;
        let (kim, kim_id) = server.user("kim@example.com", "agent").await;
        let (sam, _) = server.user("sam@example.com", "supervisor").await;
        let (reader, _) = server.program(&admin, &["events:read"]).await;
        let (writer, _) = server.program(&admin, &["events:write"]).await;
        let stranger = server.other_tenant("other").await;
        admin.post("/api/v1/agent-state/me", json!({ "state": "away", "reason": "lunch" })).await.expect(200);
        publish(&admin, json!({ "type": "for.kim", "payload": {}, "audience": { "users": [kim_id] } })).await;
        publish(&admin, json!({ "type": "for.bosses", "payload": {}, "audience": { "roles": ["supervisor"] } })).await;
        publish(&admin, json!({ "type": "for.all", "payload": {} })).await;

        let all = ["agent.login", "agent.state.changed", "for.kim", "for.bosses", "for.all"];
        for client in [&admin, &sam, &reader] {
            let log = read_all(client, "").await;
            assert_eq!(types(&log), all);
            assert_eq!(log[1]["payload"]["reason"], "lunch");
        }
        let own = read_all(&kim, "").await;
        assert_eq!(types(&own), ["agent.state.changed", "for.kim", "for.all"]);
        assert_eq!((&own[0]["payload"]["state"], &own[0]["payload"]["reason"]), (&json!("away"), &Value::Null));
        assert_eq!(read(&kim, "").await.body["meta"]["seq"], 5);
        assert_eq!(read_all(&stranger, "").await.len(), 0);
        assert_eq!(read(&stranger, "").await.body["meta"]["seq"], 0);
        writer.get(EVENTS).await.assert_error(403);
        server.anonymous().get(EVENTS).await.assert_error(401);
    }

    async fn a_reader_who_may_see_next_to_nothing_still_gets_to_the_end(server) {
        let admin = server.admin().await;
        let (kim, kim_id) = server.user("kim@example.com", "agent").await;
        let hidden = json!({ "type": "hidden.one", "payload": {}, "audience": { "users": [] } });
        for _ in 0..5 {
            publish(&admin, vec![hidden.clone(); 500]).await;
        }
        publish(&admin, json!({ "type": "for.kim", "payload": {}, "audience": { "users": [kim_id] } })).await;
        let first = read(&kim, "").await;
        assert_eq!(seqs(&first), [0; 0]);
        assert!(first.body["meta"]["next_cursor"].is_string());
        assert_eq!(types(&read_all(&kim, "").await), ["for.kim"]);
    }

    async fn what_cannot_be_read_is_refused_by_name(server) {
        let admin = server.admin().await;
        let many = vec!["a.b"; 65].join(",");
        for (query, field) in [
            ("after=-1", "after"),
            ("after=x", "after"),
            ("after=", "after"),
            ("after=99999999999999999999", "after"),
            ("limit=0", "limit"),
            ("limit=201", "limit"),
            ("cursor=!", "cursor"),
            ("cursor=eA", "cursor"),
            ("types=", "types"),
            ("types=order.paid,", "types"),
            ("types=Order", "types"),
            ("types=call.nonsense", "types"),
            (&format!("types={many}"), "types"),
        ] {
            admin.get(&format!("{EVENTS}?{query}")).await.assert_error(400).names(field);
        }
    }
}
