//! Listing users, and what another tenant gets to see: nothing.

use super::{everybody, path};
use crate::harness::macros::on_both;
use crate::harness::{Server, json};

on_both! {
    async fn pages_hold_everybody_once(server) {
        let admin = server.admin().await;
        for number in 0..5 {
            server.user(&format!("agent{number}@example.com"), "agent").await;
        }
        let mut seen = Vec::new();
        let mut path = "/api/v1/users?limit=2".to_owned();
        loop {
            let page = admin.get(&path).await.expect(200);
            let users = page.data().as_array().unwrap();
            assert!(users.len() <= 2);
            seen.extend(users.iter().map(|user| user["id"].as_str().unwrap().to_owned()));
            let Some(cursor) = page.body["meta"]["next_cursor"].as_str() else { break };
            path = format!("/api/v1/users?limit=2&cursor={cursor}");
        }
        assert_eq!(seen.len(), 6);
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), 6, "nobody twice");
    }

    async fn a_page_size_or_cursor_that_makes_no_sense_is_refused(server) {
        let admin = server.admin().await;
        for query in ["limit=0", "limit=201", "limit=-1", "limit=many", "limit=", "cursor=nonsense", "cursor=%00"] {
            admin.get(&format!("/api/v1/users?{query}")).await.assert_error(400);
        }
    }

    async fn another_tenants_users_do_not_exist(server) {
        let admin = server.admin().await;
        let other = server.other_tenant("other").await;
        let (_, id) = server.user("kim@example.com", "agent").await;
        let before = everybody(&admin).await.body;

        other.get(&path(&id)).await.assert_error(404);
        other.patch(&path(&id), json!({ "name": "Mine" })).await.assert_error(404);
        other.delete(&path(&id)).await.assert_error(404);
        let unknown = other.get(&path("no-such-user")).await;
        let foreign = other.get(&path(&id)).await;
        assert_eq!(unknown.body["error"], foreign.body["error"], "nothing tells them apart");

        assert!(!everybody(&other).await.text.contains("kim@example.com"));
        assert_eq!(everybody(&admin).await.body, before);
    }

    async fn a_cursor_of_another_tenant_opens_nothing(server) {
        let admin = server.admin().await;
        server.user("kim@example.com", "agent").await;
        let page = admin.get("/api/v1/users?limit=1").await.expect(200);
        let cursor = page.body["meta"]["next_cursor"].as_str().unwrap();
        let other = server.other_tenant("other").await;
        let foreign = other.get(&format!("/api/v1/users?cursor={cursor}")).await;
        assert!(!foreign.text.contains("kim@example.com"), "{}", foreign.text);
    }

    async fn ids_that_are_no_ids_are_not_found(server) {
        let admin = server.admin().await;
        let long = "x".repeat(2000);
        for id in ["%00", "%2e%2e", "'%20OR%201=1", "%F0%9F%92%A9", "%ff", &long] {
            let status = admin.get(&path(id)).await.status;
            assert!(matches!(status, 400 | 404), "{id}: {status}");
        }
    }
}
