//! Who serves a queue, and what that changes at once.

use super::{fields, join, kinds, mark, member, path, queue, until_mark};
use crate::harness::macros::on_both;
use crate::harness::paging::{each, one_by_one};
use crate::harness::wait::eventually;
use crate::harness::ws::Ws;
use crate::harness::{Client, Server, Value, json};

const EVENTS: &str = "/api/v1/events";

/// An event for the members of these queues.
async fn tell(admin: &Client, name: &str, queues: &[&str]) {
    let body = json!({ "type": "order.paid", "payload": { "name": name }, "audience": { "queues": queues } });
    admin.post(EVENTS, body).await.expect(202);
}

/// The names of custom events up to the next mark.
async fn told(ws: &mut Ws) -> Vec<String> {
    let mut names = Vec::new();
    loop {
        let frame = ws.next_event().await;
        match frame["type"].as_str() {
            Some("test.mark") => return names,
            Some("order.paid") => names.push(frame["payload"]["name"].as_str().unwrap().to_owned()),
            _ => {}
        }
    }
}

/// The same, by reading the log.
async fn read(client: &Client) -> Vec<String> {
    let log = client.get(&format!("{EVENTS}?types=order.paid")).await.expect(200);
    let name = |event: &Value| event["payload"]["name"].as_str().unwrap().to_owned();
    log.data().as_array().unwrap().iter().map(name).collect()
}

/// The same, by resuming from the beginning.
async fn resumed(server: &Server, client: &Client) -> Vec<String> {
    let bearer = format!("Bearer {}", client.token());
    let mut ws = Ws::open(server, "/ws?since=0", &[("authorization", &bearer)]).await.expect("a connection");
    told(&mut ws).await
}

on_both! {
    async fn members_come_and_go(server) {
        let admin = server.admin().await;
        let (kim, kim_id) = server.user("kim@example.com", "agent").await;
        let id = queue(&admin, "Sales").await;
        let before = admin.get(EVENTS).await.expect(200).body["meta"]["seq"].as_i64();
        let made = join(&admin, &id, &kim_id).await;
        assert_eq!((&made["user_id"], &made["paused"]), (&json!(kim_id), &json!(false)));
        assert_eq!(join(&admin, &id, &kim_id).await, made, "once more changes nothing");
        let list = kim.get(&format!("{}/members", path(&id))).await.expect(200);
        assert_eq!(list.data(), &json!([made]));
        assert_eq!(list.body["meta"]["seq"].as_i64(), before.map(|seq| seq + 1), "one event");

        for (queue, user) in [(id.as_str(), "nobody"), ("nowhere", kim_id.as_str()), ("a b", "x"), (&id, "a%20b")] {
            let queue = queue.replace(' ', "%20");
            admin.put(&member(&queue, user), json!({})).await.assert_error(404);
            admin.delete(&member(&queue, user)).await.assert_error(404);
            admin.post_empty(&format!("{}/pause", member(&queue, user))).await.assert_error(404);
        }
        admin.delete(&member(&id, &kim_id)).await.expect(200);
        admin.delete(&member(&id, &kim_id)).await.expect(200);
        admin.post_empty(&format!("{}/pause", member(&id, &kim_id))).await.assert_error(404);
        assert_eq!(admin.get(EVENTS).await.expect(200).body["meta"]["seq"].as_i64(), before.map(|seq| seq + 2));

        admin.patch(&format!("/api/v1/users/{kim_id}"), json!({ "is_active": false })).await.expect(200);
        admin.put(&member(&id, &kim_id), json!({})).await.assert_error(409).names("is_active");
    }

    async fn who_is_deactivated_serves_no_queue_until_coming_back(server) {
        let admin = server.admin().await;
        let (_, kim_id) = server.user("kim@example.com", "agent").await;
        let (id, other) = (queue(&admin, "Sales").await, queue(&admin, "Support").await);
        for queue in [&id, &other] {
            join(&admin, queue, &kim_id).await;
        }
        admin.post_empty(&format!("{}/pause", member(&id, &kim_id))).await.expect(200);
        let user = format!("/api/v1/users/{kim_id}");
        let members = async |queue: &str| admin.get(&format!("{}/members", path(queue))).await.expect(200).data().clone();
        let counted = async |queue: &str| admin.get(&format!("{}/stats", path(queue))).await.expect(200).data()["agents"].clone();
        let (mut ws, _) = Ws::connect(&server, &admin).await;
        ws.wait_for("queue.stats").await;

        admin.patch(&user, json!({ "is_active": false })).await.expect(200);
        assert_eq!((members(&id).await, counted(&id).await["paused"].clone()), (json!([]), json!(0)));
        assert_eq!(counted(&other).await["offline"], 0);
        let told = ws.wait_for("queue.member.removed").await;
        assert_eq!(told["payload"]["user_id"], json!(kim_id), "{told}");
        let mut missing = vec![id.as_str(), other.as_str()];
        while !missing.is_empty() {
            let told = ws.wait_for("queue.stats").await["payload"].clone();
            let is_empty = told["agents"]["paused"] == 0 && told["agents"]["offline"] == 0;
            missing.retain(|queue| !is_empty || told["queue_id"] != *queue);
        }
        admin.post_empty(&format!("{}/unpause", member(&id, &kim_id))).await.assert_error(404);
        admin.put(&member(&id, &kim_id), json!({})).await.assert_error(409).names("is_active");
        admin.delete(&member(&other, &kim_id)).await.expect(200);

        admin.patch(&user, json!({ "is_active": true })).await.expect(200);
        let added = ws.wait_for("queue.member.added").await;
        let payload = &added["payload"];
        assert_eq!((&payload["queue_id"], &payload["paused"]), (&json!(id), &json!(false)), "{added}");
        let listed = members(&id).await;
        assert_eq!((&listed[0]["since"], &listed[0]["paused"]), (&payload["at"], &json!(false)), "as was told: {listed}");
        assert_eq!((counted(&id).await["offline"].clone(), members(&other).await), (json!(1), json!([])));

        // Nothing is said twice, and nobody is left behind.
        admin.patch(&user, json!({ "is_active": false })).await.expect(200);
        admin.delete(&path(&id)).await.expect(200);
        admin.delete(&user).await.succeeded();
        let log = admin.get("/api/v1/events?types=queue.member.removed").await.expect(200);
        assert_eq!(log.data().as_array().unwrap().len(), 3, "{}", log.text);
    }

    async fn a_page_at_a_time_shows_each_member_once(server) {
        let admin = server.admin().await;
        let (id, other) = (queue(&admin, "Sales").await, queue(&admin, "Support").await);
        let mut members = Vec::new();
        for number in 0..6 {
            let (_, user) = server.user(&format!("agent{number}@example.com"), "agent").await;
            join(&admin, &other, &user).await;
            if number != 2 {
                join(&admin, &id, &user).await;
                members.push(user);
            }
        }
        members.sort();
        let list = format!("{}/members", path(&id));
        let found = one_by_one(&admin, &list).await;
        assert_eq!(each(&found, "user_id"), members);
        assert_eq!(json!(found), *admin.get(&list).await.expect(200).data());
    }

    async fn an_event_about_a_member_reaches_the_member_the_colleagues_and_supervisors(server) {
        let admin = server.admin().await;
        let mut sockets = Vec::new();
        let (kim, kim_id) = server.user("kim@example.com", "agent").await;
        let (lee, lee_id) = server.user("lee@example.com", "agent").await;
        let (pat, _) = server.user("pat@example.com", "agent").await;
        let (sam, _) = server.user("sam@example.com", "supervisor").await;
        let id = queue(&admin, "Sales").await;
        join(&admin, &id, &lee_id).await;
        for client in [&kim, &lee, &pat, &sam] {
            sockets.push(Ws::connect(&server, client).await.0);
        }
        join(&admin, &id, &kim_id).await;
        admin.delete(&member(&id, &kim_id)).await.expect(200);
        mark(&admin).await;
        let mut seen = Vec::new();
        for ws in &mut sockets {
            seen.push(until_mark(ws).await);
        }
        let both = ["queue.member.added", "queue.member.removed"];
        for at in [0, 1, 3] {
            assert_eq!(kinds(&seen[at]), both, "{at}");
        }
        assert!(seen[2].is_empty(), "a colleague in no queue: {:?}", seen[2]);
        let common = ["at", "by", "channel", "membership", "paused", "penalty", "queue_id", "queue_name", "tenant_id", "user_id"];
        for events in [&seen[0], &seen[1], &seen[3]] {
            assert_eq!(fields(&events[0]), common, "{}", events[0]);
            assert_eq!((&events[0]["payload"]["user_id"], &events[0]["payload"]["by"]), (&json!(kim_id), &json!("user-456")));
            assert_eq!(events[1]["payload"]["while_on_call"], false, "{}", events[1]);
        }
    }

    async fn what_is_for_a_queue_reaches_those_who_are_members_when_it_is_sent(server) {
        let admin = server.admin().await;
        let (kim, kim_id) = server.user("kim@example.com", "agent").await;
        let (lee, lee_id) = server.user("lee@example.com", "agent").await;
        let (sales, support) = (queue(&admin, "Sales").await, queue(&admin, "Support").await);
        join(&admin, &sales, &kim_id).await;
        join(&admin, &support, &lee_id).await;
        let (mut of_kim, _) = Ws::connect(&server, &kim).await;
        let (mut of_lee, _) = Ws::connect(&server, &lee).await;
        let (mut of_admin, _) = Ws::connect(&server, &admin).await;
        tell(&admin, "sales", &[&sales]).await;
        tell(&admin, "both", &[&sales, &support]).await;
        // On this server at once, without a new connection.
        join(&admin, &support, &kim_id).await;
        admin.delete(&member(&support, &lee_id)).await.expect(200);
        tell(&admin, "support", &[&support]).await;
        mark(&admin).await;
        assert_eq!(told(&mut of_kim).await, ["sales", "both", "support"]);
        assert_eq!(told(&mut of_lee).await, ["both"]);
        assert_eq!(told(&mut of_admin).await, ["sales", "both", "support"]);
        // What was sent before is judged by what they are now.
        for (client, expected) in [(&kim, vec!["sales", "both", "support"]), (&lee, vec![])] {
            assert_eq!(read(client).await, expected);
            assert_eq!(resumed(&server, client).await, expected);
        }
        let unknown = json!({ "type": "order.paid", "payload": {}, "audience": { "queues": [sales, "nowhere"] } });
        admin.post(EVENTS, unknown).await.assert_error(422).names("audience.queues[1]");
        let stranger = server.other_tenant("other").await;
        let foreign = json!({ "type": "order.paid", "payload": {}, "audience": { "queues": [sales] } });
        stranger.post(EVENTS, foreign).await.assert_error(422).names("audience.queues[0]");
    }

    async fn a_deleted_user_is_in_no_queue(server) {
        let admin = server.admin().await;
        let (_, kim_id) = server.user("kim@example.com", "agent").await;
        let (sales, support) = (queue(&admin, "Sales").await, queue(&admin, "Support").await);
        for id in [&sales, &support] {
            join(&admin, id, &kim_id).await;
        }
        let (mut ws, _) = Ws::connect(&server, &admin).await;
        admin.delete(&format!("/api/v1/users/{kim_id}")).await.expect(200);
        mark(&admin).await;
        let seen = until_mark(&mut ws).await;
        assert_eq!(kinds(&seen), ["queue.member.removed", "queue.member.removed"]);
        assert!(seen.iter().all(|event| event["payload"]["user_id"] == json!(kim_id)), "{seen:?}");
        for id in [&sales, &support] {
            assert_eq!(admin.get(&format!("{}/members", path(id))).await.expect(200).data(), &json!([]));
        }
    }
}

#[tokio::test]
async fn a_membership_holds_on_every_server() {
    let here = Server::builder().mariadb().start().await;
    let there = here.elsewhere().start().await;
    let admin = here.admin().await;
    let (kim, kim_id) = here.user("kim@example.com", "agent").await;
    let id = queue(&admin, "Sales").await;
    let (mut ws, _) = Ws::connect(&there, &there.with_token(kim.token())).await;
    join(&admin, &id, &kim_id).await;
    let stats = format!("{}/stats", path(&id));
    let there_kim = there.with_token(kim.token());
    eventually("the membership on the other server", async || {
        (there_kim.get(&stats).await.status == 200).then_some(())
    })
    .await;
    tell(&admin, "member", &[&id]).await;
    mark(&admin).await;
    assert_eq!(told(&mut ws).await, ["member"]);
    admin.delete(&member(&id, &kim_id)).await.expect(200);
    eventually("its end on the other server", async || {
        (there_kim.get(&stats).await.status == 403).then_some(())
    })
    .await;
    tell(&admin, "no member", &[&id]).await;
    mark(&admin).await;
    assert!(told(&mut ws).await.is_empty());
}
