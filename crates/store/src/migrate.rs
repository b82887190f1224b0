//! Applies `migrations/NNN_*.sql`, embedded here, under a lock, each once. The same files run by hand through the
//! database's own client, any number of times.

use crate::{Conn, Error, Result, Store, on};
use sqlx::{Executor, Row};

struct Migration {
    number: i64,
    name: &'static str,
    mysql: &'static str,
    sqlite: &'static str,
}

macro_rules! migrations {
    ($($number:literal $name:literal),+ $(,)?) => {
        &[$(Migration {
            number: $number,
            name: $name,
            mysql: include_str!(concat!("../../../migrations/", $name, ".sql")),
            sqlite: include_str!(concat!("../../../migrations/sqlite/", $name, ".sql")),
        }),+]
    };
}

const MIGRATIONS: &[Migration] = migrations![
    1 "001_create_tenants_table",
    2 "002_create_servers_table",
    3 "003_create_tenant_settings_table",
    10 "010_create_users_table",
    11 "011_create_sessions_table",
    12 "012_create_api_keys_table",
    13 "013_create_ws_tickets_table",
    14 "014_create_user_connections_table",
    15 "015_create_presence_edges_table",
    20 "020_create_events_table",
    21 "021_create_agent_states_table",
    22 "022_create_idempotency_keys_table",
    23 "023_create_queues_table",
    24 "024_create_calls_table",
    25 "025_create_queue_figures_table",
    26 "026_create_agent_days_table",
    30 "030_create_webhooks_table",
    31 "031_create_webhook_logs_table",
    32 "032_create_webhook_attempts_table",
    33 "033_create_webhook_replays_table",
    34 "034_create_webhook_lanes_table",
    36 "036_create_webhook_failures_table",
    37 "037_create_webhook_blocks_table",
];

/// The table of applied migrations. A migration that older servers cannot live with raises `oldest_server` to the
/// newest number that they must know.
const CREATE_TABLE: &str = "CREATE TABLE IF NOT EXISTS schema_migrations (
  number BIGINT NOT NULL PRIMARY KEY, name VARCHAR(200) NOT NULL, oldest_server BIGINT NOT NULL DEFAULT 0)";

/// One migration, and whether the database has it.
#[derive(Debug, Clone)]
pub struct MigrationStatus {
    /// File name without ending.
    pub name: &'static str,
    /// Whether it was applied.
    pub applied: bool,
}

/// Brings the schema up to date. Servers that start together take turns.
pub async fn migrate(store: &Store) -> Result<()> {
    if store.is_mysql() { migrate_mysql(store).await } else { migrate_sqlite(store).await }
}

async fn migrate_sqlite(store: &Store) -> Result<()> {
    let mut tx = store.begin().await?;
    apply_missing(tx.conn()).await?;
    tx.commit().await
}

/// MySQL commits at every statement that defines data, so a named lock stands in for the transaction.
async fn migrate_mysql(store: &Store) -> Result<()> {
    let mut session = store.read().await?;
    let lock = "SELECT GET_LOCK(CONCAT('callcenter.migrate.', DATABASE()), 4)";
    for _ in 0..15 {
        let got: Option<i64> = on!(session.conn(), c => sqlx::query_scalar(lock).fetch_one(c).await)?;
        if got == Some(1) {
            let applied = apply_missing(session.conn()).await;
            let release = "SELECT RELEASE_LOCK(CONCAT('callcenter.migrate.', DATABASE()))";
            on!(session.conn(), c => c.execute(release).await.map(|_| ()))?;
            return applied;
        }
    }
    Err(Error::Unavailable("another server has been migrating the schema for a minute".into()))
}

async fn apply_missing(mut conn: Conn<'_>) -> Result<()> {
    on!(conn.again(), c => c.execute(CREATE_TABLE).await.map(|_| ()))?;
    let applied = applied_numbers(conn.again()).await?;
    for migration in MIGRATIONS.iter().filter(|migration| !applied.contains(&migration.number)) {
        let sql = if conn.is_mysql() { migration.mysql } else { migration.sqlite };
        on!(conn.again(), c => c.execute(sql).await.map(|_| ()))?;
        on!(conn.again(), c => sqlx::query("INSERT INTO schema_migrations (number, name) VALUES (?, ?)")
            .bind(migration.number).bind(migration.name).execute(c).await.map(|_| ()))?;
    }
    Ok(())
}

async fn applied_numbers(mut conn: Conn<'_>) -> Result<Vec<i64>> {
    let newest_known = MIGRATIONS.iter().map(|migration| migration.number).max().unwrap_or_default();
    let rows: Vec<(i64, i64)> = on!(conn.again(), c => sqlx::query("SELECT number, oldest_server FROM schema_migrations")
        .fetch_all(c).await
        .and_then(|rows| rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()))?;
    if rows.iter().any(|(_, oldest_server)| *oldest_server > newest_known) {
        return Err(Error::Schema(
            "the database's schema needs a newer callcenter than this one: upgrade it".into(),
        ));
    }
    Ok(rows.into_iter().map(|(number, _)| number).collect())
}

/// Every migration with its state; all open on an empty database.
pub async fn migration_status(store: &Store) -> Result<Vec<MigrationStatus>> {
    let mut session = store.read().await?;
    let exists = if store.is_mysql() {
        "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = 'schema_migrations'"
    } else {
        "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = 'schema_migrations'"
    };
    let count: i64 = on!(session.conn(), c => sqlx::query_scalar(exists).fetch_one(c).await)?;
    let applied = if count == 0 { Vec::new() } else { applied_numbers(session.conn()).await? };
    let status = |m: &Migration| MigrationStatus { name: m.name, applied: applied.contains(&m.number) };
    Ok(MIGRATIONS.iter().map(status).collect())
}
