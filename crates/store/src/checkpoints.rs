//! SQLite's checkpoints, made beside the commits. What was committed stands in the write-ahead log until a checkpoint has brought
//! it into the database's file. By itself SQLite makes one in every commit that finds 1,000 pages there, and that commit, with
//! all that wait for the one writer, takes 20 ms longer.

use crate::db::Pool;
use crate::{Result, Store};
use std::time::Duration;

/// Pages (4 KiB) at which a commit makes a checkpoint after all: only between two commits can the log begin anew. By then most
/// of it is done.
pub(crate) const PAGES: &str = "16384";
/// Between two checkpoints.
const PAUSE: Duration = Duration::from_millis(500);

impl Store {
    /// Makes SQLite's checkpoints, for ever; on MySQL there is nothing to do.
    pub async fn keep_checkpoints(&self) {
        while !self.is_mysql() {
            tokio::time::sleep(PAUSE).await;
            if let Err(error) = self.checkpoint().await {
                // Nothing is lost by it: the log grows until a commit makes the checkpoint, or says what is wrong.
                tracing::debug!(%error, "SQLite made no checkpoint");
            }
        }
    }

    /// As much as is possible without waiting for anybody.
    async fn checkpoint(&self) -> Result<()> {
        let Pool::Sqlite { readers, .. } = &self.pool else { return Ok(()) };
        let mut connection = crate::db::in_time(std::pin::pin!(readers.acquire())).await?;
        let call = sqlx::query("PRAGMA wal_checkpoint(PASSIVE)").execute(&mut *connection);
        crate::db::in_time(std::pin::pin!(call)).await.map(|_| ())
    }
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
        store.checkpoint().await.unwrap();
        assert!(std::fs::metadata(&file).unwrap().len() > before, "the tables stood in the log only");
        assert!(std::fs::metadata(folder.path().join("test.db-wal")).unwrap().len() > 0);
    }
}
