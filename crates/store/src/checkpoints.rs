//! SQLite's checkpoints, made beside the commits. What was committed stands in the write-ahead log until a checkpoint has brought
//! it into the database's file. By itself SQLite makes one in every commit that finds 1,000 pages there, and that commit, with
//! all that wait for the one writer, takes 20 ms longer.
//!
//! Before version 3.51.3 a commit and a checkpoint beside it could damage the file (<https://www.sqlite.org/wal.html#walresetbug>).

use crate::db::{Pool, in_time};
use crate::{Result, Store};
use sqlx::SqlitePool;
use std::pin::pin;
use std::time::Duration;

/// Pages (4 KiB) at which a commit makes a checkpoint after all: only between two commits can the log begin anew. Most is copied
/// by then. So the log's file takes 64 MiB, and more only while somebody reads for long.
pub(crate) const PAGES: &str = "16384";
/// Between two checkpoints.
const PAUSE: Duration = Duration::from_millis(500);

impl Store {
    /// Makes SQLite's checkpoints, for ever; on MySQL there is nothing to do.
    pub async fn keep_checkpoints(&self) {
        let Pool::Sqlite { readers, .. } = &self.pool else { return };
        let mut works = true;
        loop {
            tokio::time::sleep(PAUSE).await;
            let made = checkpoint(readers).await;
            if let (Err(error), true) = (&made, works) {
                // Nothing is lost by it, and commits say nothing of it.
                tracing::warn!(%error, "SQLite made no checkpoint; its write-ahead log grows until it makes one");
            }
            works = made.is_ok();
        }
    }
}

/// As much as is possible without waiting for anybody.
async fn checkpoint(readers: &SqlitePool) -> Result<()> {
    let mut connection = in_time(pin!(readers.acquire())).await?;
    let call = sqlx::query("PRAGMA wal_checkpoint(PASSIVE)").execute(&mut *connection);
    in_time(pin!(call)).await.map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Database, migrate};

    #[tokio::test]
    async fn what_was_committed_comes_into_the_file_beside_the_commits() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("test.db");
        let store = Store::connect(&Database::Sqlite(file.clone())).await.unwrap();
        migrate(&store).await.unwrap();
        let before = std::fs::metadata(&file).unwrap().len();
        let Pool::Sqlite { readers, .. } = &store.pool else { unreachable!() };
        checkpoint(readers).await.unwrap();
        assert!(std::fs::metadata(&file).unwrap().len() > before, "the tables stood in the log only");
        assert!(std::fs::metadata(folder.path().join("test.db-wal")).unwrap().len() > 0);
    }

    #[tokio::test]
    async fn the_sqlite_that_is_built_in_bears_checkpoints_beside_commits() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::connect(&Database::Sqlite(folder.path().join("test.db"))).await.unwrap();
        let Pool::Sqlite { readers, .. } = &store.pool else { unreachable!() };
        let version: String = sqlx::query_scalar("SELECT sqlite_version()").fetch_one(readers).await.unwrap();
        let numbers: Vec<u32> = version.split('.').map(|number| number.parse().unwrap()).collect();
        assert!(numbers >= vec![3, 51, 3], "{version}");
    }
}
