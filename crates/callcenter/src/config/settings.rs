//! The typed configuration, put together from checked values.

use super::problem::Problems;
use super::reader::Reader;
use super::values::{duration, host, log_level, number, schedule, seconds_or_more, switch, token, word};
use super::{Redis, Sources, database, networks, rates, redis};
use api::{Origins, TrustedProxies};
use app::passwords::Hashing;
use app::rate_limit::Limit;
use std::path::PathBuf;
use std::time::Duration;
use store::Database;
use webhooks::AllowedNetworks;

/// Whether this is for trying out or for real.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Starts with a tenant and an admin, and with settings that need no thought.
    Development,
    /// Refuses what is unsafe.
    Production,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// What is logged, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogSettings {
    /// A level, or directives.
    pub level: String,
    /// The form.
    pub format: LogFormat,
}

/// Which web pages may call.
#[derive(Debug, Clone, Default)]
pub struct Cors {
    /// The origins; none: only the server's own.
    pub origins: Origins,
    /// Whether some of them come without encryption.
    pub some_without_https: bool,
}

/// The files of HTTPS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate chain, PEM.
    pub certificate: PathBuf,
    /// The private key, PEM.
    pub key: PathBuf,
}

/// Everything that can be configured.
#[derive(Clone)]
pub struct Config {
    /// `SERVER_HOST`.
    pub host: String,
    /// `SERVER_PORT`.
    pub port: u16,
    /// `SERVER_ENV`.
    pub mode: Mode,
    /// The `DB_` variables.
    pub database: Database,
    /// `DB_PASSWORD` as it was given, also where no server is configured to use it.
    pub db_password: Option<String>,
    /// `JWT_SECRET`.
    pub jwt_secret: Option<String>,
    /// `JWT_ACCESS_TTL`.
    pub access_ttl: Duration,
    /// `JWT_REFRESH_TTL`.
    pub refresh_ttl: Duration,
    /// The `REDIS_` variables.
    pub redis: Option<Redis>,
    /// `WEBHOOK_WORKERS`.
    pub webhook_workers: usize,
    /// `WEBHOOK_DISABLE_AFTER`.
    pub webhook_disable_after: Duration,
    /// `WEBHOOK_RETRY_SCHEDULE`; never empty.
    pub webhook_retry_schedule: Vec<Duration>,
    /// `WEBHOOK_ALLOWED_NETWORKS`.
    pub webhook_allowed_networks: AllowedNetworks,
    /// `WEBHOOK_CA_FILE`.
    pub webhook_ca_file: Option<PathBuf>,
    /// `WEBHOOK_LOG_RETENTION`.
    pub webhook_log_retention: Duration,
    /// `EVENT_RETENTION`.
    pub event_retention: Duration,
    /// `WS_MAX_CONNECTIONS`, before it is cut to the descriptor limit.
    pub ws_max_connections: usize,
    /// `WS_MAX_CONNECTIONS_PER_USER`.
    pub ws_max_connections_per_user: usize,
    /// `CORS_ALLOWED_ORIGINS`.
    pub cors: Cors,
    /// `RATE_LIMIT_API`.
    pub rate_limit_api: Option<Limit>,
    /// `RATE_LIMIT_LOGIN`.
    pub rate_limit_login: Option<Limit>,
    /// `CALL_STALE_AFTER`.
    pub call_stale_after: Duration,
    /// `TEST_CLOCK`.
    pub test_clock: bool,
    /// `TEST_WEAK_HASHING`.
    pub test_weak_hashing: bool,
    /// `TLS_CERT_FILE` and `TLS_KEY_FILE`.
    pub tls: Option<TlsFiles>,
    /// `TRUSTED_PROXIES`.
    pub trusted_proxies: TrustedProxies,
    /// `METRICS_TOKEN`.
    pub metrics_token: Option<String>,
    /// `LOG_LEVEL` and `LOG_FORMAT`.
    pub log: LogSettings,
}

const MODES: &[(&str, Mode)] = &[("development", Mode::Development), ("production", Mode::Production)];
const FORMATS: &[(&str, LogFormat)] = &[("text", LogFormat::Text), ("json", LogFormat::Json)];

impl Config {
    /// Checks all values and gives them, or all that is wrong with them.
    pub fn read(sources: &Sources) -> Result<Self, Problems> {
        let mut reader = Reader::new(sources);
        let config = read(&mut reader);
        config.filter(|_| reader.problems.is_empty()).ok_or(Problems(reader.problems))
    }

    /// Whether this is production.
    #[must_use]
    pub fn is_production(&self) -> bool {
        self.mode == Mode::Production
    }

    /// How passwords are hashed.
    #[must_use]
    pub fn hashing(&self) -> Hashing {
        if self.test_weak_hashing { Hashing::weak() } else { Hashing::default() }
    }
}

/// Every variable is read before the first missing one ends it, so that all problems are found.
fn read(r: &mut Reader<'_>) -> Option<Config> {
    let host = r.required("SERVER_HOST", host);
    let port = r.required("SERVER_PORT", number(1..=65_535));
    let mode = r.required("SERVER_ENV", word(MODES));
    let database = database::read(r);
    let access_ttl = r.required("JWT_ACCESS_TTL", seconds_or_more);
    let refresh_ttl = r.required("JWT_REFRESH_TTL", duration);
    let redis = redis::read(r);
    let webhook_workers = r.required("WEBHOOK_WORKERS", number(1..=10_000));
    let webhook_disable_after = r.required("WEBHOOK_DISABLE_AFTER", duration);
    let webhook_retry_schedule = r.required("WEBHOOK_RETRY_SCHEDULE", schedule);
    let webhook_allowed_networks = r.required("WEBHOOK_ALLOWED_NETWORKS", allowed_networks);
    let webhook_log_retention = r.required("WEBHOOK_LOG_RETENTION", duration);
    let event_retention = r.required("EVENT_RETENTION", duration);
    let ws_max_connections = r.required("WS_MAX_CONNECTIONS", number(1..=10_000_000));
    let ws_max_connections_per_user = r.required("WS_MAX_CONNECTIONS_PER_USER", number(1..=10_000_000));
    let cors = r.optional("CORS_ALLOWED_ORIGINS", cors);
    let rate_limit_api = r.required("RATE_LIMIT_API", rates::parse);
    let rate_limit_login = r.required("RATE_LIMIT_LOGIN", rates::parse);
    let call_stale_after = r.required("CALL_STALE_AFTER", duration);
    let test_clock = r.optional("TEST_CLOCK", switch);
    let test_weak_hashing = r.optional("TEST_WEAK_HASHING", switch);
    let tls = tls_files(r);
    let trusted_proxies = r.optional("TRUSTED_PROXIES", networks::parse);
    let metrics_token = r.optional("METRICS_TOKEN", token);
    let level = r.required("LOG_LEVEL", log_level);
    let format = r.required("LOG_FORMAT", word(FORMATS));
    Some(Config {
        host: host?,
        port: port?,
        mode: mode?,
        database: database?,
        db_password: r.text("DB_PASSWORD").map(ToOwned::to_owned),
        jwt_secret: r.text("JWT_SECRET").map(ToOwned::to_owned),
        access_ttl: access_ttl?,
        refresh_ttl: refresh_ttl?,
        redis: redis?,
        webhook_workers: webhook_workers?,
        webhook_disable_after: webhook_disable_after?,
        webhook_retry_schedule: webhook_retry_schedule?,
        webhook_allowed_networks: webhook_allowed_networks?,
        webhook_ca_file: r.text("WEBHOOK_CA_FILE").map(PathBuf::from),
        webhook_log_retention: webhook_log_retention?,
        event_retention: event_retention?,
        ws_max_connections: ws_max_connections?,
        ws_max_connections_per_user: ws_max_connections_per_user?,
        cors: cors?.unwrap_or_default(),
        rate_limit_api: rate_limit_api?,
        rate_limit_login: rate_limit_login?,
        call_stale_after: call_stale_after?,
        test_clock: test_clock?.unwrap_or(false),
        test_weak_hashing: test_weak_hashing?.unwrap_or(false),
        tls: tls?,
        trusted_proxies: TrustedProxies(trusted_proxies?.unwrap_or_default()),
        metrics_token: metrics_token?,
        log: LogSettings { level: level?, format: format? },
    })
}

fn allowed_networks(text: &str) -> Result<AllowedNetworks, &'static str> {
    AllowedNetworks::parse(text)
        .map_err(|_| "must be networks such as 10.0.0.0/8, separated by commas, or none")
}

fn cors(text: &str) -> Result<Cors, api::InvalidOrigin> {
    let some_without_https = text.split(',').any(|origin| origin.trim().starts_with("http://"));
    Ok(Cors { origins: Origins::parse(text)?, some_without_https })
}

fn tls_files(r: &mut Reader<'_>) -> Option<Option<TlsFiles>> {
    match (r.text("TLS_CERT_FILE"), r.text("TLS_KEY_FILE")) {
        (None, None) => Some(None),
        (Some(certificate), Some(key)) => {
            Some(Some(TlsFiles { certificate: certificate.into(), key: key.into() }))
        }
        (Some(_), None) => {
            r.problem("TLS_KEY_FILE", "must be set together with TLS_CERT_FILE");
            None
        }
        (None, Some(_)) => {
            r.problem("TLS_CERT_FILE", "must be set together with TLS_KEY_FILE");
            None
        }
    }
}
