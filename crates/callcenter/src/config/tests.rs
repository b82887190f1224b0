//! The whole configuration: good defaults, and every bad value found at once.

use super::settings::{Config, LogFormat, LogSettings};
use super::{Problems, Sources};
use api::Origins;
use store::Database;
use webhooks::AllowedNetworks;

fn config(environment: &[(&str, &str)]) -> Result<Config, Problems> {
    Config::read(&Sources::of(environment, ""))
}

#[test]
fn the_defaults_are_good_in_both_modes() {
    let development = config(&[]).unwrap();
    assert_eq!((development.host.as_str(), development.port), ("0.0.0.0", 8000));
    assert_eq!((development.webhook_workers, development.webhook_retry_schedule.len()), (10, 7));
    assert_eq!(development.webhook_allowed_networks, AllowedNetworks::loopback_and_private());
    assert!(development.cors.origins.allow("http://localhost:3000", None));
    assert!(development.redis.is_none() && development.tls.is_none() && !development.test_clock);
    assert_eq!(development.log, LogSettings { level: "info".into(), format: LogFormat::Text });
    let production = config(&[("SERVER_ENV", "production")]).unwrap();
    assert!(production.is_production() && production.webhook_allowed_networks == AllowedNetworks::none());
    assert!(production.cors.origins == Origins::default() && production.log.format == LogFormat::Json);
}

#[test]
fn the_quick_starts_file_is_good() {
    let file = "DB_HOST=localhost\nDB_PORT=3306\nDB_USER=callcenter\nDB_PASSWORD=your-password\nDB_NAME=callcenter\n\
        JWT_SECRET=your-secret-key-change-this-in-production\nSERVER_HOST=0.0.0.0\nSERVER_PORT=8000\n\
        SERVER_ENV=development\nREDIS_HOST=localhost\nREDIS_PORT=6379\nREDIS_PASSWORD=\nREDIS_DB=0\n";
    let config = Config::read(&Sources::of(&[], file)).unwrap();
    assert!(config.redis.is_some_and(|redis| !redis.has_password));
    assert!(matches!(config.database, Database::MySql { .. }));
}

/// A bad value for every variable that can have one.
const BAD: &[(&str, &str)] = &[
    ("SERVER_HOST", "a b"),
    ("SERVER_PORT", "abc"),
    ("SERVER_ENV", "prod"),
    ("DB_HOST", "http://db"),
    ("DB_PORT", "0"),
    ("DB_USER", "a\nb"),
    ("DB_NAME", "a\tb"),
    ("DB_PATH", "data/"),
    ("DB_MAX_CONNECTIONS", "many"),
    ("DB_TLS", "yes"),
    ("JWT_ACCESS_TTL", "1"),
    ("JWT_REFRESH_TTL", "0s"),
    ("REDIS_HOST", "a b"),
    ("REDIS_PORT", "70000"),
    ("REDIS_DB", "-1"),
    ("REDIS_URL", "http://x"),
    ("WEBHOOK_WORKERS", "0"),
    ("WEBHOOK_DISABLE_AFTER", "3 days"),
    ("WEBHOOK_RETRY_SCHEDULE", "5s,,5s"),
    ("WEBHOOK_ALLOWED_NETWORKS", "everything"),
    ("WEBHOOK_LOG_RETENTION", "forever"),
    ("EVENT_RETENTION", "7"),
    ("WS_MAX_CONNECTIONS", "-5"),
    ("WS_MAX_CONNECTIONS_PER_USER", "0"),
    ("CORS_ALLOWED_ORIGINS", "example.com"),
    ("RATE_LIMIT_API", "fast"),
    ("RATE_LIMIT_LOGIN", "10/h"),
    ("CALL_STALE_AFTER", "h"),
    ("TEST_CLOCK", "maybe"),
    ("TEST_WEAK_HASHING", "maybe"),
    ("TLS_CERT_FILE", "only.pem"),
    ("TRUSTED_PROXIES", "proxy"),
    ("METRICS_TOKEN", "two words"),
    ("LOG_LEVEL", "loud"),
    ("LOG_FORMAT", "xml"),
];

#[test]
fn all_problems_are_listed_at_once_one_line_each_with_an_example() {
    let Problems(problems) = config(BAD).err().unwrap();
    let names: Vec<&str> = problems.iter().map(|problem| problem.name.as_str()).collect();
    for (name, value) in BAD.iter().filter(|(name, _)| *name != "TLS_CERT_FILE") {
        assert_eq!(names.iter().filter(|n| *n == name).count(), 1, "{name}={value} in {names:?}");
    }
    assert!(names.contains(&"TLS_KEY_FILE"));
    assert_eq!(problems.len(), BAD.len());
    for problem in &problems {
        let line = problem.to_string();
        assert!(!line.contains('\n') && line.contains("; for example "), "{line}");
    }
    let text = Problems(problems).to_string();
    assert_eq!(text.lines().count(), BAD.len() + 1, "{text}");
}

#[test]
fn a_secret_is_not_repeated_in_its_problem() {
    let problems =
        config(&[("METRICS_TOKEN", "top secret"), ("REDIS_URL", "http://:topsecret@x")]).err().unwrap();
    assert!(!problems.to_string().contains("top"), "{problems}");
}

#[test]
fn unknown_variables_are_ignored() {
    assert!(config(&[("SERVER_COLOUR", "red")]).is_ok());
}
