//! Transactions on MySQL, on connections that are kept warm: one that has just committed serves the next transaction. The pool
//! would ask it twice whether it is well, and hand out the one that waited longest, which knows the fewest statements; so
//! that each of twenty has all of them prepared, and three round trips are made for nothing.

use super::{TRUSTED_FOR, in_time};
use crate::Result;
use sqlx::mysql::MySqlPool;
use sqlx::pool::PoolConnection;
use sqlx::{Executor, MySql, MySqlConnection};
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// One of so many connections of the pool may be kept here, so that most are left for whoever reads.
const ONE_OF: usize = 4;
/// How a transaction begins that sees one moment.
const SNAPSHOT: [&str; 2] = [
    "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ",
    "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",
];
/// After that time a connection goes back to the pool, which ends old ones.
const KEPT_FOR: Duration = Duration::from_secs(60);

/// A connection, and since when it is kept.
struct Warm {
    connection: PoolConnection<MySql>,
    since: Instant,
    used_at: Instant,
}

/// Connections that have just committed, the last one on top.
#[derive(Default)]
struct Shelf {
    kept: Vec<Warm>,
    closed: bool,
}

/// A pool of which writers keep a few connections warm.
#[derive(Clone)]
pub(crate) struct WarmPool {
    pool: MySqlPool,
    shelf: Arc<Mutex<Shelf>>,
    /// Those who wait for a connection of the pool: as long as there are any, none is kept from them.
    waiting: Arc<AtomicUsize>,
}

impl std::fmt::Debug for WarmPool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WarmPool").field("pool", &self.pool).finish_non_exhaustive()
    }
}

impl WarmPool {
    pub(crate) fn new(pool: MySqlPool) -> Self {
        Self { pool, shelf: Arc::default(), waiting: Arc::default() }
    }

    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn most(&self) -> u32 {
        self.pool.options().get_max_connections()
    }

    /// A connection that nothing is known of.
    pub(crate) async fn acquire(&self) -> Result<PoolConnection<MySql>> {
        let _waiting = Waiting::new(&self.waiting);
        // All others are in use: it would come back to the pool only when it is used again.
        if self.pool.num_idle() == 0
            && self.pool.size() >= self.most()
            && let Some(warm) = self.take()
        {
            return Ok(warm.connection);
        }
        in_time(pin!(self.pool.acquire())).await
    }

    /// The connection that was used last, if that is not too long ago to be trusted.
    fn take(&self) -> Option<Warm> {
        let mut shelf = self.shelf();
        let warm = shelf.kept.pop()?;
        if warm.used_at.elapsed() < TRUSTED_FOR {
            return Some(warm);
        }
        // All below it have waited longer. They go back to the pool, which asks them.
        let old = std::mem::take(&mut shelf.kept);
        drop(shelf);
        drop((warm, old));
        None
    }

    fn put(&self, warm: Warm) {
        let most = usize::try_from(self.most()).unwrap_or(usize::MAX) / ONE_OF;
        let mut shelf = self.shelf();
        let wanted = self.waiting.load(Ordering::SeqCst) > 0;
        let fits = !wanted && !shelf.closed && shelf.kept.len() < most;
        if fits && warm.used_at.duration_since(warm.since) < KEPT_FOR {
            shelf.kept.push(warm);
        }
    }

    /// Begins a transaction.
    pub(crate) async fn begin(&self) -> Result<WarmTx> {
        if let Some(warm) = self.take() {
            let mut tx = WarmTx::new(self, warm.connection, warm.since);
            if tx.begin(&["BEGIN"]).await.is_ok() {
                return Ok(tx);
            }
            // Perhaps the database was started anew: then those below are as bad. Nothing has begun.
            let others = std::mem::take(&mut self.shelf().kept);
            drop(others);
        }
        let mut tx = WarmTx::new(self, self.acquire().await?, Instant::now());
        tx.begin(&["BEGIN"]).await?;
        Ok(tx)
    }

    /// Begins a transaction that reads many things as they were at one moment.
    pub(crate) async fn begin_snapshot(&self) -> Result<WarmTx> {
        let mut tx = WarmTx::new(self, self.acquire().await?, Instant::now());
        tx.begin(&SNAPSHOT).await?;
        Ok(tx)
    }

    /// Lets go of all connections.
    pub(crate) async fn close(&self) {
        let kept = {
            let mut shelf = self.shelf();
            shelf.closed = true;
            std::mem::take(&mut shelf.kept)
        };
        drop(kept);
        self.pool.close().await;
    }
}

/// Counts itself as long as it lives.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// An open transaction; rolled back when dropped before `commit`.
pub(crate) struct WarmTx {
    /// There until the end.
    connection: Option<PoolConnection<MySql>>,
    /// Whether the database has said so.
    begun: bool,
    since: Instant,
    pool: WarmPool,
}

impl WarmTx {
    fn new(pool: &WarmPool, connection: PoolConnection<MySql>, since: Instant) -> Self {
        Self { connection: Some(connection), begun: false, since, pool: pool.clone() }
    }

    #[expect(clippy::expect_used, reason = "only the end takes it, and consumes this")]
    pub(crate) fn connection(&mut self) -> &mut MySqlConnection {
        self.connection.as_deref_mut().expect("a transaction has its connection until its end")
    }

    async fn begin(&mut self, statements: &[&'static str]) -> Result<()> {
        for sql in statements {
            self.run(sql).await?;
        }
        self.begun = true;
        Ok(())
    }

    pub(crate) async fn commit(mut self) -> Result<()> {
        self.run("COMMIT").await?;
        if let Some(connection) = self.connection.take() {
            self.pool.put(Warm { connection, since: self.since, used_at: Instant::now() });
        }
        Ok(())
    }

    async fn run(&mut self, sql: &'static str) -> Result<()> {
        in_time(self.connection().execute(sql).as_mut()).await.map(|_| ())
    }
}

impl Drop for WarmTx {
    fn drop(&mut self) {
        let Some(mut connection) = self.connection.take() else { return };
        let runtime = tokio::runtime::Handle::try_current().ok().filter(|_| self.begun);
        // What has half begun, or cannot be rolled back, ends with the connection.
        let Some(runtime) = runtime else { return drop(connection.detach()) };
        runtime.spawn(async move {
            if in_time(connection.execute("ROLLBACK").as_mut()).await.is_err() {
                drop(connection.detach());
            }
        });
    }
}
