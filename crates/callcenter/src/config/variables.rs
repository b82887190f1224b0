//! The table of variables: what `callcenter config` prints, what `.env.example` lists and what the defaults are.

/// A variable's value when nobody sets it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Default {
    /// There is none.
    Unset,
    /// This text.
    Fixed(&'static str),
    /// These texts; empty for none.
    ByMode {
        /// In development.
        development: &'static str,
        /// In production.
        production: &'static str,
    },
}

/// How much of a value may be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Secrecy {
    /// All of it.
    Public,
    /// Nothing.
    Secret,
    /// All but the password of the URL that it is.
    SecretInUrl,
}

/// One variable.
#[derive(Debug)]
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// Its value when unset.
    pub default: Default,
    /// A good value, for error messages.
    pub example: &'static str,
    /// What it means, in one line.
    pub meaning: &'static str,
    /// Whether it may be shown.
    pub secrecy: Secrecy,
}

const fn public(name: &'static str, default: &'static str, meaning: &'static str) -> Variable {
    Variable { name, default: Default::Fixed(default), example: default, meaning, secrecy: Secrecy::Public }
}

const fn unset(name: &'static str, example: &'static str, meaning: &'static str) -> Variable {
    Variable { name, default: Default::Unset, example, meaning, secrecy: Secrecy::Public }
}

const fn secret(name: &'static str, example: &'static str, meaning: &'static str) -> Variable {
    Variable { name, default: Default::Unset, example, meaning, secrecy: Secrecy::Secret }
}

const fn by_mode(
    name: &'static str,
    (development, production): (&'static str, &'static str),
    example: &'static str,
    meaning: &'static str,
) -> Variable {
    let default = Default::ByMode { development, production };
    Variable { name, default, example, meaning, secrecy: Secrecy::Public }
}

/// Where webhook endpoints may be in development although nobody else can reach them: loopback and private networks.
const LOOPBACK_AND_PRIVATE: &str = "127.0.0.0/8,::1/128,10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,fc00::/7";
const LOCAL_ORIGINS: &str = "http://localhost:*,http://127.0.0.1:*";

/// Every variable, in the order of the documentation.
pub const VARIABLES: &[Variable] = &[
    public("SERVER_HOST", "0.0.0.0", "The address to listen on."),
    public("SERVER_PORT", "8000", "The port to listen on."),
    public("SERVER_ENV", "development", "development or production; production refuses unsafe settings."),
    unset(
        "DB_HOST",
        "localhost",
        "MySQL 8 or MariaDB 10.6+; unset: the embedded SQLite database at DB_PATH.",
    ),
    public("DB_PORT", "3306", "The port of MySQL."),
    public("DB_USER", "callcenter", "The account on MySQL."),
    secret("DB_PASSWORD", "a-strong-password", "Its password."),
    public("DB_NAME", "callcenter", "The database on MySQL."),
    public("DB_PATH", "data/callcenter.db", "The SQLite file, used without DB_HOST; its folder is made."),
    public("DB_MAX_CONNECTIONS", "20", "Connections to MySQL at most."),
    public("DB_TLS", "preferred", "Encryption to MySQL: disabled, preferred or required."),
    secret(
        "JWT_SECRET",
        "the output of: openssl rand -base64 48",
        "Signs tokens; 32 bytes or more. Production needs it, development makes one once and keeps it.",
    ),
    public("JWT_ACCESS_TTL", "1h", "How long an access token is good, 1s or more: 30s, 5m, 2h, 7d."),
    public("JWT_REFRESH_TTL", "30d", "How long a refresh token is good."),
    unset("REDIS_HOST", "localhost", "Redis, which joins several servers; unset: single-server mode."),
    public("REDIS_PORT", "6379", "The port of Redis."),
    secret("REDIS_PASSWORD", "a-strong-password", "The password of Redis."),
    public("REDIS_DB", "0", "The number of the database on Redis."),
    Variable {
        name: "REDIS_URL",
        default: Default::Unset,
        example: "redis://:password@localhost:6379/0",
        meaning: "Instead of the four: redis://, rediss://, redis-cluster://h:p,h:p or redis-sentinel://h:p,h:p/master-name.",
        secrecy: Secrecy::SecretInUrl,
    },
    public("WEBHOOK_WORKERS", "10", "Sender tasks of webhooks; not a limit on deliveries in flight."),
    public("WEBHOOK_DISABLE_AFTER", "72h", "A webhook without success for this long is switched off."),
    public(
        "WEBHOOK_RETRY_SCHEDULE",
        "5s,30s,5m,30m,2h,5h,10h",
        "The delay before each retry, give or take 20 %; the last one repeats.",
    ),
    by_mode(
        "WEBHOOK_ALLOWED_NETWORKS",
        (LOOPBACK_AND_PRIVATE, "none"),
        "10.0.0.0/8,192.168.7.0/24",
        "Networks that webhooks may reach although not public, or none. In production the default is none.",
    ),
    unset(
        "WEBHOOK_CA_FILE",
        "/etc/callcenter/internal-ca.pem",
        "Certificate authorities that endpoints of webhooks may have beside the public ones, PEM; read at the start.",
    ),
    public("WEBHOOK_LOG_RETENTION", "30d", "How long finished deliveries and their statistics are kept."),
    public(
        "EVENT_RETENTION",
        "7d",
        "How long events are kept, to be read and sent again; what is pending stays.",
    ),
    public(
        "WS_MAX_CONNECTIONS",
        "50000",
        "WebSockets of this server at most; cut to the descriptor limit less 512.",
    ),
    public("WS_MAX_CONNECTIONS_PER_USER", "50", "WebSockets of one user at most."),
    by_mode(
        "CORS_ALLOWED_ORIGINS",
        (LOCAL_ORIGINS, ""),
        "https://app.example.com,http://localhost:*",
        "Web origins that may call the API and open WebSockets. In production the default is the same origin only.",
    ),
    public(
        "RATE_LIMIT_API",
        "1000/s burst 2000",
        "Requests per user or API key, a tenth of it per address without one: N/s or N/min, with burst M, or off.",
    ),
    public(
        "RATE_LIMIT_LOGIN",
        "10/min",
        "Failed log-ins per account and address; ten times as many per address.",
    ),
    public("CALL_STALE_AFTER", "12h", "A call that nobody reports on for this long ends as failed."),
    unset("TEST_CLOCK", "on", "Development only: on lets tests move the product's clock."),
    unset(
        "TEST_WEAK_HASHING",
        "on",
        "Development only: on hashes passwords weakly and quickly, for tests that sign in often.",
    ),
    unset(
        "TLS_CERT_FILE",
        "/etc/callcenter/tls/fullchain.pem",
        "HTTPS in this process: the certificate chain, PEM.",
    ),
    unset(
        "TLS_KEY_FILE",
        "/etc/callcenter/tls/privkey.pem",
        "Its private key, PEM. Both are read again when they change.",
    ),
    unset("TRUSTED_PROXIES", "10.0.0.0/8,::1", "Networks whose X-Forwarded-For and Forwarded headers count."),
    secret(
        "METRICS_TOKEN",
        "a-long-random-word",
        "The bearer token of GET /metrics; without it production serves metrics to loopback only.",
    ),
    public("LOG_LEVEL", "info", "off, error, warn, info, debug or trace; or targets: info,webhooks=debug."),
    by_mode("LOG_FORMAT", ("text", "json"), "json", "text or json. In production the default is json."),
];

/// The variable of that name.
pub fn find(name: &str) -> Option<&'static Variable> {
    VARIABLES.iter().find(|variable| variable.name == name)
}

impl Variable {
    /// Its value when nobody sets it; `None` for none.
    pub fn default_in(&self, production: bool) -> Option<&'static str> {
        let text = match self.default {
            Default::Unset => "",
            Default::Fixed(text) => text,
            Default::ByMode { development, production: in_production } => {
                if production {
                    in_production
                } else {
                    development
                }
            }
        };
        (!text.is_empty()).then_some(text)
    }
}
