//! The items that the configuration decides.

use super::facts::Facts;
use super::item::Item;
use crate::config::{Config, Cors, LogFormat, Topology, refusals};
use model::duration::format;
use std::time::Duration;
use store::Database;

/// Up to this length a password of the database can be guessed.
const SHORT_PASSWORD: usize = 12;

/// In the order of the quick start's checklist.
pub fn items(facts: &Facts) -> Vec<Item> {
    let config = &facts.config;
    vec![
        refused_or(config, "JWT_SECRET", "jwt_secret", || {
            Item::ok("jwt_secret", "JWT_SECRET is set and long enough.")
        }),
        server_env(config),
        refused_or(config, "DB_PASSWORD", "database_password", || database_password(&config.database)),
        redis_password(config),
        tls(facts),
        redis_availability(config),
        webhook_retries(config),
        webhook_ca(facts),
        monitoring(config),
        rate_limits(config),
        refused_or(config, "CORS_ALLOWED_ORIGINS", "cors", || cors(&config.cors)),
        logs(config),
        refused_or(config, "TEST_CLOCK", "test_clock", || Item::ok("test_clock", "TEST_CLOCK is not set.")),
        refused_or(config, "TEST_WEAK_HASHING", "password_hashing", || {
            Item::ok("password_hashing", "Passwords are hashed with argon2id, 19 MiB, two passes.")
        }),
        descriptors(facts),
    ]
}

/// What production refuses fails; what it accepts is judged further.
fn refused_or(config: &Config, variable: &str, name: &'static str, judge: impl FnOnce() -> Item) -> Item {
    match refusals(config).into_iter().find(|(refused, _)| *refused == variable) {
        Some((variable, reason)) => Item::fail(name, format!("{variable} {reason}.")),
        None => judge(),
    }
}

fn server_env(config: &Config) -> Item {
    Item::ok_or_warn(
        config.is_production(),
        "server_env",
        "SERVER_ENV is production.",
        "SERVER_ENV is development: set SERVER_ENV=production, which refuses unsafe settings and makes no test accounts.",
    )
}

fn database_password(database: &Database) -> Item {
    const NAME: &str = "database_password";
    match database {
        Database::Sqlite(path) => Item::ok(
            NAME,
            format!("The embedded database has none: who can read {} reads it all.", path.display()),
        ),
        Database::MySql { password, .. } if password.is_empty() => {
            Item::warn(NAME, "DB_PASSWORD is empty: give the account a password.")
        }
        Database::MySql { password, .. } => Item::ok_or_warn(
            password.chars().count() >= SHORT_PASSWORD,
            NAME,
            "DB_PASSWORD is set.",
            "DB_PASSWORD is short: give the account one of 12 characters or more.",
        ),
    }
}

fn redis_password(config: &Config) -> Item {
    const NAME: &str = "redis_password";
    match &config.redis {
        None => Item::ok(NAME, "Redis is not configured."),
        Some(redis) => Item::ok_or_warn(
            redis.has_password,
            NAME,
            "Redis has a password.",
            "Redis is used without a password: set requirepass there, and REDIS_PASSWORD or REDIS_URL here.",
        ),
    }
}

fn tls(facts: &Facts) -> Item {
    const NAME: &str = "tls";
    match (&facts.config.tls, &facts.tls_problem) {
        (Some(_), Some(problem)) => Item::fail(NAME, format!("{problem}.")),
        (Some(_), None) => Item::ok(NAME, "This server speaks HTTPS and wss:// itself."),
        (None, _) => Item::ok_or_warn(
            !facts.config.trusted_proxies.0.is_empty(),
            NAME,
            "TRUSTED_PROXIES is set: make sure that those proxies speak HTTPS and wss:// to the outside.",
            "Connections are not encrypted: set TLS_CERT_FILE and TLS_KEY_FILE, or put a proxy with HTTPS in front and name it in TRUSTED_PROXIES.",
        ),
    }
}

fn redis_availability(config: &Config) -> Item {
    const NAME: &str = "redis_availability";
    match config.redis.as_ref().map(|redis| redis.topology) {
        Some(Topology::Cluster | Topology::Sentinel) => {
            Item::ok(NAME, "Redis outlives the loss of a server.")
        }
        Some(Topology::Single) => Item::warn(
            NAME,
            "Redis is one server; nothing is lost without it, but servers hear of one another later: use redis-cluster:// or redis-sentinel:// in REDIS_URL.",
        ),
        None => Item::warn(
            NAME,
            "Redis is not configured: fine for one server; set REDIS_HOST or REDIS_URL before adding a second.",
        ),
    }
}

fn webhook_retries(config: &Config) -> Item {
    let total: Duration = config.webhook_retry_schedule.iter().sum();
    let (retries, span) = (config.webhook_retry_schedule.len(), rounded(total));
    let off_after = format(config.webhook_disable_after);
    Item::ok_or_warn(
        total <= config.webhook_disable_after,
        "webhook_retries",
        format!("{retries} retries take {span}; a webhook without success for {off_after} is switched off."),
        format!(
            "{retries} retries take {span}, but a webhook is switched off after {off_after} without success: shorten WEBHOOK_RETRY_SCHEDULE or lengthen WEBHOOK_DISABLE_AFTER."
        ),
    )
}

fn webhook_ca(facts: &Facts) -> Item {
    const NAME: &str = "webhook_ca";
    match (&facts.config.webhook_ca_file, &facts.webhook_ca_problem) {
        (_, Some(problem)) => Item::fail(NAME, format!("{problem}.")),
        (None, None) => Item::ok(NAME, "Endpoints of webhooks need a certificate of a public authority."),
        (Some(file), None) => Item::ok(
            NAME,
            format!(
                "Endpoints of webhooks need a certificate of a public authority, or of one in {}.",
                file.display()
            ),
        ),
    }
}

/// In minutes once it is that long.
fn rounded(duration: Duration) -> String {
    let minutes = duration.as_secs() / 60;
    match (minutes / 60, minutes % 60) {
        (0, 0) => format(duration),
        (0, minutes) => format!("{minutes}m"),
        (hours, minutes) => format!("{hours}h {minutes}m"),
    }
}

fn monitoring(config: &Config) -> Item {
    Item::ok_or_warn(
        config.metrics_token.is_some(),
        "monitoring",
        "METRICS_TOKEN is set: let Prometheus read GET /metrics with it and alert on failing webhooks.",
        "METRICS_TOKEN is not set, so that only this machine can read GET /metrics: set it, and alert on failing webhooks.",
    )
}

fn rate_limits(config: &Config) -> Item {
    let off: Vec<&str> =
        [("RATE_LIMIT_API", config.rate_limit_api), ("RATE_LIMIT_LOGIN", config.rate_limit_login)]
            .into_iter()
            .filter_map(|(name, limit)| limit.is_none().then_some(name))
            .collect();
    Item::ok_or_warn(
        off.is_empty(),
        "rate_limiting",
        "Requests and failed log-ins are limited.",
        format!("{} is off: unset it to have the default.", off.join(" and ")),
    )
}

fn cors(cors: &Cors) -> Item {
    const NAME: &str = "cors";
    Item::ok_or_warn(
        !cors.some_without_https,
        NAME,
        "Only pages of the server's own and the listed origins may call.",
        "CORS_ALLOWED_ORIGINS lists origins without HTTPS: list those of your web pages, such as https://app.example.com.",
    )
}

fn logs(config: &Config) -> Item {
    Item::ok_or_warn(
        config.log.format == LogFormat::Json,
        "logs",
        "Logs are JSON on standard output, ready to be collected.",
        "Logs are text: set LOG_FORMAT=json and collect standard output.",
    )
}

fn descriptors(facts: &Facts) -> Item {
    let wanted = facts.config.ws_max_connections;
    let possible = crate::descriptors::Limits::under(facts.descriptors, wanted).websockets;
    Item::ok_or_warn(
        possible >= wanted,
        "descriptors",
        format!("The descriptor limit leaves room for {wanted} WebSockets."),
        format!(
            "The descriptor limit of {} leaves room for {possible} WebSockets, not {wanted}: raise it (ulimit -n, LimitNOFILE) or lower WS_MAX_CONNECTIONS.",
            facts.descriptors
        ),
    )
}
