//! Connections: a pool for MySQL/MariaDB, or one writer and a few readers for SQLite, behind one type.

mod warm;

use crate::{Error, Result, checkpoints};
use sqlx::mysql::{MySqlConnectOptions, MySqlPool, MySqlPoolOptions, MySqlSslMode};
use sqlx::pool::PoolConnection;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{
    ConnectOptions, Connection, Executor, MySql, MySqlConnection, Sqlite, SqliteConnection, Transaction,
};
use std::path::{Path, PathBuf};
use std::pin::{Pin, pin};
use std::time::Duration;
use warm::{WarmPool, WarmTx};

/// No database call may take longer: a frozen server must not hold requests, or a tenant's sequence row, for long.
pub(crate) const CALL_DEADLINE: Duration = Duration::from_secs(5);
/// How long a call waits for a free connection.
const ACQUIRE_DEADLINE: Duration = Duration::from_secs(3);
/// How long an idle connection is taken for well without being asked.
const TRUSTED_FOR: Duration = Duration::from_secs(1);
/// Pages that SQLite's writer keeps, in KiB as SQLite has it: what was written in the last seconds is read again when its result
/// is written. With the usual 2 MiB that meant to fetch it, and a page to let go.
const SQLITE_WRITER_CACHE: &str = "-16384";
/// Readers beside SQLite's one writer, and the pages that each keeps, in KiB: what is needed within one look. Whatever was
/// written meanwhile has a reader drop them all, so more would be memory that comes and goes.
const SQLITE_READERS: u32 = 4;
const SQLITE_READER_CACHE: &str = "-256";

/// Whether the connection to MySQL is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tls {
    /// Never.
    Disabled,
    /// If the server can.
    Preferred,
    /// Always.
    Required,
}

/// Where the data is.
#[derive(Debug, Clone)]
pub enum Database {
    /// An embedded database in this file; its folder is made.
    Sqlite(PathBuf),
    /// A MySQL 8 or MariaDB server.
    MySql {
        /// Host name or address.
        host: String,
        /// Its port.
        port: u16,
        /// The account.
        user: String,
        /// Its password; empty for none.
        password: String,
        /// The database.
        name: String,
        /// Whether the connection is encrypted.
        tls: Tls,
        /// The pool's size.
        max_connections: u32,
    },
}

/// An open database.
#[derive(Debug, Clone)]
pub struct Store {
    pub(crate) pool: Pool,
}

#[derive(Debug, Clone)]
pub(crate) enum Pool {
    MySql(WarmPool),
    Sqlite { writer: SqlitePool, readers: SqlitePool },
}

/// A borrowed connection, in a transaction or not, of either kind.
pub enum Conn<'c> {
    /// MySQL or MariaDB.
    MySql(&'c mut MySqlConnection),
    /// SQLite.
    Sqlite(&'c mut SqliteConnection),
}

/// Runs `$body`, which ends in a `Result<_, sqlx::Error>`, with `$c` as the connection of whichever kind, in time.
macro_rules! on {
    ($conn:expr, $c:ident => $body:expr) => {
        match $conn {
            $crate::Conn::MySql(connection) => {
                let $c = &mut *connection;
                $crate::db::in_time(::std::pin::pin!(async { $body })).await
            }
            $crate::Conn::Sqlite(connection) => {
                let $c = &mut *connection;
                $crate::db::in_time(::std::pin::pin!(async { $body })).await
            }
        }
    };
}
pub(crate) use on;

/// The call's own type is hidden, so that this is compiled for each kind of result and not for each statement.
pub(crate) async fn in_time<T>(call: Pin<&mut (dyn Future<Output = sqlx::Result<T>> + Send)>) -> Result<T> {
    match tokio::time::timeout(CALL_DEADLINE, call).await {
        Ok(result) => Ok(result?),
        Err(_) => Err(Error::Unavailable(format!("no answer within {} s", CALL_DEADLINE.as_secs()))),
    }
}

impl Conn<'_> {
    /// The same connection, borrowed for one call.
    pub fn again(&mut self) -> Conn<'_> {
        match self {
            Self::MySql(c) => Conn::MySql(c),
            Self::Sqlite(c) => Conn::Sqlite(c),
        }
    }

    /// Whether this is MySQL or MariaDB.
    #[must_use]
    pub fn is_mysql(&self) -> bool {
        matches!(self, Self::MySql(_))
    }
}

/// A connection for reading, without a transaction around it.
pub struct Reader(ReaderInner);

enum ReaderInner {
    MySql(PoolConnection<MySql>),
    Sqlite(PoolConnection<Sqlite>),
}

impl Reader {
    /// Lends the connection to one call.
    pub fn conn(&mut self) -> Conn<'_> {
        match &mut self.0 {
            ReaderInner::MySql(c) => Conn::MySql(c),
            ReaderInner::Sqlite(c) => Conn::Sqlite(c),
        }
    }
}

/// An open transaction; rolled back when dropped before `commit`.
pub struct Tx(TxInner);

enum TxInner {
    MySql(WarmTx),
    Sqlite(Transaction<'static, Sqlite>),
}

impl Tx {
    /// Lends the transaction to one call.
    pub fn conn(&mut self) -> Conn<'_> {
        match &mut self.0 {
            TxInner::MySql(tx) => Conn::MySql(tx.connection()),
            TxInner::Sqlite(tx) => Conn::Sqlite(tx),
        }
    }

    /// Commits, flushed to disk. After an `Unavailable` it is unknown whether the transaction took place.
    pub async fn commit(self) -> Result<()> {
        match self.0 {
            TxInner::MySql(tx) => tx.commit().await,
            TxInner::Sqlite(tx) => in_time(pin!(tx.commit())).await,
        }
    }
}

impl Store {
    /// Connects. Fails within seconds if the database cannot be reached.
    pub async fn connect(database: &Database) -> Result<Self> {
        let pool = match database {
            Database::Sqlite(path) => connect_sqlite(path).await?,
            Database::MySql { .. } => Pool::MySql(WarmPool::new(connect_mysql(database).await?)),
        };
        Ok(Self { pool })
    }

    /// Whether this is MySQL or MariaDB.
    #[must_use]
    pub fn is_mysql(&self) -> bool {
        matches!(self.pool, Pool::MySql(_))
    }

    /// A connection to read with.
    pub async fn read(&self) -> Result<Reader> {
        Ok(Reader(match &self.pool {
            Pool::MySql(pool) => ReaderInner::MySql(pool.acquire().await?),
            Pool::Sqlite { readers, .. } => ReaderInner::Sqlite(in_time(pin!(readers.acquire())).await?),
        }))
    }

    /// A transaction to write with.
    pub async fn begin(&self) -> Result<Tx> {
        Ok(Tx(match &self.pool {
            Pool::MySql(pool) => TxInner::MySql(pool.begin().await?),
            Pool::Sqlite { writer, .. } => {
                TxInner::Sqlite(in_time(pin!(writer.begin_with("BEGIN IMMEDIATE"))).await?)
            }
        }))
    }

    /// A transaction that reads many things as they were at one moment.
    pub async fn begin_snapshot(&self) -> Result<Tx> {
        Ok(Tx(match &self.pool {
            Pool::MySql(pool) => TxInner::MySql(pool.begin_snapshot().await?),
            Pool::Sqlite { readers, .. } => TxInner::Sqlite(in_time(pin!(readers.begin())).await?),
        }))
    }

    /// Lets go of all connections.
    pub async fn close(&self) {
        match &self.pool {
            Pool::MySql(pool) => pool.close().await,
            Pool::Sqlite { writer, readers } => {
                readers.close().await;
                writer.close().await;
            }
        }
    }
}

/// Prepared statements that a connection to MySQL keeps: more than there are, 144 under the loads measured. To close one has no
/// answer, and the next command then waits 40 ms for Nagle's algorithm, which sqlx 0.9.0 leaves on (transact-rs/sqlx#4336 is not released).
const STATEMENTS: usize = 512;

async fn connect_mysql(database: &Database) -> Result<MySqlPool> {
    let Database::MySql { host, port, user, password, name, tls, max_connections } = database else {
        return Err(Error::Schema("not a MySQL database".into()));
    };
    let mode = match tls {
        Tls::Disabled => MySqlSslMode::Disabled,
        Tls::Preferred => MySqlSslMode::Preferred,
        Tls::Required => MySqlSslMode::Required,
    };
    let mut options = MySqlConnectOptions::new()
        .host(host)
        .port(*port)
        .username(user)
        .database(name)
        .ssl_mode(mode)
        // Texts compare byte by byte, as in the tables.
        .collation("utf8mb4_bin")
        .statement_cache_capacity(STATEMENTS)
        .disable_statement_logging();
    if !password.is_empty() {
        options = options.password(password);
    }
    let pool = MySqlPoolOptions::new()
        .max_connections(*max_connections)
        .acquire_timeout(ACQUIRE_DEADLINE)
        // Before the database ends it, which would be an aborted connection in its log.
        .idle_timeout(IDLE_IN_POOL)
        // A connection that was well a moment ago is not asked again, which would cost every transaction a round trip.
        .test_before_acquire(false)
        .before_acquire(|connection, meta| {
            Box::pin(async move { Ok(meta.idle_for < TRUSTED_FOR || connection.ping().await.is_ok()) })
        })
        // The pool asks a connection that comes back whether it is well, and waits for the answer for ever: a database
        // host that has vanished would keep the whole pool waiting until TCP gives up.
        .after_release(|connection, _| {
            Box::pin(async move {
                match tokio::time::timeout(CALL_DEADLINE, connection.ping()).await {
                    Ok(answer) => answer.map(|()| true),
                    Err(_) => Err(sqlx::Error::Io(std::io::ErrorKind::TimedOut.into())),
                }
            })
        })
        .after_connect(|connection, _| Box::pin(async move { prepare_mysql_session(connection).await }))
        .connect_with(options)
        .await?;
    Ok(pool)
}

/// Ends a session that has gone silent, and with it a transaction of its own and its hold on a sequence row: MySQL has no limit for
/// that alone. The pool asks a connection that was idle for so long whether it is well, and makes another.
pub(crate) const IDLE_LIMIT: &str = "SET SESSION wait_timeout = 60";
/// How long a connection waits in the pool.
const IDLE_IN_POOL: Duration = Duration::from_secs(45);

async fn prepare_mysql_session(connection: &mut MySqlConnection) -> sqlx::Result<()> {
    connection.execute("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED").await?;
    connection.execute("SET SESSION innodb_lock_wait_timeout = 2").await?;
    // Whatever the server is set to: what does not fit is refused, never cut off in silence.
    connection.execute("SET SESSION sql_mode = CONCAT(@@sql_mode, ',STRICT_TRANS_TABLES')").await?;
    connection.execute(IDLE_LIMIT).await?;
    // MariaDB only: ends a transaction whose client has gone silent, and with it its hold on a sequence row, sooner.
    match connection.execute("SET SESSION idle_transaction_timeout = 10").await {
        Err(sqlx::Error::Database(_)) | Ok(_) => Ok(()),
        Err(error) => Err(error),
    }
}

async fn connect_sqlite(path: &Path) -> Result<Pool> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|error| {
            Error::Unavailable(format!("cannot make the folder {}: {error}", folder.display()))
        })?;
    }
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        // Acknowledged means kept: every commit is flushed.
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(CALL_DEADLINE)
        .foreign_keys(false)
        .disable_statement_logging();
    // A file does not go away behind an open connection: all are there from the start, stay, and are not asked whether they are
    // well. Those are for servers.
    let pool = |count| {
        let options = SqlitePoolOptions::new().min_connections(count).max_connections(count);
        let options = options.idle_timeout(None).max_lifetime(None);
        options.acquire_timeout(ACQUIRE_DEADLINE).test_before_acquire(false)
    };
    let writing = options.clone().pragma("wal_autocheckpoint", checkpoints::PAGES);
    let writing = writing.pragma("cache_size", SQLITE_WRITER_CACHE);
    let writer = pool(1).connect_with(writing).await?;
    let reading = options.pragma("query_only", "ON").pragma("cache_size", SQLITE_READER_CACHE);
    let readers = pool(SQLITE_READERS).connect_with(reading).await?;
    Ok(Pool::Sqlite { writer, readers })
}
