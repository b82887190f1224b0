//! Databases on the shared MariaDB. Making the tables takes it a tenth of a second, and its tests are hundreds: what one
//! has done with is emptied for another. Knows nothing of what the tables are.

use std::ops::Deref;
use std::sync::Mutex;

use super::mariadb::MariaDb;

/// How many are made when there is none to use again: as many as tests run at once.
const BATCH: usize = 8;

/// Emptied, or never used.
static READY: tokio::sync::Mutex<Vec<String>> = tokio::sync::Mutex::const_new(Vec::new());
/// Those whose tests are over.
static USED: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// A database of one test's own, by its name. Given back when it is dropped, after the servers that work on it, unless
/// the test has failed.
pub struct Database(String);

impl Database {
    pub async fn take() -> Self {
        let mut ready = READY.lock().await;
        if ready.is_empty() {
            ready.extend(empty_used().await);
        }
        if ready.is_empty() {
            ready.extend(MariaDb::shared().await.create_databases(BATCH).await);
        }
        Self(ready.pop().expect("some were just made"))
    }
}

impl Deref for Database {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            USED.lock().unwrap().push(std::mem::take(&mut self.0));
        }
    }
}

/// Empties what nobody is connected to any more: a killed server's last statement may still be running.
async fn empty_used() -> Vec<String> {
    let candidates = std::mem::take(&mut *USED.lock().unwrap());
    if candidates.is_empty() {
        return candidates;
    }
    let mariadb = MariaDb::shared().await;
    let connected = mariadb.sql("", "SELECT DISTINCT db FROM information_schema.processlist").await;
    let (busy, idle): (Vec<_>, Vec<_>) =
        candidates.into_iter().partition(|name| connected.lines().any(|line| line == name));
    USED.lock().unwrap().extend(busy);
    if !idle.is_empty() {
        let tables = format!(
            "SELECT IF(auto_increment > 1, 'TRUNCATE', 'DELETE FROM'), CONCAT(table_schema, '.', table_name)
             FROM information_schema.tables
             WHERE table_name <> 'schema_migrations' AND table_schema IN ('{}')",
            idle.join("','")
        );
        let statements = mariadb.sql("", &tables).await.replace('\n', ";\n");
        mariadb.sql("", &statements).await;
    }
    idle
}
