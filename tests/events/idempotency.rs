//! A call that is repeated under its `Idempotency-Key` happens once.

use std::time::Duration;

use futures_util::future::join_all;

use super::{EVENTS, Published, event, log, names, numbers, published};
use crate::harness::http::Request;
use crate::harness::macros::on_both;
use crate::harness::{Client, Server, Value, json};

fn request(client: &Client, key: &str, body: &Value) -> Request {
    client.post(EVENTS, body.clone()).header("idempotency-key", key)
}

async fn publish(client: &Client, key: &str, body: &Value) -> Vec<Published> {
    published(&request(client, key, body).await)
}

async fn writer(server: &Server) -> Client {
    server.program(&server.admin().await, &["events:write"]).await.0
}

/// Calls of both bodies under one key, all at once: one body was first, and its callers have one answer.
async fn race(clients: &[&Client], bodies: [&Value; 2]) -> Vec<Published> {
    let call = async |number: usize| {
        let client = clients[number % clients.len()];
        (number / 2 % 2, request(client, "race", bodies[number / 2 % 2]).await)
    };
    let answers = join_all((0..24).map(call)).await;
    let winner = answers.iter().find(|(_, answer)| answer.status == 202).expect("one was first").0;
    let mut taken = None;
    for (body, answer) in &answers {
        if *body == winner {
            let events = published(answer);
            assert_eq!(*taken.get_or_insert_with(|| events.clone()), events);
        } else {
            answer.assert_error(422).names("Idempotency-Key");
        }
    }
    taken.expect("one was first")
}

on_both! {
    async fn a_repeat_gets_the_first_answer_and_stores_nothing(server) {
        let client = writer(&server).await;
        let (single, batch) = (event("single"), json!([event("a"), event("b"), event("c")]));
        for body in [&single, &batch] {
            let key = body.to_string();
            let first = request(&client, &key, body).await.expect(202);
            crate::events::publish(&client, event("between")).await;
            for _ in 0..3 {
                assert_eq!(request(&client, &key, body).await.expect(202).body, first.body);
            }
        }
        assert_eq!(names(&log(&server).await), ["single", "between", "a", "b", "c", "between"]);
    }

    async fn another_body_under_the_same_key_is_422(server) {
        let client = writer(&server).await;
        let first = publish(&client, "key", &event("first")).await;
        for other in [event("other"), json!([event("first")]), json!([event("first"), event("second")])] {
            request(&client, "key", &other).await.assert_error(422).names("Idempotency-Key");
        }
        assert_eq!(publish(&client, "key", &event("first")).await, first);
        assert_eq!(names(&log(&server).await), ["first"]);
    }

    async fn equal_calls_at_once_store_once(server) {
        let client = writer(&server).await;
        let body = json!([event("a"), event("b")]);
        let call = async |_| publish(&client, "key", &body).await;
        let answers = join_all((0..24).map(call)).await;
        assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
        assert_eq!(names(&log(&server).await), ["a", "b"]);
    }

    async fn of_two_bodies_at_once_one_is_stored(server) {
        let client = writer(&server).await;
        let stored = race(&[&client], [&event("a"), &json!([event("b"), event("b")])]).await;
        assert_eq!(log(&server).await.len(), stored.len());
    }

    async fn many_keys_at_once_do_not_mix(server) {
        let client = writer(&server).await;
        let call = async |number: usize| {
            let name = format!("{}", number % 20);
            (name.clone(), publish(&client, &name, &event(&name)).await)
        };
        let answers = join_all((0..60).map(call)).await;
        let log = log(&server).await;
        assert_eq!(log.len(), 20);
        for (name, events) in answers {
            let stored = log.iter().find(|event| event["payload"]["name"] == name).expect("it is stored");
            assert_eq!((&stored["id"], &stored["seq"]), (&json!(events[0].id), &json!(events[0].seq)));
        }
    }

    async fn another_credentials_equal_key_is_its_own(server) {
        let admin = server.admin().await;
        let (one, other) = (writer(&server).await, writer(&server).await);
        let stranger = server.other_tenant("other").await;
        assert_eq!(numbers(&publish(&one, "key", &event("one")).await), [1]);
        assert_eq!(numbers(&publish(&other, "key", &event("one")).await), [2]);
        assert_eq!(numbers(&publish(&admin, "key", &event("another body")).await), [3]);
        assert_eq!(numbers(&publish(&stranger, "key", &event("one")).await), [1]);
        assert_eq!(numbers(&publish(&one, "key", &event("one")).await), [1]);
        assert_eq!(log(&server).await.len(), 3);
    }

    async fn keys_that_differ_at_all_are_different(server) {
        let client = writer(&server).await;
        for (seq, key) in ["key", "KEY", "key.", "k", &"k".repeat(255)].into_iter().enumerate() {
            assert_eq!(numbers(&publish(&client, key, &event(key)).await), [i64::try_from(seq).unwrap() + 1]);
        }
        for (seq, key) in ["key", "KEY", "key.", "k", &"k".repeat(255)].into_iter().enumerate() {
            assert_eq!(numbers(&publish(&client, key, &event(key)).await), [i64::try_from(seq).unwrap() + 1]);
        }
    }

    async fn a_key_is_free_again_after_24_hours(server) {
        let client = writer(&server).await;
        let first = publish(&client, "key", &event("first")).await;
        server.advance(Duration::from_secs(24 * 3600 - 600)).await;
        assert_eq!(publish(&client, "key", &event("first")).await, first);
        request(&client, "key", &event("second")).await.assert_error(422);
        server.advance(Duration::from_secs(601)).await;
        let second = publish(&client, "key", &event("second")).await;
        assert_eq!(numbers(&second), [2]);
        assert_eq!(publish(&client, "key", &event("second")).await, second);
        assert_eq!(names(&log(&server).await), ["first", "second"]);
    }

    async fn a_repeat_after_a_kill_gets_the_first_answer(server) {
        let client = writer(&server).await;
        let body = json!([event("a"), event("b")]);
        let first = publish(&client, "key", &body).await;
        server.kill_9();
        server.restart().await;
        assert_eq!(publish(&client, "key", &body).await, first);
        request(&client, "key", &event("other")).await.assert_error(422);
        assert_eq!(log(&server).await.len(), 2);
    }

    async fn a_refused_call_does_not_use_up_its_key(server) {
        let client = writer(&server).await;
        let bad = json!([event("good"), { "type": "Bad", "payload": {} }]);
        request(&client, "key", &bad).await.assert_error(422).names("[1].type");
        request(&client, "key", &json!({})).raw("application/json", "{").await.assert_error(400);
        assert_eq!(numbers(&publish(&client, "key", &event("mended")).await), [1]);
    }

    async fn a_key_that_is_none_is_400(server) {
        let client = writer(&server).await;
        for bad in ["", &"k".repeat(256), "schlüssel"] {
            request(&client, bad, &event("refused")).await.assert_error(400);
        }
        assert_eq!(log(&server).await, Vec::<Value>::new());
    }
}

#[tokio::test]
async fn two_servers_know_each_others_keys() {
    let here = Server::builder().mariadb().redis().start().await;
    let there = here.elsewhere().start().await;
    let client = writer(&here).await;
    let elsewhere = there.with_token(client.token());
    let first = publish(&client, "key", &event("first")).await;
    assert_eq!(publish(&elsewhere, "key", &event("first")).await, first);
    request(&elsewhere, "key", &event("other")).await.assert_error(422).names("Idempotency-Key");
    let stored = race(&[&client, &elsewhere], [&event("a"), &json!([event("b"), event("b")])]).await;
    assert_eq!(log(&here).await.len(), 1 + stored.len());
}

// Where neither has Redis, and both take up many keys together, in different orders.
#[tokio::test]
async fn equal_calls_at_two_servers_at_once_store_once() {
    let here = Server::builder().mariadb().start().await;
    let there = here.elsewhere().start().await;
    let client = writer(&here).await;
    let elsewhere = there.with_token(client.token());
    let call = async |number: usize| {
        let (client, at) = if number < 40 { (&client, number) } else { (&elsewhere, 79 - number) };
        let name = (at % 20).to_string();
        (at % 20, publish(client, &name, &event(&name)).await)
    };
    let answers = join_all((0..80).map(call)).await;
    let log = log(&here).await;
    assert_eq!(log.len(), 20);
    for (name, events) in answers {
        let stored = &log[usize::try_from(events[0].seq).unwrap() - 1];
        assert_eq!(stored["payload"]["name"], name.to_string());
        assert_eq!(stored["id"], events[0].id);
    }
}
