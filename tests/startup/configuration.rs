//! Where the configuration comes from, and what is said about bad values.

use super::assert_refused;
use crate::harness::Server;

#[tokio::test]
async fn all_bad_variables_are_listed_at_once_with_an_example_each() {
    let bad = [
        ("SERVER_PORT", "eighty"),
        ("SERVER_ENV", "staging"),
        ("DB_PORT", "70000"),
        ("DB_MAX_CONNECTIONS", "0"),
        ("DB_TLS", "perhaps"),
        ("JWT_ACCESS_TTL", "500ms"),
        ("JWT_REFRESH_TTL", "-1d"),
        ("REDIS_PORT", "x"),
        ("REDIS_DB", "first"),
        ("REDIS_URL", "http://example.com"),
        ("WEBHOOK_WORKERS", "ten"),
        ("WEBHOOK_DISABLE_AFTER", "72"),
        ("WEBHOOK_RETRY_SCHEDULE", "5s,,5m"),
        ("WEBHOOK_ALLOWED_NETWORKS", "10.0.0.0/99"),
        ("WEBHOOK_LOG_RETENTION", "forever"),
        ("EVENT_RETENTION", "7 days"),
        ("WS_MAX_CONNECTIONS", "many"),
        ("WS_MAX_CONNECTIONS_PER_USER", "-5"),
        ("CORS_ALLOWED_ORIGINS", "not an origin"),
        ("RATE_LIMIT_API", "fast"),
        ("RATE_LIMIT_LOGIN", "10"),
        ("CALL_STALE_AFTER", "12 h"),
        ("TRUSTED_PROXIES", "localhost"),
        ("LOG_LEVEL", "loud"),
        ("LOG_FORMAT", "xml"),
    ];
    let mut builder = Server::builder();
    for (name, value) in bad {
        builder = builder.env(name, value);
    }
    let ended = builder.start_refused().await;
    for (name, value) in bad {
        assert_refused(&ended, &[name]);
        let line = ended
            .stderr
            .lines()
            .find(|line| line.contains(name))
            .unwrap_or_else(|| panic!("{name}: {ended:?}"));
        // An address of Redis may hold a password.
        assert!(name == "REDIS_URL" || line.contains(value), "says what it was given: {line}");
        let rest = line.to_lowercase();
        assert!(
            rest.contains("example") || rest.contains("such as") || rest.contains("e.g."),
            "gives none: {line}"
        );
    }
}

#[tokio::test]
async fn secrets_are_not_repeated_in_complaints() {
    let ended =
        Server::builder().env("REDIS_URL", "redis://:hunter2hunter2@host:nonsense").start_refused().await;
    assert_refused(&ended, &["REDIS_URL"]);
    assert!(!format!("{ended:?}").contains("hunter2"), "{ended:?}");
}

#[tokio::test]
async fn an_empty_variable_counts_as_unset() {
    let server = Server::builder()
        .env("DB_HOST", "")
        .env("REDIS_HOST", "")
        .env("JWT_SECRET", "")
        .env("WEBHOOK_WORKERS", "")
        .start()
        .await;
    assert!(server.logs().iter().any(|line| line.ends_with("Webhook manager started with 10 workers")));
}

#[tokio::test]
async fn the_environment_wins_over_the_file_and_the_file_over_defaults() {
    let mut setup = Server::builder().env("WEBHOOK_WORKERS", "3").prepare().await;
    let file = "# comment\nWEBHOOK_WORKERS=4\nJWT_ACCESS_TTL=5m\nexport LOG_LEVEL=\"debug\"\n";
    std::fs::write(setup.dir.path().join(".env"), file).unwrap();
    let shown = setup.run(&["config"], "").await;
    assert_eq!(shown.code, Some(0), "{shown:?}");
    let line =
        |name: &str| shown.stdout.lines().find(|line| line.starts_with(name)).unwrap_or_default().to_owned();
    assert!(line("WEBHOOK_WORKERS").contains('3'), "{shown:?}");
    assert!(line("JWT_ACCESS_TTL").contains("5m"), "{shown:?}");
    assert!(line("LOG_LEVEL").contains("debug"), "{shown:?}");
    assert!(line("WEBHOOK_RETRY_SCHEDULE").contains("5s,30s,5m,30m,2h,5h,10h"), "{shown:?}");

    std::fs::write(setup.dir.path().join(".env"), "SERVER_PORT=\"eighty\n").unwrap();
    setup.env.remove("SERVER_PORT");
    let shown = setup.run(&["config"], "").await;
    assert_eq!(shown.code, Some(1), "{shown:?}");
    assert!(shown.stderr.contains(".env"), "{shown:?}");
}

#[tokio::test]
async fn json_logs_are_one_object_a_line() {
    let server = Server::builder().env("LOG_FORMAT", "json").start().await;
    server.admin().await;
    for line in server.logs() {
        let parsed: Result<serde_json::Value, _> = serde_json::from_str(&line);
        assert!(parsed.is_ok_and(|value| value.is_object()), "{line}");
    }
}

#[tokio::test]
async fn the_redis_lines_follow_what_is_there() {
    let unreachable = Server::builder().env("REDIS_HOST", "127.0.0.1").env("REDIS_PORT", "1").start().await;
    let lines = unreachable.logs();
    let warning = lines.iter().position(|line| line.contains("Warning: Redis connection failed: "));
    let local = lines.iter().position(|line| line.ends_with("WebSocket Hub started (single-server mode)"));
    assert!(warning.is_some() && warning < local, "{lines:?}");

    let unset = Server::builder().start().await.logs();
    assert!(!unset.iter().any(|line| line.contains("Redis")), "{unset:?}");
    assert!(
        unset.iter().any(|line| line.ends_with("WebSocket Hub started (single-server mode)")),
        "{unset:?}"
    );

    let there = Server::builder().redis().start().await.logs();
    assert!(there.iter().any(|line| line.ends_with("Redis connected successfully")), "{there:?}");
    assert!(
        there.iter().any(|line| line.ends_with("WebSocket PubSubHub started (multi-server mode)")),
        "{there:?}"
    );
}
