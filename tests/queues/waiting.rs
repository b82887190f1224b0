//! What waits in a queue.

use super::{call, join, kinds, mark, member, path, queue, report, until_mark};
use crate::harness::macros::on_both;
use crate::harness::ws::Ws;
use crate::harness::{Server, Value, json};

fn positions(data: &Value) -> Vec<(String, i64)> {
    let one =
        |entry: &Value| (entry["call_id"].as_str().unwrap().to_owned(), entry["position"].as_i64().unwrap());
    data.as_array().unwrap().iter().map(one).collect()
}

on_both! {
    async fn what_waits_is_listed_in_order_and_masked_for_agents(server) {
        let admin = server.admin().await;
        let (kim, kim_id) = server.user("kim@example.com", "agent").await;
        let id = queue(&admin, "Sales").await;
        join(&admin, &id, &kim_id).await;
        let entries = format!("{}/entries", path(&id));
        assert_eq!(admin.get(&entries).await.expect(200).data(), &json!([]));
        let mut calls = Vec::new();
        for number in ["+4930901820", "+4930901821", "+4930901822"] {
            calls.push(call(&admin, &id, number).await);
        }
        let all = admin.get(&entries).await.expect(200);
        let expected: Vec<(String, i64)> = calls.iter().cloned().zip(1..).collect();
        assert_eq!(positions(all.data()), expected);
        assert_eq!(all.data()[0]["from"], json!({ "number": "+4930901820", "name": "Anna Schmidt" }));
        let head = admin.get("/api/v1/events").await.expect(200).body["meta"]["seq"].clone();
        assert_eq!(all.body["meta"]["seq"], head);
        let first = admin.get(&format!("{entries}?limit=2")).await.expect(200);
        let cursor = first.body["meta"]["next_cursor"].as_str().expect("another page");
        let second = admin.get(&format!("{entries}?limit=2&cursor={cursor}")).await.expect(200);
        assert_eq!([positions(first.data()), positions(second.data())].concat(), expected);
        admin.get(&format!("{entries}?cursor=eA")).await.assert_error(400);

        let masked = kim.get(&entries).await.expect(200);
        assert_eq!(masked.data()[0]["from"], json!({ "number": "+********20", "name": "***" }));
        assert!(!masked.text.contains("Anna"), "{}", masked.text);

        let refused = admin.delete(&path(&id)).await;
        refused.assert_error(409).names("waiting");
        for id in &calls {
            report(&admin, id, "end", json!({})).await;
        }
        assert_eq!(admin.get(&entries).await.expect(200).data(), &json!([]));
        admin.delete(&path(&id)).await.expect(200);
    }

    async fn a_member_who_leaves_during_a_call_of_the_queue_is_told_apart(server) {
        let admin = server.admin().await;
        let (kim, kim_id) = server.user("kim@example.com", "agent").await;
        let (sales, support) = (queue(&admin, "Sales").await, queue(&admin, "Support").await);
        for id in [&sales, &support] {
            join(&admin, id, &kim_id).await;
        }
        kim.post("/api/v1/agent-state/me", json!({ "state": "available" })).await.expect(200);
        let id = call(&admin, &sales, "+4930901820").await;
        for what in ["ring", "answer"] {
            report(&admin, &id, what, json!({ "user_id": kim_id })).await;
        }
        let (mut ws, _) = Ws::connect(&server, &admin).await;
        for queue in [&sales, &support] {
            admin.delete(&member(queue, &kim_id)).await.expect(200);
        }
        mark(&admin).await;
        let seen = until_mark(&mut ws).await;
        assert_eq!(kinds(&seen), ["queue.member.removed", "queue.member.removed"]);
        let told: Vec<&Value> = seen.iter().map(|event| &event["payload"]["while_on_call"]).collect();
        assert_eq!(told, [&json!(true), &json!(false)]);
        let state = kim.get("/api/v1/agent-state/me").await.expect(200);
        assert_eq!(state.data()["state"], "on_call", "the call goes on");
    }
}
