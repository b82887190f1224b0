//! `RATE_LIMIT_API`

use std::time::Duration;

use crate::harness::macros::on_both;
use crate::harness::{Client, Server};

const SOME: &str = "/api/v1/agent-state/me";

/// How many of so many requests are let in; those that are not are told when to come back.
async fn let_in(client: &Client, requests: usize) -> usize {
    let mut count = 0;
    for _ in 0..requests {
        let answer = client.get(SOME).await;
        if answer.status == 429 {
            answer.assert_error(429);
            let wait: u64 = answer.header("retry-after").parse().expect("seconds");
            assert!((1..=60).contains(&wait), "{wait}");
        } else {
            answer.expect(200);
            count += 1;
        }
    }
    count
}

on_both! {
    async fn a_user_has_so_many_requests_and_no_more(server, RATE_LIMIT_API = "1/min burst 40") {
        let admin = server.admin().await;
        let (kim, _) = server.user("kim@example.com", "agent").await;
        // One may come back with each minute that passes.
        let first = let_in(&kim, 50).await;
        assert!((40..=42).contains(&first), "{first}");
        let again = server.with_token(kim.token());
        assert!(let_in(&again, 5).await <= 1, "another connection is the same user");
        assert_eq!(let_in(&admin, 20).await, 20, "another user has requests of their own");
        server.advance(Duration::from_secs(180)).await;
        let later = let_in(&kim, 10).await;
        assert!((3..=5).contains(&later), "{later}");
    }

    async fn without_a_token_an_address_has_a_tenth(server, RATE_LIMIT_API = "1/min burst 40") {
        let mut refused = 0;
        for _ in 0..20 {
            let answer = server.anonymous().get(SOME).await;
            assert!(matches!(answer.status, 401 | 429), "{}", answer.text);
            refused += usize::from(answer.status == 429);
        }
        assert!((15..=16).contains(&refused), "{refused}");
    }
}
