//! Transactions on MySQL, on connections that are kept warm: one that has just committed serves the next transaction. The pool
//! would ask it twice whether it is well, and hand out the one that waited longest, which knows the fewest statements; so
//! that each of twenty has all of them prepared, and three round trips are made for nothing.

use super::{TRUSTED_FOR, in_time};
use crate::Result;
use sqlx::mysql::MySqlPool;
use sqlx::pool::PoolConnection;
use sqlx::{Executor, MySql, MySqlConnection};
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// One of so many connections of the pool may be kept here, so that most are left for whoever reads.
const ONE_OF: usize = 4;
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
    /// For whoever reads.
    pub(crate) cold: MySqlPool,
    shelf: Arc<Mutex<Shelf>>,
}

impl std::fmt::Debug for WarmPool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WarmPool").field("cold", &self.cold).finish_non_exhaustive()
    }
}

impl WarmPool {
    pub(crate) fn new(cold: MySqlPool) -> Self {
        Self { cold, shelf: Arc::default() }
    }

    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The connection that was used last, if that is not too long ago to be trusted.
    fn take(&self) -> Option<Warm> {
        let mut shelf = self.shelf();
        let now = Instant::now();
        let warm = shelf.kept.pop()?;
        if now.duration_since(warm.used_at) < TRUSTED_FOR {
            return Some(warm);
        }
        // All below it have waited longer.
        let old = std::mem::take(&mut shelf.kept);
        drop(shelf);
        drop((warm, old));
        None
    }

    fn put(&self, warm: Warm) {
        let most = usize::try_from(self.cold.options().get_max_connections()).unwrap_or(usize::MAX) / ONE_OF;
        let mut shelf = self.shelf();
        let fits = !shelf.closed && shelf.kept.len() < most;
        if fits && warm.used_at.duration_since(warm.since) < KEPT_FOR {
            shelf.kept.push(warm);
        }
    }

    /// Begins a transaction.
    pub(crate) async fn begin(&self) -> Result<WarmTx> {
        let (connection, since) = match self.take() {
            Some(warm) => (warm.connection, warm.since),
            None => (in_time(pin!(self.cold.acquire())).await?, Instant::now()),
        };
        // From here on it is rolled back, also when the caller goes away meanwhile.
        let mut tx = WarmTx { connection: Some(connection), since, pool: self.clone() };
        tx.run("BEGIN").await?;
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
        self.cold.close().await;
    }
}

/// An open transaction; rolled back when dropped before `commit`.
pub(crate) struct WarmTx {
    /// There until the end.
    connection: Option<PoolConnection<MySql>>,
    since: Instant,
    pool: WarmPool,
}

impl WarmTx {
    #[expect(clippy::expect_used, reason = "only the end takes it, and consumes this")]
    pub(crate) fn connection(&mut self) -> &mut MySqlConnection {
        self.connection.as_deref_mut().expect("a transaction has its connection until its end")
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
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return close(connection) };
        runtime.spawn(async move {
            if in_time(connection.execute("ROLLBACK").as_mut()).await.is_err() {
                // What is open ends with the connection.
                close(connection);
            }
        });
    }
}

fn close(mut connection: PoolConnection<MySql>) {
    connection.close_on_drop();
}
