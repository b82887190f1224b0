//! Making and changing users.

use super::{everybody, path};
use crate::harness::macros::on_both;
use crate::harness::server::{PASSWORD, new_user};
use crate::harness::{Server, json};

on_both! {
    async fn an_admin_makes_a_user_who_can_sign_in(server) {
        let admin = server.admin().await;
        let mut body = new_user("Kim@Example.com", "supervisor");
        body["extension"] = json!("204");
        let made = admin.post("/api/v1/users", body).await.expect(201);
        assert_eq!(made.data()["tenant_id"], "tenant-123");
        assert_eq!(made.data()["name"], "A Name");
        assert_eq!(made.data()["role"], "supervisor");
        assert_eq!(made.data()["extension"], "204");
        assert_eq!(made.data()["is_active"], true);
        assert!(made.data().get("password").is_none() && !made.text.contains("argon2"), "{}", made.text);

        let kim = server.login("kim@example.com", PASSWORD).await;
        let own = kim.get("/api/v1/auth/me").await.expect(200);
        assert_eq!(own.data()["id"], made.data()["id"]);
        assert_eq!(admin.get(&path(made.text_of("id"))).await.expect(200).data(), made.data());
    }

    async fn only_admins_manage_users(server) {
        let (_, id) = server.user("colleague@example.com", "agent").await;
        for role in ["agent", "supervisor"] {
            let (client, own_id) = server.user(&format!("{role}@example.com"), role).await;
            client.get("/api/v1/users").await.assert_error(403);
            client.get(&path(&id)).await.assert_error(403);
            client.post("/api/v1/users", new_user("new@example.com", "agent")).await.assert_error(403);
            client.patch(&path(&own_id), json!({ "role": "admin" })).await.assert_error(403);
            client.delete(&path(&id)).await.assert_error(403);
        }
        server.anonymous().get("/api/v1/users").await.assert_error(401);
        let (supervisor, _) = server.user("former@example.com", "supervisor").await;
        assert_eq!(supervisor.get("/api/v1/auth/me").await.data()["role"], "supervisor");
    }

    async fn an_email_address_is_taken_once_over_all_tenants_and_in_any_case(server) {
        let admin = server.admin().await;
        let other = server.other_tenant("other").await;
        admin.post("/api/v1/users", new_user("kim@example.com", "agent")).await.expect(201);
        for email in ["kim@example.com", "KIM@example.com", "Kim@Example.COM"] {
            admin.post("/api/v1/users", new_user(email, "agent")).await.assert_error(409);
            other.post("/api/v1/users", new_user(email, "agent")).await.assert_error(409);
        }
        assert_eq!(everybody(&admin).await.data().as_array().unwrap().len(), 2);
        assert_eq!(everybody(&other).await.data().as_array().unwrap().len(), 1);
    }

    async fn an_email_address_cannot_be_changed_to_one_that_is_taken(server) {
        let admin = server.admin().await;
        server.user("kim@example.com", "agent").await;
        let (_, id) = server.user("lee@example.com", "agent").await;
        admin.patch(&path(&id), json!({ "email": "KIM@example.com" })).await.assert_error(409);
        admin.patch(&path(&id), json!({ "email": "LEE@example.com" })).await.expect(200);
        admin.patch(&path(&id), json!({ "email": "li@example.com" })).await.expect(200);
        server.login("li@example.com", PASSWORD).await;
    }

    async fn values_out_of_bounds_are_refused_by_name(server) {
        let admin = server.admin().await;
        let before = everybody(&admin).await.body;
        let long = "x".repeat(257);
        for (field, bad) in [
            ("email", json!("")),
            ("email", json!("no address")),
            ("email", json!("two@at@example.com")),
            ("email", json!(format!("{long}@example.com"))),
            ("password", json!("too short")),
            ("password", json!("1234567890")),
            ("password", json!("Password123")),
            ("password", json!(long)),
            ("name", json!("")),
            ("name", json!("a\u{0}b")),
            ("name", json!("n".repeat(5000))),
            ("role", json!("owner")),
            ("role", json!("service")),
            ("extension", json!("e".repeat(5000))),
        ] {
            let mut body = new_user("kim@example.com", "agent");
            body[field] = bad;
            admin.post("/api/v1/users", body).await.assert_error(422).names(field);
        }
        assert_eq!(everybody(&admin).await.body, before);
    }

    async fn all_bad_fields_are_told_at_once(server) {
        let body = json!({ "email": "no address", "password": "short", "name": "", "role": "agent" });
        let answer = server.admin().await.post("/api/v1/users", body).await;
        answer.assert_error(422).names("email").names("password").names("name");
    }

    async fn names_in_any_script_are_kept_as_they_are(server) {
        let admin = server.admin().await;
        for (number, name) in ["Zoë Ø", "Łukasz 김민준", "👩🏽‍💻 Ada", "O'Brien; DROP TABLE users --"].iter().enumerate() {
            let mut body = new_user(&format!("user{number}@example.com"), "agent");
            body["name"] = json!(name);
            let made = admin.post("/api/v1/users", body).await.expect(201);
            assert_eq!(admin.get(&path(made.text_of("id"))).await.data()["name"], *name);
        }
    }

    async fn a_change_of_one_field_leaves_the_others(server) {
        let admin = server.admin().await;
        let (client, id) = server.user("kim@example.com", "agent").await;
        let changed = admin.patch(&path(&id), json!({ "name": "Kim", "role": "supervisor" })).await.expect(200);
        assert_eq!(changed.data()["name"], "Kim");
        assert_eq!(changed.data()["role"], "supervisor");
        assert_eq!(changed.data()["email"], "kim@example.com");
        let own = client.get("/api/v1/auth/me").await.expect(200);
        assert_eq!(own.data()["role"], "supervisor");
    }

    async fn two_requests_for_the_same_address_make_one_user(server) {
        let admin = server.admin().await;
        let attempt = || async { admin.post("/api/v1/users", new_user("kim@example.com", "agent")).await.status };
        let (first, second, third) = tokio::join!(attempt(), attempt(), attempt());
        let mut statuses = [first, second, third];
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 409, 409]);
    }
}
