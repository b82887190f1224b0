//! The command line, beside a running server.

use crate::harness::macros::on_both;
use crate::harness::server::PASSWORD;
use crate::harness::{Server, Value};

on_both! {
    async fn a_tenant_and_its_admin_are_made_on_the_command_line(server) {
        let made = server.cli(&["tenant", "create", "--name", "Acme Inc.", "--id", "acme", "--json"]).await.json();
        assert_eq!(made["id"], "acme");
        assert_eq!(made["name"], "Acme Inc.");
        let arguments = ["admin", "create", "--tenant", "acme", "--email", "boss@acme.example", "--name", "Boss"];
        let arguments = [&arguments[..], &["--password-stdin", "--json"]].concat();
        let made = server.cli_with_input(&arguments, &format!("{PASSWORD}\n")).await.json();
        assert_eq!(made["email"], "boss@acme.example");

        let boss = server.login("boss@acme.example", PASSWORD).await;
        let own = boss.get("/api/v1/auth/me").await.expect(200);
        assert_eq!(own.data()["tenant_id"], "acme");
        assert_eq!(own.data()["role"], "admin");
        assert_eq!(own.data()["name"], "Boss");
        assert_eq!(own.data()["id"], made["id"]);
    }

    async fn a_tenant_without_an_id_gets_one(server) {
        let first = server.cli(&["tenant", "create", "--name", "One", "--json"]).await.json();
        let second = server.cli(&["tenant", "create", "--name", "One", "--json"]).await.json();
        assert_ne!(first["id"], second["id"]);
        assert!(!first["id"].as_str().unwrap().is_empty());
    }

    async fn what_cannot_be_made_is_said_with_exit_code_1(server) {
        server.other_tenant("other").await;
        for (arguments, input) in [
            (vec!["tenant", "create", "--name", "Again", "--id", "other"], ""),
            (vec!["tenant", "create", "--name", ""], ""),
            (vec!["admin", "create", "--tenant", "none", "--email", "a@b.example", "--password-stdin"], PASSWORD),
            (vec!["admin", "create", "--tenant", "other", "--email", "ADMIN@other.example", "--password-stdin"], PASSWORD),
            (vec!["admin", "create", "--tenant", "other", "--email", "nobody", "--password-stdin"], PASSWORD),
            (vec!["admin", "create", "--tenant", "other", "--email", "a@b.example", "--password-stdin"], "short"),
            (vec!["admin", "create", "--tenant", "other", "--email", "a@b.example", "--password-stdin"], ""),
            (vec!["user", "reset-password", "--email", "no@body.example", "--password-stdin"], PASSWORD),
            (vec!["user", "reset-password", "--email", "admin@other.example", "--password-stdin"], "1234567890"),
        ] {
            let ended = server.cli_with_input(&arguments, input).await;
            assert_eq!(ended.code, Some(1), "{arguments:?}: {ended:?}");
            assert_eq!(ended.stderr.trim().lines().count(), 1, "one clear line: {arguments:?}: {ended:?}");
        }
        server.login("admin@other.example", PASSWORD).await;
    }

    async fn a_reset_password_ends_the_users_sessions(server) {
        let (agent, _) = server.user("agent@example.com", "agent").await;
        let arguments = ["user", "reset-password", "--email", "AGENT@example.com", "--password-stdin"];
        let reset = server.cli_with_input(&arguments, "another good password\n").await;
        assert_eq!(reset.code, Some(0), "{reset:?}");
        crate::harness::wait::eventually("the old token to be refused", async || {
            (agent.get("/api/v1/auth/me").await.status == 401).then_some(())
        })
        .await;
        server.try_login("agent@example.com", PASSWORD).await.assert_error(401);
        server.login("agent@example.com", "another good password").await;
    }

    async fn migrate_says_that_nothing_is_left(server) {
        let status = server.cli(&["migrate", "--status"]).await;
        assert_eq!(status.code, Some(0), "{status:?}");
        assert!(status.stdout.contains("030") && status.stdout.contains("031"), "{status:?}");
        let again = server.cli(&["migrate"]).await;
        assert_eq!(again.code, Some(0), "{again:?}");
    }

    async fn a_new_epoch_is_another_one(server) {
        let first = server.cli(&["epoch", "new"]).await;
        let second = server.cli(&["epoch", "new"]).await;
        assert_eq!((first.code, second.code), (Some(0), Some(0)), "{first:?} {second:?}");
        assert_ne!(first.stdout, second.stdout);
    }

    async fn check_goes_through_the_production_checklist(server) {
        let checked = server.cli(&["check", "--json"]).await;
        let items: Value = serde_json::from_str(&checked.stdout).unwrap_or_else(|error| panic!("{error}: {checked:?}"));
        let text = items.to_string();
        // A development server fails what production refuses.
        assert_eq!(checked.code, Some(1), "{checked:?}");
        for word in ["JWT_SECRET", "SERVER_ENV", "fail", "warn"] {
            assert!(text.contains(word), "{word}: {text}");
        }
        let plain = server.cli(&["check"]).await;
        assert_eq!(plain.code, Some(1), "{plain:?}");
    }
}

#[tokio::test]
async fn config_shows_what_is_in_force_with_secrets_masked() {
    let secret = "a secret that nobody may read anywhere";
    let builder =
        Server::builder().mariadb().env("JWT_SECRET", secret).env("REDIS_PASSWORD", "hunter2hunter2");
    let setup = builder.env("METRICS_TOKEN", "hunter3hunter3").prepare().await;
    let shown = setup.run(&["config"], "").await;
    assert_eq!(shown.code, Some(0), "{shown:?}");
    for hidden in [secret, "hunter2", "hunter3", crate::harness::mariadb::PASSWORD] {
        assert!(!shown.stdout.contains(hidden) && !shown.stderr.contains(hidden), "{shown:?}");
    }
    for name in ["SERVER_PORT", "DB_HOST", "DB_PASSWORD", "JWT_SECRET", "WEBHOOK_RETRY_SCHEDULE", "LOG_LEVEL"]
    {
        assert!(shown.stdout.contains(name), "{name}: {shown:?}");
    }
    assert!(shown.stdout.contains(&setup.env["SERVER_PORT"]), "{shown:?}");
}

#[tokio::test]
async fn usage_errors_end_with_2_and_help_with_0() {
    let setup = Server::builder().prepare().await;
    for wrong in [
        &["nonsense"][..],
        &["--nonsense"],
        &["tenant", "create"],
        &["admin"],
        &["config", "extra"],
        &["tenant", "create", "--name", "Bad", "--id", "white space"],
        &["tenant", "create", "--name", "Bad", "--id", &"x".repeat(65)],
    ] {
        assert_eq!(setup.run(wrong, "").await.code, Some(2), "{wrong:?}");
    }
    for right in [&["--help"][..], &["--version"], &["tenant", "create", "--help"], &["check", "--help"]] {
        assert_eq!(setup.run(right, "").await.code, Some(0), "{right:?}");
    }
}

#[tokio::test]
async fn the_webhook_benchmark_measures_a_server_of_its_own() {
    let server = Server::builder().start().await;
    let run = [
        "bench",
        "webhooks",
        "--events",
        "40",
        "--endpoints",
        "1,2",
        "--publishers",
        "4",
        "--rate",
        "0",
        "--json",
    ];
    let report = server.cli(&run).await.json();
    assert_eq!(report["delivered"][0]["endpoints"], 1, "{report}");
    assert_eq!(report["delivered"][1]["endpoints"], 2, "{report}");
    assert_eq!(report["delivered"][1]["duplicates"], 0, "{report}");
    assert!(report["ceiling"]["deliveries_per_second"].as_f64().unwrap() > 0.0, "{report}");
    assert_eq!(report["latency"], Value::Null, "{report}");

    // Beside a running one, which keeps nothing but the events.
    let admin = server.admin().await;
    let url = format!("http://127.0.0.1:{}", server.port);
    let run =
        ["bench", "webhooks", "--url", &url, "--token", admin.token(), "--events", "20", "--endpoints", "1"];
    let printed = server.cli(&[&run[..], &["--rate", "50"]].concat()).await;
    assert!(printed.stdout.contains("server, 1 endpoint") && printed.stdout.contains("p99"), "{printed:?}");
    assert_eq!(admin.get("/api/v1/webhooks").await.expect(200).data().as_array().unwrap().len(), 0);
}
