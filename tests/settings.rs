//! `/api/v1/settings`

use crate::harness::macros::on_both;
use crate::harness::{Server, Value, json};

const SETTINGS: &str = "/api/v1/settings";

fn defaults() -> Value {
    json!({
        "timezone": "UTC", "disconnect_policy": "two_step", "grace_seconds": 30, "logout_seconds": 300,
        "missed_offers_to_away": 1, "declined_offers_to_away": 3, "wrap_up_max_seconds": 300, "chat_capacity": 3,
        "short_abandon_seconds": 5, "service_level_counts": "answered", "erase_after_days": null,
    })
}

on_both! {
    async fn what_is_set_stays_and_the_rest_is_as_the_product_has_it(server) {
        let admin = server.admin().await;
        assert_eq!(admin.get(SETTINGS).await.expect(200).data(), &defaults());
        let nothing = admin.patch(SETTINGS, json!({})).await.expect(200);
        assert_eq!(nothing.data(), &defaults());
        let all = json!({
            "timezone": "Europe/Berlin", "disconnect_policy": "keep", "grace_seconds": 0, "logout_seconds": 86400,
            "missed_offers_to_away": 0, "declined_offers_to_away": 100, "wrap_up_max_seconds": 7200,
            "chat_capacity": 0, "short_abandon_seconds": 300, "service_level_counts": "answered_or_abandoned",
            "erase_after_days": 3650,
        });
        let answer = admin.patch(SETTINGS, all.clone()).await.expect(200);
        assert_eq!(answer.data(), &all);
        let one = admin.patch(SETTINGS, json!({ "erase_after_days": null })).await.expect(200);
        let mut expected = all;
        expected["erase_after_days"] = Value::Null;
        assert_eq!(one.data(), &expected);
        assert_eq!(admin.get(SETTINGS).await.expect(200).data(), &expected);
        let stranger = server.other_tenant("other").await;
        assert_eq!(stranger.get(SETTINGS).await.expect(200).data(), &defaults());
    }

    async fn bad_values_are_named_and_change_nothing(server) {
        let admin = server.admin().await;
        admin.patch(SETTINGS, json!({ "grace_seconds": 40, "logout_seconds": 50 })).await.expect(200);
        let before = admin.get(SETTINGS).await.expect(200).body;
        for (field, values) in [
            ("timezone", vec![json!("Mars/Olympus"), json!(""), json!("+02:00"), json!("x".repeat(5000)), json!(1)]),
            ("disconnect_policy", vec![json!("drop"), json!(""), json!(true)]),
            ("grace_seconds", vec![json!(-1), json!(3601), json!(51), json!("30"), json!(1.5)]),
            ("logout_seconds", vec![json!(39), json!(86_401), json!(-1)]),
            ("missed_offers_to_away", vec![json!(-1), json!(101)]),
            ("declined_offers_to_away", vec![json!(-1), json!(101)]),
            ("wrap_up_max_seconds", vec![json!(-1), json!(7201), json!(9_999_999_999_999_i64)]),
            ("chat_capacity", vec![json!(-1), json!(101)]),
            ("short_abandon_seconds", vec![json!(-1), json!(301)]),
            ("service_level_counts", vec![json!("abandoned"), json!(""), json!(true)]),
            ("erase_after_days", vec![json!(0), json!(3651), json!("never")]),
            ("surprise", vec![json!(1)]),
        ] {
            let null = (field != "erase_after_days").then_some(Value::Null);
            for value in values.into_iter().chain(null) {
                // What is good beside it is not stored either.
                let mut body = json!({ "chat_capacity": 7 });
                body[field] = value;
                admin.patch(SETTINGS, body).await.assert_error(422).names(field);
            }
        }
        let two = admin.patch(SETTINGS, json!({ "chat_capacity": -1, "timezone": "x" })).await;
        two.assert_error(422).names("chat_capacity").names("timezone");
        assert_eq!(admin.get(SETTINGS).await.expect(200).body, before);
    }

    async fn settings_are_for_admins(server) {
        let admin = server.admin().await;
        let agent = server.user("kim@example.com", "agent").await.0;
        let supervisor = server.user("lee@example.com", "supervisor").await.0;
        let all = ["agents:read", "agents:write", "queues:write", "calls:write", "webhooks:write", "events:write"];
        let program = server.program(&admin, &all).await.0;
        for client in [agent, supervisor, program] {
            client.get(SETTINGS).await.assert_error(403);
            client.patch(SETTINGS, json!({ "chat_capacity": 9 })).await.assert_error(403);
        }
        assert_eq!(admin.get(SETTINGS).await.expect(200).data(), &defaults());
    }

    async fn two_changes_at_the_same_time_both_take_place(server) {
        let admin = server.admin().await;
        for value in 1..6 {
            let (one, two, three) = tokio::join!(
                admin.patch(SETTINGS, json!({ "chat_capacity": value })),
                admin.patch(SETTINGS, json!({ "missed_offers_to_away": value })),
                admin.patch(SETTINGS, json!({ "erase_after_days": value }))
            );
            for answer in [one, two, three] {
                answer.expect(200);
            }
            let now = admin.get(SETTINGS).await.expect(200);
            for field in ["chat_capacity", "missed_offers_to_away", "erase_after_days"] {
                assert_eq!(now.data()[field], value, "{}", now.text);
            }
        }
    }
}
