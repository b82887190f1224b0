//! The checklist on made-up facts.

use super::facts::{Data, Facts};
use super::item::Status;
use super::*;

const GOOD: &[(&str, &str)] = &[
    ("SERVER_ENV", "production"),
    ("JWT_SECRET", "0123456789abcdef0123456789abcdef"),
    ("DB_HOST", "db"),
    ("DB_PASSWORD", "correct horse battery"),
    ("REDIS_URL", "redis-cluster://:pw@a:1,b:1"),
    ("TRUSTED_PROXIES", "10.0.0.0/8"),
    ("METRICS_TOKEN", "token"),
];

const SOUND: Data = Data::Open { schema: Ok(0), admin_is_open: false, flushes_commits: Some(true) };

fn facts(environment: &[(&str, &str)], data: Data) -> Facts {
    let config = Config::read(&Sources::of(environment, "")).unwrap();
    Facts { config, data, tls_problem: None, webhook_ca_problem: None, descriptors: 100_000 }
}

fn standing(facts: &Facts, status: Status) -> Vec<&'static str> {
    checklist(facts).into_iter().filter(|item| item.status == status).map(|item| item.name).collect()
}

fn with(changes: &[(&'static str, &'static str)]) -> Facts {
    facts(&[GOOD, changes].concat(), SOUND)
}

#[test]
fn a_sound_production_is_all_ok() {
    let facts = facts(GOOD, SOUND);
    assert!(standing(&facts, Status::Warn).is_empty(), "{}", to_text(&checklist(&facts)));
    assert!(standing(&facts, Status::Fail).is_empty());
}

#[test]
fn what_production_refuses_fails() {
    let bad = [
        ("JWT_SECRET", "short"),
        ("DB_PASSWORD", "your-password"),
        ("CORS_ALLOWED_ORIGINS", "*"),
        ("TEST_CLOCK", "on"),
        ("TEST_WEAK_HASHING", "on"),
    ];
    assert_eq!(
        standing(&with(&bad), Status::Fail),
        ["jwt_secret", "database_password", "cors", "test_clock", "password_hashing"]
    );
}

#[test]
fn what_works_and_could_bite_is_a_warning() {
    let warned = |name: &'static str, value: &'static str| standing(&with(&[(name, value)]), Status::Warn);
    assert_eq!(warned("SERVER_ENV", "development"), ["server_env", "cors", "logs"]);
    assert_eq!(warned("DB_PASSWORD", "short"), ["database_password"]);
    assert_eq!(warned("REDIS_URL", "redis-cluster://a:1"), ["redis_password"]);
    assert_eq!(warned("REDIS_URL", "redis://:pw@a:1"), ["redis_availability"]);
    assert_eq!(warned("TRUSTED_PROXIES", ""), ["tls"]);
    assert_eq!(warned("WEBHOOK_DISABLE_AFTER", "1h"), ["webhook_retries"]);
    assert_eq!(warned("METRICS_TOKEN", ""), ["monitoring"]);
    assert_eq!(warned("RATE_LIMIT_LOGIN", "off"), ["rate_limiting"]);
    assert_eq!(warned("CORS_ALLOWED_ORIGINS", "http://localhost:*"), ["cors"]);
    assert_eq!(warned("LOG_FORMAT", "text"), ["logs"]);
    assert_eq!(warned("WS_MAX_CONNECTIONS", "200000"), ["descriptors"]);
}

#[test]
fn files_that_cannot_be_used_fail() {
    let mut facts = with(&[("WEBHOOK_CA_FILE", "ca.pem")]);
    assert!(standing(&facts, Status::Fail).is_empty());
    facts.webhook_ca_problem = Some("WEBHOOK_CA_FILE ca.pem cannot be used".into());
    assert_eq!(standing(&facts, Status::Fail), ["webhook_ca"]);
}

#[test]
fn the_database_decides_its_own_items() {
    let unreachable = facts(GOOD, Data::Unreachable("cannot reach it".into()));
    assert_eq!(standing(&unreachable, Status::Fail), ["database"]);
    let bad = Data::Open {
        schema: Err("needs a newer one".into()),
        admin_is_open: true,
        flushes_commits: Some(false),
    };
    let bad = facts(GOOD, bad);
    assert_eq!(standing(&bad, Status::Fail), ["schema", "development_admin"]);
    assert_eq!(standing(&bad, Status::Warn), ["durability"]);
    assert!(standing(&facts(GOOD, Data::Absent), Status::Fail).is_empty());
}

#[test]
fn json_tells_every_item_and_whether_all_is_well() {
    let json = to_json(&checklist(&with(&[("CORS_ALLOWED_ORIGINS", "*")])));
    assert_eq!(json["ok"], false);
    let cors = json["items"].as_array().unwrap().iter().find(|item| item["item"] == "cors").unwrap();
    assert_eq!(cors["status"], "fail");
    assert!(cors["message"].as_str().unwrap().contains("https://app.example.com"));
}

#[test]
fn bad_values_fail_one_by_one() {
    let problems = Config::read(&Sources::of(&[("SERVER_PORT", "x"), ("DB_PORT", "y")], "")).err().unwrap();
    assert!(bad_values(&problems).iter().all(|item| item.status == Status::Fail));
    assert_eq!(bad_values(&problems).len(), 2);
}
