//! What the state of a call, or of an agent, does not allow, and what is not one's own.

use super::{CALLS, Center, queue, report};
use crate::harness::macros::on_both;
use crate::harness::{Server, json};

on_both! {
    async fn what_the_state_does_not_allow_is_told_with_the_state_and_says_nothing(server) {
        let center = Center::open(&server).await;
        let other = queue(&center.admin, "Other", 0, &[]).await;
        let (kim, lee) = (json!({ "user_id": center.kim_id }), json!({ "user_id": center.lee_id }));
        let missed = json!({ "user_id": center.lee_id, "outcome": "no_answer" });
        let transfer = json!({ "kind": "blind", "to": { "user_id": center.lee_id } });
        center.caller("queued").await;
        center.with_kim("active").await;
        center.caller("ended").await;
        center.report("ended", "end", json!({})).await.expect(200);
        let new = json!({ "id": "ringing", "direction": "inbound", "from": { "number": "1" }, "to": { "number": "2" } });
        center.pbx.post(CALLS, new).await.expect(201);
        let head = center.head().await;
        for call in ["ringing", "queued", "active", "ended"] {
            let same = center.report(call, "unhold", kim.clone()).await.expect(200);
            assert_eq!(same.data()["state"], call, "the end of a hold that never was");
        }
        for (call, what, body) in [
            ("ringing", "dequeue", json!({ "reason": "timeout" })),
            ("ringing", "miss", missed.clone()),
            ("ringing", "hold", kim.clone()),
            ("ringing", "transfer", transfer.clone()),
            ("queued", "enqueue", json!({ "queue_id": other })),
            ("queued", "miss", missed.clone()),
            ("queued", "hold", kim.clone()),
            ("queued", "transfer", transfer.clone()),
            ("active", "enqueue", json!({ "queue_id": center.queue })),
            ("active", "dequeue", json!({ "reason": "timeout" })),
            ("active", "ring", lee.clone()),
            ("active", "ring", kim.clone()),
            ("active", "answer", lee.clone()),
            ("active", "hold", lee.clone()),
            ("active", "miss", missed.clone()),
            ("ended", "enqueue", json!({ "queue_id": center.queue })),
            ("ended", "dequeue", json!({ "reason": "removed" })),
            ("ended", "ring", lee.clone()),
            ("ended", "answer", lee.clone()),
            ("ended", "hold", lee.clone()),
            ("ended", "miss", missed),
            ("ended", "transfer", transfer),
        ] {
            let answer = center.report(call, what, body).await;
            answer.assert_error(409).names("state");
            assert_eq!(answer.body["error"]["details"][0]["message"], call, "{call} {what}: {}", answer.text);
        }
        assert_eq!(center.head().await, head);

        center.of(&center.kim_id, "active", "hold").await.expect(200);
        let head = center.head().await;
        for (what, body) in [
            ("enqueue", json!({ "queue_id": center.queue })),
            ("dequeue", json!({ "reason": "timeout" })),
            ("ring", lee.clone()),
            ("answer", lee.clone()),
            ("hold", lee),
        ] {
            let answer = center.report("active", what, body).await;
            assert_eq!(answer.assert_error(409).body["error"]["details"][0]["message"], "held", "{what}");
        }
        assert_eq!(center.head().await, head);
    }

    async fn nobody_is_rung_who_is_not_there(server) {
        let center = Center::open(&server).await;
        let (_, max) = server.user("max@example.com", "agent").await;
        center.caller("c1").await;
        let begin = json!({ "direction": "inbound", "from": { "number": "1" }, "to": { "number": "2" }, "user_id": max });
        let transfer = json!({ "kind": "redirect", "to": { "user_id": max } });
        let head = center.head().await;
        for answer in
            [center.of(&max, "c1", "ring").await, center.report("c1", "transfer", transfer.clone()).await]
        {
            answer.assert_error(409).names("state");
            assert_eq!(answer.body["error"]["details"][0]["message"], "offline", "{}", answer.text);
        }
        center.admin.patch(&format!("/api/v1/users/{max}"), json!({ "is_active": false })).await.expect(200);
        center.of(&max, "c1", "ring").await.assert_error(422).names("user_id");
        center.pbx.post(CALLS, begin).await.assert_error(422).names("user_id");
        center.report("c1", "transfer", transfer).await.assert_error(422).names("to.user_id");
        assert_eq!(center.head().await, head);
    }

    async fn agents_act_in_their_own_calls_only(server) {
        let center = Center::open(&server).await;
        let (kim, lee) = (json!({ "user_id": center.kim_id }), json!({ "user_id": center.lee_id }));
        center.with_kim("c1").await;
        let head = center.head().await;
        let transfer = json!({ "kind": "redirect", "to": { "user_id": center.lee_id } });
        for (what, body) in [("answer", lee.clone()), ("hold", lee.clone()), ("unhold", lee.clone()), ("transfer", transfer.clone()), ("end", json!({}))] {
            report(&center.lee, "c1", what, body).await.assert_error(404);
        }
        center.lee.get(&format!("{CALLS}/c1")).await.assert_error(404);
        center.lee.patch(&format!("{CALLS}/c1"), json!({ "disposition": "x" })).await.assert_error(404);
        report(&center.kim, "c1", "hold", lee.clone()).await.assert_error(403);
        for what in ["ring", "miss", "enqueue", "dequeue"] {
            report(&center.kim, "c1", what, json!({})).await.assert_error(403);
        }
        assert_eq!(center.head().await, head);

        report(&center.kim, "c1", "hold", kim).await.expect(200);
        let blind = json!({ "kind": "blind", "to": { "user_id": center.lee_id } });
        report(&center.kim, "c1", "transfer", blind.clone()).await.expect(200);
        let head = center.head().await;
        let again = report(&center.kim, "c1", "transfer", blind).await.expect(200);
        assert_eq!((again.data()["legs"].as_array().map(Vec::len), center.head().await), (Some(2), head), "said again");
        // It has gone on to somebody else, and where it only rings nobody can end it.
        report(&center.kim, "c1", "end", json!({})).await.assert_error(409);
        report(&center.lee, "c1", "end", json!({})).await.assert_error(409);
        let elsewhere = json!({ "kind": "redirect", "to": { "queue_id": center.queue } });
        report(&center.kim, "c1", "transfer", elsewhere).await.assert_error(409);
        let said_again = report(&center.kim, "c1", "answer", json!({ "user_id": center.kim_id })).await.expect(200);
        assert_eq!((&said_again.data()["state"], center.head().await), (&json!("ringing"), head), "it rings elsewhere");
        center.kim.patch(&format!("{CALLS}/c1"), json!({ "disposition": "sold" })).await.expect(200);
        report(&center.lee, "c1", "answer", lee).await.expect(200);
        report(&center.lee, "c1", "end", json!({})).await.expect(200);
    }

    async fn who_dials_or_waits_gives_up_and_moves_nothing(server) {
        let center = Center::open(&server).await;
        let place = |id: &str, direction: &str| {
            let queue = (direction == "internal").then_some(&center.queue);
            json!({
                "id": id, "direction": direction, "user_id": center.kim_id, "queue_id": queue,
                "from": { "number": "101" }, "to": { "number": "102" },
            })
        };
        for (id, direction) in [("i1", "internal"), ("o1", "outbound")] {
            center.pbx.post(CALLS, place(id, direction)).await.expect(201);
            let head = center.head().await;
            for to in [json!({ "user_id": center.lee_id }), json!({ "queue_id": center.queue }), json!({ "number": "+4930901820" })] {
                let moved = report(&center.kim, id, "transfer", json!({ "kind": "redirect", "to": to })).await;
                moved.assert_error(409).names("state");
                assert_eq!(moved.body["error"]["code"], "not_in_call", "{}", moved.text);
            }
            assert_eq!(center.head().await, head);
            report(&center.kim, id, "end", json!({})).await.expect(200);
        }
        let given_up = center.call("i1").await;
        assert_eq!((&given_up["outcome"], &given_up["entries"][0]["reason"]), (&json!("abandoned"), &json!("abandoned")));
    }

    async fn an_agent_answers_what_rings_and_nothing_that_has_rung(server) {
        let center = Center::open(&server).await;
        let (kim, lee) = (json!({ "user_id": center.kim_id }), json!({ "user_id": center.lee_id }));
        center.caller("c1").await;
        center.of(&center.kim_id, "c1", "ring").await.expect(200);
        center.report("c1", "miss", json!({ "user_id": center.kim_id, "outcome": "declined" })).await.expect(200);
        center.of(&center.lee_id, "c1", "ring").await.expect(200);
        let head = center.head().await;
        let late = report(&center.kim, "c1", "answer", kim.clone()).await;
        late.assert_error(409).names("state");
        assert_eq!(late.body["error"]["code"], "not_ringing", "{}", late.text);
        let notes = json!({ "disposition": "mine" });
        center.kim.patch(&format!("{CALLS}/c1"), notes.clone()).await.assert_error(403);
        let seen = center.kim.get(&format!("{CALLS}/c1")).await.expect(200);
        assert_eq!(seen.data()["from"]["name"], "***", "{}", seen.text);
        assert_eq!(center.head().await, head);

        for _ in 0..2 {
            report(&center.lee, "c1", "answer", lee.clone()).await.expect(200);
        }
        let redirect = json!({ "kind": "redirect", "to": { "user_id": center.kim_id } });
        report(&center.kim, "c1", "transfer", redirect).await.assert_error(409);
        report(&center.lee, "c1", "end", json!({})).await.expect(200);
        center.kim.patch(&format!("{CALLS}/c1"), notes.clone()).await.assert_error(403);
        center.lee.patch(&format!("{CALLS}/c1"), notes).await.expect(200);
        // A program reports what has happened, whoever was rung.
        center.caller("c2").await;
        center.of(&center.kim_id, "c2", "answer").await.expect(200);
    }

    async fn another_tenants_call_does_not_exist(server) {
        let center = Center::open(&server).await;
        center.with_kim("c1").await;
        let stranger = server.other_tenant("other").await;
        stranger.get(&format!("{CALLS}/c1")).await.assert_error(404);
        report(&stranger, "c1", "end", json!({})).await.assert_error(404);
        assert_eq!(stranger.get(CALLS).await.expect(200).data(), &json!([]));
        let own = json!({ "id": "c1", "direction": "inbound", "from": { "number": "1" }, "to": { "number": "2" } });
        stranger.post(CALLS, own).await.expect(201);
        assert_eq!(center.call("c1").await["state"], "active");
    }
}
